"""Tries: to keep a tester busy for hours with a dictionary whose keys all have the same hash.
Must happen: the time limit ends it at that test, every test has a score, and the class goes on.
"""

CODE = """
pairs = [[["int", hex(1 + (2**61 - 1) * number)], 0] for number in range(60_000)]
desk = get_ipython().kernel.desk
send = type(desk).serve.__globals__["wire"].send
desk._answer = lambda request, buffers: send(desk.line, {"value": ["dict", *pairs]})
"""


def hand_in(submission):
    submission.begin(CODE)
