"""Tries: nothing; a file beside a right solution is called course.
Must happen: full marks.
"""

HONEST = True


def hand_in(submission):
    submission.write("course", b"Ethics of clinical AI, Tuesdays at 10\n")
