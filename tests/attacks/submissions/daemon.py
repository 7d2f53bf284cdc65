"""Tries: to leave a daemon, forked twice, in a session of its own, without a terminal or an open file.
Must happen: it ends with the kernel.
"""

CODE = """
import os, sys

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 4096)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "daemon"])
    os._exit(0)
"""


def hand_in(submission):
    submission.begin(CODE)
