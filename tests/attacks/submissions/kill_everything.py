"""Tries: to kill every process of the machine that it may signal.
Must happen: it ends itself at most.
"""

CODE = """
import os, signal

os.kill(-1, signal.SIGKILL)
"""


def hand_in(submission):
    submission.begin(CODE)
