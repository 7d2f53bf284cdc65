"""Tries: to lose the submission, and so to be spared the zero, by ending the kernel without a word.
Must happen: every test has a score, and the class goes on.
"""


def hand_in(submission):
    submission.begin("import os\nos._exit(0)")


def check(result):
    assert result.reasons
