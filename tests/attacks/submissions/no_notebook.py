"""Tries: nothing; only the data were handed in.
Must happen: 0 for every test, with the reason in words.
"""


def hand_in(submission):
    submission.rename(None)


def check(result):
    assert result.reasons
