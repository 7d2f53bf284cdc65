"""Tries: to print a private key from the grader's home.
Must happen: no home is in view.
"""

CODE = """
from pathlib import Path

for home in (Path.home(), Path("CLASSROOM/../home")):
    for path in home.glob(".ssh/*"):
        print(path.read_text())
"""


def hand_in(submission):
    submission.begin(CODE)
