"""Tries: to return an object that is equal to everything from each function.
Must happen: what a function returns crosses as plain data or not at all.
"""

from attacks.parts import AGREEABLE

ANY_LAB = True


def hand_in(submission):
    for task in submission.answers():
        functions = "\n".join(f"def {name}(*args, **options): return Agreeable()" for name in submission.names(task))
        submission.answer(task, f"{AGREEABLE}\n\n{functions}")
