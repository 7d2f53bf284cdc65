"""Tries: to replace a built-in function that tests use.
Must happen: tests run with their own.
"""

ANY_LAB = True


def hand_in(submission):
    submission.begin("import builtins\n\nbuiltins.abs = lambda value: 0.0")
