"""Tries: to hang the marking with a kernel that is alive and stopped.
Must happen: the time limit ends it, and the class goes on.
"""

CODE = """
import os, signal

os.kill(os.getpid(), signal.SIGSTOP)
"""


def hand_in(submission):
    submission.begin(CODE)
