"""Tries: to break the marking with JSON that is no notebook.
Must happen: 0 for every test, with the reason in words.
"""


def hand_in(submission):
    submission.raw(b'[1, {"cells": 3, "nbformat": "four", "metadata": null}]')


def check(result):
    assert result.reasons
