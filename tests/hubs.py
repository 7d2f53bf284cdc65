"""Hubs for tests: the version of the environment, and the one before, which the Kubernetes chart still ships."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from support import BIN

BEFORE = "jupyterhub==5.5.4"


def overlay(folder: Path) -> Path:
    """Install the hub before the current one into ``folder``, unless it is there; for PYTHONPATH.

    Its pages lie in ``share/jupyterhub``: the hub needs that as ``c.JupyterHub.data_files_path``.
    """
    if not (folder / "jupyterhub").is_dir():
        command = [BIN / "uv", "pip", "install", "--quiet", "--python", sys.executable, "--no-deps"]
        subprocess.run([*command, "--target", folder, BEFORE], check=True)
    return folder


def free_ports(number: int) -> list[int]:
    """Ports of the loopback interface on which nobody listens."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports
