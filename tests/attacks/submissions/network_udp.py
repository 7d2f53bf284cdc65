"""Tries: to reach a server on the grader's machine by UDP.
Must happen: there is no network.
"""

CODE = """
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"network_udp", ("127.0.0.1", LISTENER_PORT))
"""


def hand_in(submission):
    submission.begin(CODE)
