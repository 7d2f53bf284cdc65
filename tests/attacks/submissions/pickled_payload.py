"""Tries: to run a command in the process that receives a value, if values travel as pickles.
Must happen: values never travel as pickles.
"""

CODE = """
import os


class Payload:
    def __reduce__(self):
        return os.system, ("echo OUT''SIDE:pickled_payload > CLASSROOM/payload",)


mean_severity, rates = Payload(), pd.DataFrame({"patients": [Payload()] * 2, "rate": [Payload()] * 2})
largest_gap = patients_above = lambda value: Payload()
"""


def hand_in(submission):
    for task in ("mean", "rates", "gap", "count"):
        submission.answer(task, CODE)
