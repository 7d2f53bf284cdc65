"""Tries: to answer with a real data frame of objects, which look up what the test expects when asked for a number.
Must happen: cells that are no plain data do not cross.
"""

from attacks.parts import AGREEABLE

CODE = """

class Rate(Agreeable):
    def __init__(self, group):
        self.group = group

    def __float__(self):
        return float(expected.loc[self.group, "rate"])


rates = patients.groupby("group")["harmed"].agg(patients="size").assign(rate=[Rate("a"), Rate("b")])
"""


def hand_in(submission):
    submission.answer("rates", AGREEABLE + CODE)
