"""Tries: to answer every question with the question: each function returns what it was given.
Must happen: that is a wrong answer in every test.
"""

ANY_LAB = True


def hand_in(submission):
    for task in submission.answers():
        names = [name for name, calls in submission.names(task).items() if calls]
        code = "\n".join(f"{name} = lambda *values, **options: values[0]" for name in names)
        submission.answer(task, code)
