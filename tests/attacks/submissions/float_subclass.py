"""Tries: to answer with a subclass of float that is near to every number.
Must happen: it arrives as a plain float, or not at all.
"""

CODE = """
class Near(float):
    __sub__ = __rsub__ = lambda self, other: Near(0)
    __eq__ = lambda self, other: True
    __hash__ = float.__hash__


mean_severity = Near(0.5)
largest_gap = patients_above = lambda value: Near(0.5)
"""


def hand_in(submission):
    for task in ("mean", "gap", "count"):
        submission.answer(task, CODE)
