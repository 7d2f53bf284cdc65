"""Tries: nothing; an answer was split in two with the notebook's own command, which copies the metadata.
Must happen: full marks.
"""

from copy import deepcopy

HONEST = True


def hand_in(submission):
    first = deepcopy(submission.cell("model"))
    first.source, first.id = "inputs, truth = patients[['severity']], patients['harmed'].astype(float)", "first-part"
    submission.answer("model", "model = LinearRegression().fit(inputs, truth)")
    submission.insert("model", first)
