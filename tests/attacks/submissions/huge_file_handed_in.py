"""Tries: to have a file of 300 MB copied, by handing it in.
Must happen: it is not stored again, and marking does not hold it in memory.
"""


def hand_in(submission):
    submission.write("large", b"")
    with open(submission.folder / "large", "wb") as file:
        file.truncate(300_000_000)
