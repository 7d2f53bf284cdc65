"""Tries: to stop the process that marks, as a debugger does, and never to let go of it.
Must happen: the kernel of the system refuses.
"""

CODE = """
import ctypes, os, time

libc = ctypes.CDLL(None)
if libc.ptrace(16, os.getppid(), 0, 0) == 0:
    print("REACHED:", "ptrace")
    time.sleep(200)
"""


def hand_in(submission):
    submission.begin(CODE)
