"""Tries: to hang the end of the kernel, with a handler that never returns and a thread that never ends.
Must happen: the kernel is ended all the same, at once.
"""

CODE = """
import atexit, signal, threading, time


def for_ever(*ignored):
    while True:
        time.sleep(1)


signal.signal(signal.SIGTERM, for_ever)
atexit.register(for_ever)
threading.Thread(target=for_ever).start()
"""


def hand_in(submission):
    submission.begin(CODE)
