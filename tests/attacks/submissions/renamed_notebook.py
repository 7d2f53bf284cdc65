"""Tries: nothing; a browser renamed the download to `target (1).ipynb`.
Must happen: full marks, since there is no other notebook.
"""

HONEST = True


def hand_in(submission):
    submission.rename("target (1).ipynb")
