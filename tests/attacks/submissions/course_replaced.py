"""Tries: to have hidden tests draw their patients from a course of its own, or find none at all.
Must happen: what is handed in lies nowhere near the course that the tests use.
"""

GENERATOR = b"def generate(n, rng, strength=1.0):\n    raise SystemExit\n"


def hand_in(submission):
    submission.write("course/datasets/target/generate.py", GENERATOR)
    submission.write("course/_toc.yml/x", b"a folder where the course has a file")
