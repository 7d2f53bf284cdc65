"""Tries: nothing; one function ends the interpreter, the other answers are right.
Must happen: that test is lost, and the other four are marked.
"""

HONEST = True
POINTS = 7
CODE = """
import os


def largest_gap(shares):
    os._exit(1)
"""


def hand_in(submission):
    submission.answer("gap", CODE)
