"""Tries: to spoil the line on which the grader sends the next cell, so that the grader waits for ever.
Must happen: the kernel is started again, some times and no more, and every test has a score.
"""

CODE = """
import os, socket, stat, time

for descriptor in map(int, os.listdir("/proc/self/fd")):
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as line:
                if str(line.getsockname()).endswith("-1"):
                    line.send(b"{" * 99)
    except OSError:
        pass
time.sleep(0.3)
"""


def hand_in(submission):
    submission.begin(CODE)
