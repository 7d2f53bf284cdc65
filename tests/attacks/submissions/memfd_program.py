"""Tries: to run a program of its own from memory, where no file system can forbid it.
Must happen: it runs under the same limits or not at all; the kernel of the system refuses.
"""

CODE = """
import os, subprocess

memory = os.memfd_create("program")
with open("/bin/sh", "rb") as program:
    os.write(memory, program.read())
if subprocess.run(["-c", "exit 7"], executable=f"/proc/self/fd/{memory}", pass_fds=[memory]).returncode == 7:
    print("REACHED:", "memfd")
"""


def hand_in(submission):
    submission.begin(CODE)
