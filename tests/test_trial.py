"""The hub to try things out: it ends with all that it started, and says what is in its way."""

from __future__ import annotations

import signal
import socket
import stat
from collections.abc import Iterator

import httpx
import psutil
import pytest
from hubs import free_ports
from support import copy_course, until

from equipoise.content import load_course
from equipoise.hub import trial


def is_there(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(name="in_the_background")
def _in_the_background() -> Iterator[None]:
    """What a script starts beside itself is told to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_ends_with_all_that_it_started_and_is_the_only_one(tmp_path, in_the_background):
    course, [port] = load_course(copy_course(tmp_path / "course")), free_ports(1)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.html").write_text("The book")
    with trial.running(course, port, tmp_path / "book") as hub:
        assert httpx.get(hub.pages["The book"]).text == "The book"
        assert httpx.get(f"{hub.url}/services/equipoise/formgrader", follow_redirects=True).url.path == "/hub/login"
        assert stat.S_IMODE(hub.state.stat().st_mode) == 0o700
        with pytest.raises(trial.HubError, match="running already"), trial.running(course, port + 1, tmp_path):
            pass
        started = psutil.Process(hub.process.pid).children(recursive=True)
        assert len(started) >= 4  # proxy, exchange, formgrader, book
        secret = hub.password.encode()
    assert hub.process.returncode == 0  # in good order, and not because it was killed
    until(lambda: not any(map(is_there, started)))
    for path in hub.state.rglob("*"):  # the password is for this time, and stays nowhere
        assert not (path.is_file() and secret in path.read_bytes()), path


def test_a_port_that_is_taken_is_said(tmp_path):
    course = load_course(copy_course(tmp_path / "course"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(trial.HubError, match=f"Port {port} cannot be used"), trial.running(course, port, tmp_path):
            pass
