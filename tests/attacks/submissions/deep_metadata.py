"""Tries: to break whoever copies the notebook, with metadata nested as deep as JSON can just be read.
Must happen: the answers are marked as they are, and the class goes on.
"""

import json


def hand_in(submission):
    deep = "[" * 700 + "]" * 700
    submission.notebook.metadata["deep"] = submission.cell("gap").metadata["deep"] = "HERE"
    submission.raw(json.dumps(submission.notebook).replace('"HERE"', deep).encode())
