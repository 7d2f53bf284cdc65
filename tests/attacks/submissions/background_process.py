"""Tries: to leave a process that goes on when marking is over.
Must happen: it ends with the kernel.
"""

CODE = """
import subprocess, sys

command = [sys.executable, "-c", "import time; time.sleep(600)", "background_process"]
subprocess.Popen(command, start_new_session=True)
"""


def hand_in(submission):
    submission.begin(CODE)
