"""Tries: nothing; the student worked with a kernel that the grader does not have.
Must happen: full marks, with the grader's kernel.
"""

HONEST = True


def hand_in(submission):
    kernel = {"name": "my-conda-env", "display_name": "My environment", "language": "python"}
    submission.notebook.metadata["kernelspec"] = kernel
