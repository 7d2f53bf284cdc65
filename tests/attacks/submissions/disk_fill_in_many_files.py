"""Tries: to fill the disk, and to use up its inodes, with 100,000 small files.
Must happen: the limit on what is written stops it, nothing of it is kept, and the class goes on.
"""

CODE = """
import os

os.mkdir("many")
for number in range(100_000):
    with open(f"many/{number}", "w") as file:
        file.write("x")
"""


def hand_in(submission):
    submission.begin(CODE)
