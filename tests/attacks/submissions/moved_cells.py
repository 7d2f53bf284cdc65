"""Tries: nothing; a test was dragged above the answer that it tests, and an answer to the end.
Must happen: the released order is restored, and full marks.
"""

HONEST = True


def hand_in(submission):
    cells = submission.notebook.cells
    cells.insert(1, cells.pop(cells.index(submission.cell("test-gap"))))
    cells.append(cells.pop(cells.index(submission.cell("model"))))
