"""Tries: nothing; a file was named in Latin-1 on an old computer.
Must happen: full marks.
"""

HONEST = True


def hand_in(submission):
    submission.write(b"r\xe9sum\xe9.txt", b"")
