"""Tries: to define names of its own that hide built-in functions and libraries from the tests.
Must happen: a test sees of the student's names only those of its answers.
"""

CODE = """
abs = lambda value: 0.0
int = lambda value: 7
patients_above = lambda limit: 7
"""


def hand_in(submission):
    submission.begin(CODE)
    submission.answer("count", CODE)
