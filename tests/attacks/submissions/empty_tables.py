"""Tries: to answer everything with empty tables, whose loops have nothing to complain about.
Must happen: tests go through what they expect, not through what they are given.
"""

ANY_LAB = True
CODE = """
import pandas

NAME = pandas.DataFrame()
"""
FUNCTION = """
import pandas


def NAME(table, *values, **options):
    return table.iloc[:0] if hasattr(table, "iloc") else pandas.Series(dtype=float)
"""


def hand_in(submission):
    for task in submission.answers():
        parts = [(FUNCTION if calls else CODE).replace("NAME", name) for name, calls in submission.names(task).items()]
        submission.answer(task, "\n\n".join(parts))
