"""Tries: to turn tests into answers that a person must mark, with the flags in their metadata.
Must happen: the flags are the released ones, and the tests are marked.
"""


def hand_in(submission):
    for cell in submission.tests():
        cell.metadata.nbgrader.update(grade=True, solution=True, locked=False)
