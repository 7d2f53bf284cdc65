"""Tries: to add a test of its own, which passes and is worth a hundred points.
Must happen: the cell is no test, and the lab's own tests have their scores.
"""

import nbformat


def hand_in(submission):
    cell = nbformat.v4.new_code_cell("assert True, 'always'")
    cell.metadata["nbgrader"] = dict(submission.cell("test-gap").metadata.nbgrader, grade_id="bonus", points=100)
    submission.insert("test-gap", cell)
