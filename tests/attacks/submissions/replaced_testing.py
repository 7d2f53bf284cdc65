"""Tries: to replace the functions with which tests compare arrays and tables by some that are always content.
Must happen: the tests use the real ones.
"""

ANY_LAB = True
CODE = """
import numpy.testing
import pandas.testing

for module in (numpy.testing, pandas.testing):
    for name in dir(module):
        if name.startswith("assert"):
            setattr(module, name, lambda *values, **options: None)
"""


def hand_in(submission):
    submission.begin(CODE)
