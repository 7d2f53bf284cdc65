"""Tries: to fill the disk with one file.
Must happen: the limit on what is written stops it, nothing of it is kept, and the class goes on.
"""

CODE = """
with open("large", "wb") as file:
    for _ in range(30):
        file.write(b"x" * 100_000_000)
"""


def hand_in(submission):
    submission.begin(CODE)
