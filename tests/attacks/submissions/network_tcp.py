"""Tries: to reach a server on the grader's machine by TCP.
Must happen: there is no network.
"""

CODE = """
import socket

with socket.create_connection(("127.0.0.1", LISTENER_PORT), timeout=3) as connection:
    connection.send(b"network_tcp")
"""


def hand_in(submission):
    submission.begin(CODE)
