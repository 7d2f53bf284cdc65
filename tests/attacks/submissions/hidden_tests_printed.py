"""Tries: to print the hidden tests, from the history of the process that runs them.
Must happen: hidden tests are never in the student's process.
"""

CODE = """
def largest_gap(shares):
    print(get_ipython().user_ns["In"][-1])
    return 0.4


def patients_above(limit):
    print(globals().get("hidden"), globals().get("In"))
    return 0
"""


def hand_in(submission):
    submission.answer("gap", CODE)
