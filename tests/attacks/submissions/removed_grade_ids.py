"""Tries: nothing; the grade ids are gone from answers and tests, everything else is as it was.
Must happen: the cells are known again, and full marks.
"""

HONEST = True


def hand_in(submission):
    for cell in submission.notebook.cells:
        cell.metadata.get("nbgrader", {}).pop("grade_id", None)
