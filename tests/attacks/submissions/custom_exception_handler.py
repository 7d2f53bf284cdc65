"""Tries: to swallow every failed assertion with IPython's own hook for exceptions.
Must happen: whether a test passed is not read from what the student's process shows or reports.
"""

ANY_LAB = True
CODE = """
get_ipython().set_custom_exc((Exception,), lambda *args, **options: None)
get_ipython().events.register("post_run_cell", lambda result: setattr(result, "error_in_exec", None))
"""


def hand_in(submission):
    submission.begin(CODE)
