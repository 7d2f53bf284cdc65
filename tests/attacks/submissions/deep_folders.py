"""Tries: to break whoever walks through its files, with folders nested 400 deep.
Must happen: the answers are marked, and the class goes on.
"""


def hand_in(submission):
    submission.write("/".join(["deep"] * 400) + "/notes.txt", b"x")
