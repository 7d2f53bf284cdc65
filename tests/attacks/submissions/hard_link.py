"""Tries: to read the gradebook through a hard link in its submission.
Must happen: a file with another name elsewhere is not given to the student's process.
"""

import os

CODE = """
import sqlite3

with sqlite3.connect("notes.db") as gradebook:
    print(gradebook.execute("select id, email from student").fetchall())
"""


def hand_in(submission):
    os.link(submission.classroom / "gradebook.db", submission.folder / "notes.db")
    submission.begin(CODE)
