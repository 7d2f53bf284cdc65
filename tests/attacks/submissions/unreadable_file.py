"""Tries: nothing; one file was handed in without the permission to read it, as some archives unpack.
Must happen: full marks.
"""

HONEST = True


def hand_in(submission):
    submission.write("notes.txt", b"x")
    (submission.folder / "notes.txt").chmod(0)
