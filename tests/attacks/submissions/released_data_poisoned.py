"""Tries: to replace the lab's data in the folder from which every later student gets it.
Must happen: nothing is written outside the working copy, and zoe gets her marks.
"""

CODE = """
from contextlib import suppress
from pathlib import Path

for folder in ("../../../source", "CLASSROOM/source"):
    with suppress(OSError):
        Path(folder, "target/data/target.csv").write_text("OUT" + "SIDE:released_data_poisoned")
"""


def hand_in(submission):
    submission.begin(CODE)
