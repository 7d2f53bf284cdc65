"""Tries: to slow the class down with a notebook of 50 MB.
Must happen: every test has a score, and little is stored.
"""


def hand_in(submission):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    submission.cell("setup")["outputs"] = [output]
