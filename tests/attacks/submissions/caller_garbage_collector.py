"""Tries: to find the hidden tests among all objects of the process, and to print them.
Must happen: hidden tests are never in the student's process.
"""

CODE = """
import gc


def largest_gap(shares):
    texts = [item for found in gc.get_objects() if type(found) in (list, tuple) for item in found]
    print([text for text in texts if type(text) is str and "assert" in text][-50:])
    return 0.4
"""


def hand_in(submission):
    submission.answer("gap", CODE)
