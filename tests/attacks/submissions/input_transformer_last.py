"""Tries: the same as input_transformer with the transformers that run last, after IPython's own.
Must happen: the tests run as they are.
"""

CODE = """
def pass_tests(lines):
    return ["pass"] if any("assert" in line for line in lines) else lines


get_ipython().input_transformers_post.append(pass_tests)
"""


def hand_in(submission):
    submission.begin(CODE)
