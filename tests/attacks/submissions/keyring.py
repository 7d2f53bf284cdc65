"""Tries: to leave a message for other processes in the system's keyring, which no file system guards.
Must happen: the kernel of the system refuses.
"""

CODE = """
import ctypes, platform

add_key = {"x86_64": 248, "aarch64": 217}[platform.machine()]
if ctypes.CDLL(None).syscall(add_key, b"user", b"message", b"hello", 5, -4) > 0:
    print("REACHED:", "keyring")
"""


def hand_in(submission):
    submission.begin(CODE)
