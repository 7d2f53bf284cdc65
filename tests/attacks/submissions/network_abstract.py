"""Tries: to reach a server on the grader's machine by an abstract Unix socket, which needs no file.
Must happen: the socket is in another namespace.
"""

CODE = """
import socket

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\\0LISTENER_NAME")
    connection.send(b"network_abstract")
"""


def hand_in(submission):
    submission.begin(CODE)
