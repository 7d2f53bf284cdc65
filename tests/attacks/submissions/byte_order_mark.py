"""Tries: nothing; an editor on Windows put a byte order mark before the notebook, and saved its lines as CRLF.
Must happen: full marks.
"""

import json

HONEST = True


def hand_in(submission):
    text = json.dumps(submission.json(), indent=1).replace("\n", "\r\n")
    submission.raw(text.encode("utf-8-sig"))
