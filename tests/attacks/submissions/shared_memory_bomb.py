"""Tries: to fill the machine's memory with pages that are shared, and so no process's own.
Must happen: such memory is refused, since no limit would count it.
"""

CODE = """
import ctypes, mmap, os
from contextlib import suppress

LARGE = 4_000_000_000
with suppress(OSError):
    mmap.mmap(-1, LARGE)
    print("REACHED:", "shared memory")
with suppress(OSError):
    mmap.mmap(os.open("/dev/zero", os.O_RDWR), LARGE)
    print("REACHED:", "shared memory of a device")
if os.fork() == 0:  # System V's
    os._exit(7 if ctypes.CDLL(None).shmget(0, ctypes.c_size_t(LARGE), 0o1600) >= 0 else 0)
if os.waitstatus_to_exitcode(os.wait()[1]) == 7:
    print("REACHED:", "shared memory with a name")
"""


def hand_in(submission):
    submission.begin(CODE)
