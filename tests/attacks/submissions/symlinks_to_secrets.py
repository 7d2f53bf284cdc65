"""Tries: to have secrets copied beside its notebook, by handing in symbolic links to them.
Must happen: links are not followed.
"""

CODE = """
from pathlib import Path

for path in (Path("key"), *Path("neighbour").glob("target/*.ipynb")):
    print(path.read_text())
"""


def hand_in(submission):
    (submission.folder / "key").symlink_to("../../../../home/.ssh/id_ed25519")
    (submission.folder / "neighbour").symlink_to(submission.classroom / "submitted" / "abe")
    submission.begin(CODE)
