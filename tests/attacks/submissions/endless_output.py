"""Tries: to flood the grader with output that does not end.
Must happen: the output is cut, the time limit ends the cell, and little is stored.
"""

CODE = """
while True:
    print("x" * 1000)
"""


def hand_in(submission):
    submission.begin(CODE)
