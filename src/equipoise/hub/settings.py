"""What a hub of this course is, for JupyterHub's configuration: who may do what, which services run, where files lie.

Rights are as narrow as they can be. A student may reach the exchange; a grader of a course, its formgrader too;
formgrader, the exchange; and none of them anything of the hub's own: rosters are kept by the exchange, so that nobody
needs to touch the hub's users or groups. A hub may hold several courses, each a checkout of its own.
"""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType

from traitlets.config import Config

from equipoise.files import write_whole
from equipoise.grading.sandbox import interpreter
from equipoise.hub.walls import PROGRAMS, SHELL, Room

EXCHANGE = "exchange"
RESERVED_PORTS = range(600, 1024)
BOOK = "book"
ENDS_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM")  # even one that is killed, and so leaves its port to the next
GRADER = Path(__file__).parent / "grader"
REACH_EXCHANGE = f"access:services!service={EXCHANGE}"
SERVER_SCOPES = ["users:activity!user", "access:servers!server", REACH_EXCHANGE]
HEADERS = {"Content-Security-Policy": "frame-ancestors 'self'"}


def roles(courses: Iterable[str]) -> list[dict]:
    """The hub's roles: all that anybody may do beside what JupyterHub gives to each user over his own server."""
    everyone = {"name": "user", "scopes": ["self", REACH_EXCHANGE]}
    groups = {f"formgrade-{course}": f"access:services!service={course}" for course in courses}
    graders = [{"name": group, "groups": [group], "scopes": [scope]} for group, scope in groups.items()]
    formgraders = {"name": "formgraders", "services": list(courses), "scopes": [REACH_EXCHANGE]}
    return [everyone, *graders, formgraders]


def configure(
    c: Config,
    state: Path,
    courses: Mapping[str, Path],
    book: Path | None = None,
    *,
    gradebooks: Mapping[str, str] = MappingProxyType({}),
    base: str = "/",
) -> None:
    """Configure a hub on one machine, whose users' files, courses and exchange lie in the 0700 folder ``state``.

    ``courses`` are checkouts by the id of their course, ``gradebooks`` the addresses of databases by the same, where
    a course's is not a file; ``base`` is the path below which the hub is reached. Where users come from
    (``authenticator_class``), on which address the hub listens and which database it uses is left to whoever calls.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    state.chmod(0o700)  # JupyterHub makes its database and its secrets readable for all
    ports = Ports(state / "ports.json")
    exchange = f"{ports.url(EXCHANGE)}{base}services/{EXCHANGE}"

    c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")
    c.JupyterHub.pid_file = str(state / "hub.pid")
    c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")
    c.JupyterHub.hub_bind_url = ports.url("hub")
    c.ConfigurableHTTPProxy.api_url = ports.url("proxy")
    c.ConfigurableHTTPProxy.command = [*ENDS_WITH_PARENT, str(PROGRAMS / "configurable-http-proxy")]
    c.JupyterHub.load_roles = roles(courses)
    c.JupyterHub.load_groups = {}  # for whoever calls to fill, unless groups come from launches
    c.JupyterHub.services = [
        {
            "name": EXCHANGE,
            "url": ports.url(EXCHANGE),
            "command": _module("exchange", state / "exchange"),
            "display": False,
        }
    ]
    for number, (course, checkout) in enumerate(sorted(courses.items())):
        folder = state / "courses" / course
        told = formgrader_environment(course, checkout, folder / "class", exchange, gradebooks.get(course, ""))
        c.JupyterHub.services += [_formgrader(course, folder, number, ports.url(course, reserved=False), told)]
    if book:
        c.JupyterHub.services += [{"name": BOOK, "url": ports.url(BOOK), "command": _module("site", book)}]
    c.JupyterHub.tornado_settings = {"headers": HEADERS}

    c.JupyterHub.spawner_class = "equipoise.hub.spawner.WalledSpawner"
    c.WalledSpawner.rooms = str(state / "rooms")
    c.Spawner.default_url = "/lab"
    c.Spawner.environment = {"EQUIPOISE_EXCHANGE": exchange}
    c.Spawner.server_token_scopes = SERVER_SCOPES


def _module(name: str, *arguments: Path) -> list[str]:
    return [*ENDS_WITH_PARENT, interpreter(), "-m", f"equipoise.hub.{name}", *map(str, arguments)]


def formgrader_environment(course: str, checkout: Path, room: Path, exchange: str, gradebook: str = "") -> dict:
    """What tells a course's formgrader where everything is; ``room`` is the folder of the class."""
    told = {
        "EQUIPOISE_EXCHANGE": exchange,
        "EQUIPOISE_COURSE": str(checkout),
        "EQUIPOISE_COURSE_ID": course,
        "EQUIPOISE_CLASS": str(room),
        "JUPYTER_CONFIG_PATH": os.pathsep.join([f"{GRADER}/jupyter", f"{checkout}/grading"]),
        "JUPYTER_PATH": f"{GRADER}/share",
    }
    return told | SHELL | ({"EQUIPOISE_MARKS_URL": gradebook} if gradebook else {})


def formgrader_command(room: Path) -> tuple[str, ...]:
    """The server that is a course's formgrader."""
    return (interpreter(), "-m", "jupyterhub.singleuser", f"--ServerApp.root_dir={room}")


def _formgrader(course: str, folder: Path, number: int, url: str, environment: Mapping[str, str]) -> dict:
    """The service that bears a course's name: formgrader, in a room with a checkout and a class."""
    checkout, marks = Path(environment["EQUIPOISE_COURSE"]), Path(environment["EQUIPOISE_CLASS"])
    marks.mkdir(parents=True, exist_ok=True)
    engine = Path(__file__).parents[2]
    room = Room(folder, "grader", -1 - number, [checkout, engine], [checkout / "_build"], [marks])
    room.furnish()
    return {
        "name": course,
        "url": url,
        "command": room.command(*formgrader_command(marks), dies_with_hub=True),
        "environment": {**environment, "HOME": room.home, "USER": room.name},
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": [],
    }


class Ports:
    """Ports of the loopback address by name, the same at each start: servers of users outlive a hub that is killed."""

    def __init__(self, file: Path):
        self.file = file
        self.ports = json.loads(file.read_text()) if file.is_file() else {}

    def url(self, name: str, reserved: bool = True) -> str:
        """The address of a service; a ``reserved`` port can be taken by root only, if the hub is root."""
        if name not in self.ports:
            self.ports[name] = _free_port(reserved and os.getuid() == 0)
            write_whole(self.file, json.dumps(self.ports))
        return f"http://127.0.0.1:{self.ports[name]}"


def _free_port(reserved: bool) -> int:
    """A port that is free; a reserved one no user's server can take while a service is away, to get others' tokens."""
    for wanted in random.sample(RESERVED_PORTS, len(RESERVED_PORTS)) if reserved else [0]:
        with closing(socket.socket()) as taken, suppress(OSError):
            taken.bind(("127.0.0.1", wanted))
            return taken.getsockname()[1]
    raise OSError("no port is free")
