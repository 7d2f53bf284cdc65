"""Tries: to be paid for a value that its function displays while a test calls it, before the test fails.
Must happen: what is displayed is no mark.
"""

CODE = """
def largest_gap(shares):
    get_ipython().displayhook(3.0)
    return 0.0


def patients_above(limit):
    get_ipython().displayhook(2.0)
"""


def hand_in(submission):
    submission.answer("gap", CODE)
    submission.answer("count", "")
