"""Tries: nothing; the file was cut off half-way.
Must happen: 0 for every test, with the reason in words.
"""


def hand_in(submission):
    submission.raw(b'{"cells": [{"cell_type": "code", "sou')


def check(result):
    assert result.reasons
