"""Tries: to fill the marker's memory with a value of 2 GB, and with a number of ten million digits.
Must happen: values above a limit do not cross, and the sentence says so.
"""

CODE = """
mean_severity = "x" * 2_000_000_000
largest_gap = lambda shares: 10 ** 10_000_000
patients_above = lambda limit: np.zeros(250_000_000)
"""


def hand_in(submission):
    for task in ("mean", "gap", "count"):
        submission.answer(task, CODE)
