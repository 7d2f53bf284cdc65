"""Tries: to keep changing the names that tests use, from a thread that goes on when its cell is done.
Must happen: tests run in another process, and the thread ends with the kernel.
"""

CODE = """
import builtins, threading, time


def meddle():
    while True:
        builtins.abs = lambda value: 0.0
        globals()["expected"] = globals().get("found")
        time.sleep(0.0005)


threading.Thread(target=meddle).start()
"""


def hand_in(submission):
    submission.begin(CODE)
