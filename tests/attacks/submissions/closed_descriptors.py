"""Tries: to hang the marking by closing every pipe and socket of the kernel.
Must happen: the time limit ends it, and the class goes on.
"""

CODE = """
import os

os.closerange(3, 4096)
"""


def hand_in(submission):
    submission.begin(CODE)
