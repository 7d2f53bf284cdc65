"""Tries: to spoil the line on which the grader sends the next cell, so that the grader waits for ever.
Must happen: the cell is stopped at its limit, and a kernel that is started again runs the cells below.
"""

CODE = """
import os, stat

for descriptor in map(int, os.listdir("/proc/self/fd")):
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.write(descriptor, b"{" * 99)
    except OSError:
        pass
while True:
    pass
"""


def hand_in(submission):
    submission.begin(CODE)
