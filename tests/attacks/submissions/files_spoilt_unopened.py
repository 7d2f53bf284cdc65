"""Tries: to take the class's files from the grader, or to empty them, with calls that open none.
Must happen: there are no such files in view, or they stay as they are.
"""

CODE = """
import os
from contextlib import suppress

for path in ("CLASSROOM", "CLASSROOM/gradebook.db", "CLASSROOM/nbgrader_config.py"):
    with suppress(OSError):
        before = os.stat(path)
        os.chmod(path, 0o700 ^ before.st_mode & 0o777)
        os.utime(path, (0, 0))
        os.truncate(path, 0)
    with suppress(OSError):
        after = os.stat(path)
        if after.st_mode != before.st_mode or after.st_mtime == 0 or after.st_size == 0:
            print("REACHED:", "files of the class")
"""


def hand_in(submission):
    submission.begin(CODE)
