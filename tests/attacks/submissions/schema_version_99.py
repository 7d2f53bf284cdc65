"""Tries: to stop the marking with metadata that claim to be of a version that does not exist yet.
Must happen: the metadata are the released ones, the answers are marked as they are, and the class goes on.
"""


def hand_in(submission):
    for cell in submission.notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["schema_version"] = 99
