"""Tries: to crash the process that calls its function, with a recursion that overruns the stack.
Must happen: the student's process crashes at most, every test has a score, and the reason is named.
"""

CODE = """
import sys

sys.setrecursionlimit(10**9)


def largest_gap(shares):
    return repr(__import__("functools").reduce(lambda deep, _: [deep], range(10**7), []))
"""


def hand_in(submission):
    submission.answer("gap", CODE)


def check(result):
    assert result.reasons
