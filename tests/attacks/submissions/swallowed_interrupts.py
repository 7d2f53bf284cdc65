"""Tries: to run for ever, in a loop that swallows the interrupt with which marking ends a cell.
Must happen: the time limit ends it, every test has a score, and the reason is named.
"""

CODE = """
import time

while True:
    try:
        time.sleep(1)
    except BaseException:
        pass
"""


def hand_in(submission):
    submission.begin(CODE)


def check(result):
    assert result.reasons
