"""Tries: to kill the process that marks.
Must happen: the marking process is out of reach, and everybody after is marked.
"""

CODE = """
import os, signal

os.kill(os.getppid(), signal.SIGKILL)
"""


def hand_in(submission):
    submission.begin(CODE)
