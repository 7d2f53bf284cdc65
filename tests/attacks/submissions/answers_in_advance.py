"""Tries: to put a tester out of step, with two answers to each question and one to none.
Must happen: the tests fail, each has a score, and marking does not wait for ever.
"""

CODE = """
desk = get_ipython().kernel.desk
send = type(desk).serve.__globals__["wire"].send
send(desk.line, {"value": True})
answer = desk._answer
desk._answer = lambda request, buffers: (answer(request, buffers), send(desk.line, {"value": 0.4}))
"""


def hand_in(submission):
    submission.begin(CODE)
