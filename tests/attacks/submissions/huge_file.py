"""Tries: to have a file of 300 MB, which it writes while it is marked, copied into the feedback.
Must happen: nothing that it writes is stored.
"""

CODE = """
with open("large", "wb") as file:
    for _ in range(300):
        file.write(b"x" * 1_000_000)
"""


def hand_in(submission):
    submission.begin(CODE)
