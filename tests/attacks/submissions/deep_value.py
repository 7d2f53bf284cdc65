"""Tries: to overrun the stack of whoever copies or shows a value, with a list nested 100,000 deep.
Must happen: it does not cross; the tests fail, and the others are marked.
"""

CODE = """
mean_severity = []
for _ in range(100_000):
    mean_severity = [mean_severity]
largest_gap = patients_above = lambda value: mean_severity
"""


def hand_in(submission):
    submission.answer("mean", CODE)
    submission.answer("gap", "")
    submission.answer("count", "")
