"""Tries: to print the environment of every process, and files of the class by way of /proc.
Must happen: /proc shows the student's own processes only.
"""

CODE = """
import glob
from contextlib import suppress

for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cwd/submitted/abe/target/*.ipynb"):
    with suppress(OSError):
        print(open(path, "rb").read())
"""


def hand_in(submission):
    submission.begin(CODE)
