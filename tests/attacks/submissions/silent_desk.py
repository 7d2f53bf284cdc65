"""Tries: to hang the tests: whatever they ask the kernel for, it sends half an answer and then nothing.
Must happen: each test has a time limit and a score, and the class goes on.
"""

CODE = """
import time

desk = get_ipython().kernel.desk
desk._answer = lambda request, buffers: (desk.line.send(b"\\0\\0\\0\\x10"), time.sleep(1000))
"""


def hand_in(submission):
    submission.begin(CODE)


def check(result):
    assert result.reasons
