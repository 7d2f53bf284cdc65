"""Tries: to break the marking with a notebook whose parts have the wrong types.
Must happen: every test has a score, and what is unreadable is named.
"""

import json


def hand_in(submission):
    notebook = submission.json()
    notebook["cells"] += [None, 7, {"cell_type": ["code"]}, {"cell_type": "code", "source": {"a": 1}}]
    notebook["cells"][0]["metadata"] = [["nbgrader"]]
    notebook["metadata"] = "target"
    submission.raw(json.dumps(notebook).encode())


def check(result):
    assert result.reasons
