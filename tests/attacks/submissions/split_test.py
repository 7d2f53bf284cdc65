"""Tries: nothing; a test cell was split in two with the notebook's own command.
Must happen: the test is made whole again, and full marks.
"""

from copy import deepcopy

HONEST = True


def hand_in(submission):
    whole = submission.cell("test-gap")
    first, whole.source = deepcopy(whole), whole.source.split("\n", 1)[1]
    first.source, first.id = "# Test", "first-part"
    submission.insert("test-gap", first)
