"""A hub to try everything out: on this machine, for a few users who share a password, with the book beside it.

It is the hub of a real class in everything but where its users come from: the same walls, exchange, formgrader and
marking.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from equipoise.content import Course
from equipoise.hub import walls
from equipoise.hub.exchange import Store
from equipoise.hub.settings import BOOK, ENDS_WITH_PARENT, EXCHANGE

SETTINGS_VARIABLE = "EQUIPOISE_TRIAL"  # what trial_config.py is told
GRADERS, STUDENTS = ("instructor", "grader"), ("student1", "student2")
COURSE_ID = "equipoise"
START_SECONDS, END_SECONDS, FREE_SECONDS = 120, 60, 5


class HubError(Exception):
    """The hub did not start; the message says why."""


@dataclass(frozen=True)
class Trial:
    """A running hub."""

    url: str
    password: str
    state: Path
    process: subprocess.Popen

    @property
    def pages(self) -> Mapping[str, str]:
        """Addresses, by what they are for."""
        return {
            "The book": f"{self.url}/services/{BOOK}/",
            f"Students ({', '.join(STUDENTS)})": self.url,
            f"Graders ({', '.join(GRADERS)})": f"{self.url}/services/{COURSE_ID}/formgrader",
        }


@contextmanager
def running(course: Course, port: int, book: Path) -> Iterator[Trial]:
    """A hub on loopback; all that it started ends with the context. Raises HubError, WallsError."""
    walls.check()
    url, state = address(port), course.root / "_build" / "hub"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(state):
        _insist_that_it_is_free(port)
        Store(state / EXCHANGE).enrol(COURSE_ID, list(STUDENTS))
        password = secrets.token_urlsafe(12)
        told = {"url": url, "state": str(state), "course": str(course.root), "book": str(book), "password": password}
        process = _start(state, told)
        try:
            _wait(url, process, state)
            yield Trial(url, password, state, process)
        finally:
            _end(process)


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _insist_that_it_is_free(port: int) -> None:
    for left in reversed(range(FREE_SECONDS * 10)):  # what a hub that was killed had started may be about to end
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                return listener.bind(("127.0.0.1", port))
            except OSError as error:
                if not left:
                    said = f"Port {port} cannot be used: {error.strerror}. Choose another: --port PORT"
                    raise HubError(said) from None
        time.sleep(0.1)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    with (state / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HubError(f"A hub of this course is running already; its files are in {state}") from None
        yield


def _start(state: Path, told: Mapping[str, str]) -> subprocess.Popen:
    command = [
        "env",
        "--default-signal=INT",  # by which the hub ends what it started; a script's background would ignore it
        *ENDS_WITH_PARENT,
        *(sys.executable, "-m", "jupyterhub", "-f", str(Path(__file__).with_name("trial_config.py"))),
    ]
    environment = os.environ | {SETTINGS_VARIABLE: json.dumps(told)}
    with (state / "hub.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=state,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(url: str, process: subprocess.Popen, state: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/hub/health").is_success:
                return
        time.sleep(0.5)
    said = (state / "hub.log").read_text(errors="replace").strip().splitlines()[-1:]
    raise HubError(f"JupyterHub did not start: {''.join(said)}. All that it said is in {state / 'hub.log'}")


def _end(process: subprocess.Popen) -> None:
    """Let the hub end what it started; it takes its students' servers, services and proxy with it."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
