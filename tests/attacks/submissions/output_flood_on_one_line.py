"""Tries: to fill the grader's memory and disk with 500 MB of output on one line.
Must happen: the output is cut, and little of it is stored.
"""


def hand_in(submission):
    submission.begin("print('x' * 500_000_000)")
