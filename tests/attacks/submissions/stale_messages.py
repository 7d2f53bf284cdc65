"""Tries: to confuse whoever listens, with a thread that repeats replies to old and present requests.
Must happen: every message of the student's process concerns its own cells only, and the tests fail.
"""

CODE = """
import threading, time

kernel, parents = get_ipython().kernel, []


def repeat():
    while True:
        parents.append(kernel.get_parent("shell"))
        for parent in parents[-5:]:
            kernel.session.send(kernel.iopub_socket, "clear_output", {"wait": False}, parent)
            kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent)
        time.sleep(0.002)


threading.Thread(target=repeat, daemon=True).start()
"""


def hand_in(submission):
    submission.begin(CODE)
