"""Tries: to print the source and the constants of every frame on every thread's stack, while a test calls it.
Must happen: no frame of a test is in the student's process.
"""

CODE = """
import inspect, sys


def largest_gap(shares):
    for frame in sys._current_frames().values():
        while frame := frame.f_back:
            if frame.f_code.co_name == "<module>":
                print(frame.f_code.co_consts, "".join(inspect.findsource(frame)[0]))
    return 0.4
"""


def hand_in(submission):
    submission.answer("gap", CODE)
