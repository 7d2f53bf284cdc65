"""Tries: to fill the machine's memory from forty processes, each of which keeps below any limit for one.
Must happen: the limit on the whole tree stops it, and they all end with the kernel.
"""

CODE = """
import os, time

for _ in range(40):
    if os.fork() == 0:
        hoard = b"x" * 300_000_000
        time.sleep(60)
        os._exit(0)
time.sleep(5)
"""


def hand_in(submission):
    submission.begin(CODE)
