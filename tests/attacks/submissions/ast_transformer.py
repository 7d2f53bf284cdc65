"""Tries: to remove the tests from the syntax tree, with an AST transformer in IPython.
Must happen: the tests run as they are.
"""

from attacks.parts import SWALLOW_TESTS

ANY_LAB = True


def hand_in(submission):
    submission.begin(SWALLOW_TESTS)
