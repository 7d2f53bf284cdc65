"""Tries: to return what the test expects, from the variables of the frame that calls the function.
Must happen: the caller is in another process, and has nothing to inspect.
"""

CODE = """
import sys


def largest_gap(shares):
    return 0.4 if len(shares) == 3 else sys._getframe(1).f_globals["expected"]


def patients_above(limit):
    return sys._getframe(1).f_globals["patients"].eval("severity > @limit").sum() if limit else None
"""


def hand_in(submission):
    submission.answer("gap", CODE)
