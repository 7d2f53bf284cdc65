"""Tries: to write itself 99 points more into gradebook.db.
Must happen: there is no gradebook in view.
"""

CODE = """
import sqlite3
from contextlib import suppress

for path in ("../../../gradebook.db", "CLASSROOM/gradebook.db"):
    with suppress(sqlite3.Error), sqlite3.connect(f"file:{path}?mode=rw", uri=True) as gradebook:
        mine = "(select notebook_id from grade order by rowid desc limit 1)"
        gradebook.execute(f"update grade set extra_credit = 99 where notebook_id = {mine}")
        break
"""


def hand_in(submission):
    submission.begin(CODE)
