"""Tries: to keep the full marks of an earlier right submission, by handing in wrong answers without the tests.
Must happen: what is marked is what was handed in last, and the old marks are gone.
"""


def hand_in_first(submission):
    submission.solve()


def hand_in(submission):
    for cell in submission.tests():
        submission.notebook.cells.remove(cell)
