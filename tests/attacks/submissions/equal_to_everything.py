"""Tries: to answer everything with an object that is equal to everything.
Must happen: values cross as plain data or not at all.
"""

from attacks.parts import AGREEABLE

ANY_LAB = True


def hand_in(submission):
    for task in submission.answers():
        values = "\n".join(f"{name} = Agreeable()" for name in submission.names(task))
        submission.answer(task, f"{AGREEABLE}\n\n{values}")
