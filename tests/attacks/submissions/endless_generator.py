"""Tries: to hang or to fill a test with values that never end.
Must happen: a generator does not cross; the tests fail.
"""

CODE = """
import itertools

mean_severity = itertools.count()
largest_gap = patients_above = lambda value: (number for number in itertools.count())
"""


def hand_in(submission):
    for task in ("mean", "gap", "count"):
        submission.answer(task, CODE)
