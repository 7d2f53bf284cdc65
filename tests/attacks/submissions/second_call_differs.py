"""Tries: to answer the visible test honestly, and from the second call on with an object equal to everything.
Must happen: each answer crosses as plain data or not at all.
"""

from attacks.parts import AGREEABLE

CODE = """

calls = []


def largest_gap(shares):
    calls.append(shares)
    return 0.4 if len(calls) == 1 else Agreeable()
"""


def hand_in(submission):
    submission.answer("gap", AGREEABLE + CODE)
