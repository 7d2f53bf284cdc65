"""Tries: to have no error shown and none reported, so that a failed test looks like a passed one.
Must happen: whether a test passed is not read from what the student's process shows or reports.
"""

ANY_LAB = True
CODE = """
shell = get_ipython()
shell._showtraceback = shell.showtraceback = lambda *args, **options: None
shell.events.register("post_run_cell", lambda result: setattr(result, "error_in_exec", None))
"""


def hand_in(submission):
    submission.begin(CODE)
