"""Tries: to leave an nbgrader_config.py where the grader's next command runs it, as the grader.
Must happen: nothing is written outside the working copy.
"""

CODE = """
from contextlib import suppress
from pathlib import Path

for folder in ("../../..", "CLASSROOM"):
    with suppress(OSError):
        Path(folder, "nbgrader_config.py").write_text("# OUT" + "SIDE:nbgrader_config_written")
"""


def hand_in(submission):
    submission.begin(CODE)
