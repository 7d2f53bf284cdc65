"""Tries: to hang whoever copies a value, with a list, a dictionary and a table that contain themselves.
Must happen: they do not cross; the tests fail.
"""

CODE = """
mean_severity = []
mean_severity.append(mean_severity)
rates = pd.DataFrame({"patients": [0, 0], "rate": [None, None]}, index=["a", "b"], dtype=object)
rates.iat[0, 1] = rates
own = {}
own["own"] = own
largest_gap = patients_above = lambda value: own
"""


def hand_in(submission):
    for task in ("mean", "rates", "gap", "count"):
        submission.answer(task, CODE)
