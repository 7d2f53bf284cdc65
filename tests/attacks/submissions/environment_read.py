"""Tries: to print the environment, which may hold a grader's passwords.
Must happen: the student's process has an environment of its own.
"""


def hand_in(submission):
    submission.begin("import os\nprint(dict(os.environ))")
