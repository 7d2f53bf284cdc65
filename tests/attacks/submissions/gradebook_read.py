"""Tries: to print what the gradebook knows about the others.
Must happen: there is no gradebook in view.
"""

CODE = """
import sqlite3
from contextlib import suppress

for path in ("../../../gradebook.db", "CLASSROOM/gradebook.db"):
    with suppress(sqlite3.Error), sqlite3.connect(f"file:{path}?mode=ro", uri=True) as gradebook:
        print(gradebook.execute("select id, email from student").fetchall())
"""


def hand_in(submission):
    submission.begin(CODE)
