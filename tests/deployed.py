"""A hub as an operator runs it, for tests: a process of its own, and people whom it knows by tokens."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

TESTER = """
c.JupyterHub.services += [{{"name": "tester", "api_token": {token!r}}}]
c.JupyterHub.load_roles += [{{"name": "tester", "services": ["tester"], "scopes": ["admin:users", "tokens"]}}]
"""


class Hub:
    """A hub with the configuration ``config``, to which a service is added that makes tokens for people."""

    def __init__(self, config: Path, url: str, environment: Mapping[str, str]):
        self.config, self.url, self.environment, self.token = config, url, environment, secrets.token_hex(16)
        self.log = config.with_name("hub.log")
        config.write_text(config.read_text() + TESTER.format(token=self.token))
        self.http = httpx.Client(base_url=url, timeout=120)

    @contextmanager
    def running(self) -> Iterator[Hub]:
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self.config)]
        how = {"cwd": self.config.parent, "env": dict(self.environment), "start_new_session": True}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **how)
        try:
            self.until(lambda: self.http.get("hub/health").is_success)
            yield self
        finally:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                self.http.close()

    def until(self, ready, tries: int = 240) -> None:
        """Wait for something of the hub."""
        for _ in range(tries):
            assert self.process.poll() is None, self.log.read_text()
            with suppress(httpx.HTTPError):
                if ready():
                    return
            time.sleep(0.25)
        raise AssertionError(self.log.read_text())

    def api(self, method: str, path: str, token: str = "", **how) -> httpx.Response:
        headers = {"Authorization": f"token {token or self.token}"}
        return self.http.request(method, path, headers=headers, **how)

    def person(self, name: str, scopes: tuple[str, ...] = ()) -> str:
        """A token of somebody who is known from now on; with it goes all that this person may do, or ``scopes``."""
        assert self.api("POST", f"hub/api/users/{name}").status_code in (201, 409)
        asked = {"scopes": list(scopes)} if scopes else {}
        answer = self.api("POST", f"hub/api/users/{name}/tokens", json=asked)
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]
