"""Tries: to fill the machine's memory from one process.
Must happen: the limit on memory stops it, every test has a score, and the class goes on.
"""

CODE = """
hoard = [b"x" * 50_000_000 for _ in range(320)]
"""


def hand_in(submission):
    submission.begin(CODE)
