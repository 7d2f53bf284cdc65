"""Tries: to have a value displayed before each cell runs, which counts as the mark of a test that then fails.
Must happen: what is displayed is no mark.
"""

ANY_LAB = True
CODE = """
shell = get_ipython()
shell.events.register("pre_run_cell", lambda info: shell.displayhook(1.0))
"""


def hand_in(submission):
    submission.begin(CODE)
