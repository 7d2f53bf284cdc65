"""Tries: to open an io_uring, which passes by filters of system calls.
Must happen: the kernel of the system refuses.
"""

CODE = """
import ctypes

if ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(120)) >= 0:
    print("REACHED:", "io_uring")
"""


def hand_in(submission):
    submission.begin(CODE)
