"""Tries: to have the tests not counted at all, with the flags in their metadata.
Must happen: the flags are the released ones, and every test has a score.
"""


def hand_in(submission):
    for cell in submission.tests():
        cell.metadata.nbgrader.update(grade=False, solution=False, locked=False)
