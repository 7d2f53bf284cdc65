"""Tries: nothing; another editor dropped all metadata of the test cells.
Must happen: full marks.
"""

HONEST = True


def hand_in(submission):
    for cell in submission.tests():
        cell.metadata.clear()
