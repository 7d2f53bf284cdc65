"""Hubs for tests: the version of the environment, and the one before, which the Kubernetes chart still ships."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deployed import Hub
from support import BIN

from equipoise.hub.settings import roles

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


EXCHANGE_ONLY = """
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.load_roles = {roles!r}
c.JupyterHub.load_groups = {groups!r}
c.JupyterHub.services = [
    {{"name": "exchange", "url": "http://127.0.0.1:{ports[3]}", "command": {exchange!r}}}, *{courses!r}
]
"""


@contextmanager
def exchange_hub(folder: Path, courses: Mapping[str, str], groups: Mapping[str, dict]) -> Iterator[Hub]:
    """A hub with nothing but an exchange, in ``folder / "exchange"``; ``courses`` have tokens of formgraders."""
    services = [{"name": course, "api_token": token} for course, token in courses.items()]
    told = {"ports": free_ports(4), "proxy": str(BIN / "configurable-http-proxy"), "courses": services}
    told |= {"roles": roles(courses), "groups": dict(groups)}
    told["exchange"] = [sys.executable, "-m", "equipoise.hub.exchange", str(folder / "exchange")]
    config = folder / "config.py"
    config.write_text(EXCHANGE_ONLY.format(**told))
    with Hub(config, f"http://127.0.0.1:{told['ports'][0]}/", os.environ).running() as hub:
        token = next(iter(courses.values()))
        hub.until(lambda: hub.api("GET", "services/exchange/courses", token).is_success)
        yield hub
