"""Tries: to break whoever reads the file, with JSON that is nested 100,000 deep.
Must happen: 0 for every test, with the reason in words.
"""


def hand_in(submission):
    submission.raw(b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def check(result):
    assert result.reasons
