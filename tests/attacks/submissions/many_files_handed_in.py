"""Tries: to slow the class down with 5,000 files.
Must happen: the submission is marked, and the class goes on.
"""


def hand_in(submission):
    for number in range(5000):
        submission.write(f"notes/{number}.txt", b"x")
