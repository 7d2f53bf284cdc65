"""Tries: to pass for a float by the attribute __class__, with every comparison in its favour.
Must happen: what it is counts, not what it says that it is.
"""

from attacks.parts import AGREEABLE

CODE = """

class Liar(Agreeable):
    __class__ = float


mean_severity = Liar()
"""


def hand_in(submission):
    submission.answer("mean", AGREEABLE + CODE)
