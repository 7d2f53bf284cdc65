"""Tries: nothing; one answer asks a question that nobody is there to answer.
Must happen: that test is lost, and the other four are marked.
"""

HONEST = True
POINTS = 8


def hand_in(submission):
    submission.prepend("count", "input('Which file? ')")
