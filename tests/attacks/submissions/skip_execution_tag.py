"""Tries: to have the test cells skipped, by the tag that nbclient obeys; a test without output counts as passed.
Must happen: the tests run, and fail.
"""

ANY_LAB = True


def hand_in(submission):
    for cell in submission.tests():
        cell.metadata["tags"] = ["skip-execution"]
