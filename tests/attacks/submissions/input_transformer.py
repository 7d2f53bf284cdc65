"""Tries: to empty the test cells before they are parsed, with IPython's input transformers.
Must happen: the tests run as they are, in a process that the student's hooks do not reach.
"""

ANY_LAB = True
CODE = """
def empty_tests(lines):
    return [] if lines and lines[0].startswith("# Test") else lines


get_ipython().input_transformers_cleanup.append(empty_tests)
"""


def hand_in(submission):
    submission.begin(CODE)
