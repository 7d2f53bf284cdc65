"""Tries: to hang whoever copies its files, with a pipe that nobody writes to.
Must happen: the pipe is left out, the answers are marked, and the class goes on.
"""

import os


def hand_in(submission):
    os.mkfifo(submission.folder / "pipe")
