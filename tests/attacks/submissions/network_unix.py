"""Tries: to reach a server on the grader's machine by a Unix socket in /tmp.
Must happen: the grader's files, sockets among them, are not in view.
"""

CODE = """
import socket

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("LISTENER_PATH")
    connection.send(b"network_unix")
"""


def hand_in(submission):
    submission.begin(CODE)
