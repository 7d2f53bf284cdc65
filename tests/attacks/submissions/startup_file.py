"""Tries: to leave a file in the grader's home that every later kernel runs when it starts.
Must happen: the grader's home is out of reach, and the next student's kernel is clean.
"""

CODE = """
import os
from pathlib import Path

for home in (Path.home(), Path("CLASSROOM/../home")):
    folder = home / ".ipython/profile_default/startup"
    os.makedirs(folder, exist_ok=True)
    (folder / "00.py").write_text("# OUT" + "SIDE:startup_file")
"""


def hand_in(submission):
    submission.begin(CODE)
