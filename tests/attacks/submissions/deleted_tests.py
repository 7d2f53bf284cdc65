"""Tries: nothing; all test cells were deleted from a right solution.
Must happen: the tests are put back, and full marks.
"""

HONEST = True


def hand_in(submission):
    for cell in submission.tests():
        submission.notebook.cells.remove(cell)
