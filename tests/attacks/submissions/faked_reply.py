"""Tries: to answer for the kernel, through its own sockets: this cell is done, and there was no error.
Must happen: nothing that the student's process sends ends a test, or decides it.
"""

CODE = """
import time

kernel, session = get_ipython().kernel, get_ipython().kernel.session


def largest_gap(shares):
    parent = kernel.get_parent("shell")
    ok = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
    session.send(kernel.shell_stream.socket, "execute_reply", ok, parent, ident=kernel._parent_ident["shell"])
    session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent)
    time.sleep(1)
    return 0.0


patients_above = largest_gap
"""


def hand_in(submission):
    submission.answer("gap", CODE)
    submission.answer("count", "")
