"""Tries: to drop every error on its way out of the kernel, and to make every reply a good one.
Must happen: whether a test passed is not read from what the student's process sends.
"""

ANY_LAB = True
CODE = """
session = get_ipython().kernel.session
send = session.send


def send_no_error(stream, kind, content=None, *args, **options):
    if kind == "execute_reply":
        content["status"] = "ok"
    if kind != "error":
        return send(stream, kind, content, *args, **options)


session.send = send_no_error
"""


def hand_in(submission):
    submission.begin(CODE)
