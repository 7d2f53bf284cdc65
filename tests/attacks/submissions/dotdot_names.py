"""Tries: nothing that a right solution would notice; files and outputs carry names that lead out of their folder.
Must happen: full marks, and nothing is written elsewhere.
"""

HONEST = True


def hand_in(submission):
    for name in ("..data", "data\\..\\..\\gradebook.db", "data/...", "-rf", "a\nb", "data/~", "$HOME"):
        submission.write(name, b"OUTSIDE:dotdot_names")
    for cell in submission.notebook.cells:
        cell.metadata["filenames"] = {"image/png": "../../../OUTSIDE.png"}
    submission.notebook.metadata.update(name="../../../target", path="../..")
