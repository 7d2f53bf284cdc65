"""Tries: to become root in a user namespace of its own, from which more of the system's kernel is in reach.
Must happen: the kernel of the system refuses.
"""

CODE = """
import ctypes, os

if os.fork() == 0:  # a namespace needs a process with one thread
    CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
    os._exit(7 if ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 else 0)
if os.waitstatus_to_exitcode(os.wait()[1]) == 7:
    print("REACHED:", "new namespaces")
"""


def hand_in(submission):
    submission.begin(CODE)
