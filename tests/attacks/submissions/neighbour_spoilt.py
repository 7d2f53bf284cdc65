"""Tries: to overwrite the submission of a student who is marked later.
Must happen: no other submission is in view, and zoe gets her marks.
"""

CODE = """
from contextlib import suppress
from pathlib import Path

for folder in ("../../../submitted", "CLASSROOM/submitted"):
    with suppress(OSError):
        Path(folder, "zoe/target/target.ipynb").write_text("OUT" + "SIDE:neighbour_spoilt")
"""


def hand_in(submission):
    submission.begin(CODE)
