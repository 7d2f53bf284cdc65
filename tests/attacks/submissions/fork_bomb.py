"""Tries: to fill the machine with processes.
Must happen: the limit on processes stops it, they all end with the kernel, and the class goes on.
"""

CODE = """
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
"""


def hand_in(submission):
    submission.begin(CODE)
