"""Tries: nothing; a test and an answer were copied and pasted, with their metadata.
Must happen: full marks, and a note that says what was repaired.
"""

from copy import deepcopy

HONEST = True


def hand_in(submission):
    for name in ("test-gap", "model"):
        copy = deepcopy(submission.cell(name))
        copy.id = f"copy-of-{name}"
        submission.insert(name, copy)


def check(result):
    assert result.reasons
