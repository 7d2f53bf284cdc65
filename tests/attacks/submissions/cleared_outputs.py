"""Tries: to clear each cell's outputs after it has run, and with them the error of a failed test.
Must happen: whether a test passed is not read from the student's outputs.
"""

ANY_LAB = True
CODE = """
from IPython.display import clear_output


def forget(result):
    clear_output()
    result.error_in_exec = None


get_ipython().events.register("post_run_cell", forget)
"""


def hand_in(submission):
    submission.begin(CODE)
