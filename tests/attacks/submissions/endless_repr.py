"""Tries: to hang the marking when it shows a wrong value.
Must happen: the time limit ends it at that test, and the others are marked.
"""

CODE = """
class Endless:
    def __repr__(self):
        while True:
            pass

    __format__ = __str__ = _repr_html_ = __float__ = lambda self, *args: repr(self)


mean_severity = rates = Endless()
"""


def hand_in(submission):
    submission.answer("mean", CODE)
    submission.answer("rates", "")
