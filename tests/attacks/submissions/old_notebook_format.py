"""Tries: nothing; an older Jupyter saved the notebook, without cell ids.
Must happen: full marks.
"""

import json

HONEST = True


def hand_in(submission):
    notebook = submission.json()
    for cell in notebook["cells"]:
        del cell["id"]
    submission.raw(json.dumps(notebook | {"nbformat_minor": 4}).encode())
