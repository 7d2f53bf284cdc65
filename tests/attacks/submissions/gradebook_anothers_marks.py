"""Tries: to set the marks of another student to zero in gradebook.db.
Must happen: there is no gradebook in view, and nobody's marks change.
"""

CODE = """
import sqlite3
from contextlib import suppress

for path in ("../../../gradebook.db", "CLASSROOM/gradebook.db"):
    with suppress(sqlite3.Error), sqlite3.connect(f"file:{path}?mode=rw", uri=True) as gradebook:
        abe = "(select notebook_id from grade order by rowid limit 1)"
        gradebook.execute(f"update grade set manual_score = 0 where notebook_id = {abe}")
        break
"""


def hand_in(submission):
    submission.begin(CODE)
