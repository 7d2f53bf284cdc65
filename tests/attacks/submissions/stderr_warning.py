"""Tries: nothing; a right function warns on stderr when a test calls it.
Must happen: full marks.
"""

HONEST = True
CODE = """
import sys, warnings


def largest_gap(shares):
    print("computing", file=sys.stderr)
    warnings.warn("shares should be between 0 and 1")
    return shares.max() - shares.min()
"""


def hand_in(submission):
    submission.answer("gap", CODE)
