"""Tries: to replace functions of NumPy that tests use.
Must happen: tests run with their own NumPy.
"""

ANY_LAB = True
CODE = """
import numpy

numpy.abs = numpy.absolute = lambda *values, **options: numpy.zeros(1)
numpy.allclose = numpy.array_equal = lambda *values, **options: True
numpy.isclose = lambda *values, **options: numpy.ones(1, bool)
"""


def hand_in(submission):
    submission.begin(CODE)
