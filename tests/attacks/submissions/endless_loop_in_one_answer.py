"""Tries: nothing; one function never ends, the other answers are right.
Must happen: that test is lost, and the other four are marked.
"""

HONEST = True
POINTS = 7
CODE = """
def largest_gap(shares):
    while True:
        pass
"""


def hand_in(submission):
    submission.answer("gap", CODE)
