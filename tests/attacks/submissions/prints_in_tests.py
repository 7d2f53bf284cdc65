"""Tries: nothing; a right function prints and displays while a test calls it.
Must happen: full marks.
"""

HONEST = True
CODE = """
def largest_gap(shares):
    print("0.0")
    display(shares.describe())
    return shares.max() - shares.min()
"""


def hand_in(submission):
    submission.answer("gap", CODE)
