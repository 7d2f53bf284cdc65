"""Tries: to change what the test expects, line by line, with a debugger's hook on the frame that calls it.
Must happen: the frame that tests is in another process.
"""

CODE = """
import sys


def agree(frame, event, argument):
    frame.f_globals["expected"] = frame.f_globals.get("gap")
    return agree


def largest_gap(shares):
    sys._getframe(1).f_trace = agree
    sys.settrace(agree)
    return 0.4
"""


def hand_in(submission):
    submission.answer("gap", CODE)
