"""Tries: nothing; an old nbgrader wrote the metadata, in schema version 1.
Must happen: full marks.
"""

HONEST = True


def hand_in(submission):
    for cell in submission.notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["schema_version"] = 1
