"""Tries: to print, to raise and to exit whenever an answer is shown or written out.
Must happen: nobody but the student's process ever asks the object to show itself.
"""

CODE = """
import os


class Poisoned:
    def __repr__(self):
        print("shown")
        os._exit(3)

    def _repr_mimebundle_(self, **options):
        raise SystemExit("no")


mean_severity = Poisoned()
"""


def hand_in(submission):
    submission.answer("mean", CODE)
