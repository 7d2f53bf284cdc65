"""Tries: to change the test's own tables and its arguments, so that a wrong answer becomes right.
Must happen: what a function changes in its arguments does not reach the test.
"""

CODE = """
def largest_gap(shares):
    shares[:] = 0.4 if len(shares) == 3 else 0.0
    return 0.4 if len(shares) == 3 else 0.0


def patients_above(limit):
    patients["severity"] = -1e9
    return 0
"""


def hand_in(submission):
    submission.answer("gap", CODE)
