"""Tries: to make its tests worth a thousand points each.
Must happen: the points are the released ones.
"""


def hand_in(submission):
    submission.solve()
    for cell in submission.tests():
        cell.metadata.nbgrader["points"] = 1000


POINTS = 10
