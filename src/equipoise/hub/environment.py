"""A hub as an operator describes it: by environment variables, which are checked before anything starts.

Everything that is missing or wrong is named at once, and then the hub does not start: there is no password, address or
database that it would fall back to.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jupyterhub.auth import Authenticator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from traitlets.config import Config

from equipoise.hub import walls
from equipoise.hub.settings import BOOK, EXCHANGE, configure

COURSE_FILES = ("_toc.yml", "grading/nbgrader_config.py")
MARKS = "EQUIPOISE_MARKS_URL"
SECRETS = ("EQUIPOISE_HUB_DB", MARKS)  # may hold passwords, as all that begin so, and are not handed on
COURSE = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")  # as the hub wants names of roles
SERVICES = (EXCHANGE, BOOK, "hub", "proxy")  # names that are taken


class NotTold(Exception):
    """Something is missing or wrong; the message names the variable, and what to write."""


@dataclass(frozen=True)
class Told:
    """What the variables say."""

    url: str  # on which the hub listens, with the path below which it is reached
    state: Path
    courses: Mapping[str, Path]  # checkouts, by the id of their course
    database: str
    gradebooks: Mapping[str, str]  # addresses, by the id of their course
    book: Path | None

    @property
    def base(self) -> str:
        return urlsplit(self.url).path


def set_up(c: Config, environment: MutableMapping[str, str]) -> None:
    """Configure the hub that ``environment`` describes, and take its secrets out of there.

    Ends the program with a message if that cannot be, or if no authenticator is chosen after this.
    """
    try:
        told = read(environment)
        walls.check()
    except (NotTold, walls.WallsError) as error:
        raise SystemExit(f"The hub does not start.\n{error}") from None
    for name in [name for name in environment if name.startswith(SECRETS)]:
        environment.pop(name)
    configure(c, told.state, told.courses, told.book, gradebooks=told.gradebooks, base=told.base)
    c.JupyterHub.bind_url = told.url
    c.JupyterHub.db_url = told.database
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.authenticator_class = Unchosen


class Unchosen(Authenticator):
    """Stands where no authenticator was chosen, and lets no hub start."""

    def __init__(self, **options: Any):
        raise SystemExit(
            "The hub does not start.\nNobody could log in: choose an authenticator in the hub's configuration"
            " (c.JupyterHub.authenticator_class)"
        )


def read(environment: Mapping[str, str]) -> Told:
    """What the variables say. Raises NotTold, with a line for each that is missing or wrong."""
    told, problems = {}, []
    for name, understand in PARTS.items():
        try:
            told[name] = understand(environment)
        except NotTold as problem:
            problems.append(str(problem))
    if problems:
        raise NotTold("\n".join(problems))
    return Told(**told)


def _word(environment: Mapping[str, str], name: str, meaning: str) -> str:
    if value := environment.get(name, "").strip():
        return value
    raise NotTold(f"{name} is not set: {meaning}")


def _url(environment: Mapping[str, str]) -> str:
    url = _word(environment, "EQUIPOISE_URL", "where the hub listens, such as http://127.0.0.1:8000/")
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not _port(parts):
        raise NotTold("EQUIPOISE_URL is no address with a port, such as http://127.0.0.1:8000/ (without TLS)")
    if not _is_loopback(parts.hostname) and environment.get("EQUIPOISE_BEHIND_TLS") != "yes":
        raise NotTold(
            "EQUIPOISE_URL would let passwords cross a network unencrypted. Listen on 127.0.0.1 behind a server with"
            " TLS, or say EQUIPOISE_BEHIND_TLS=yes where only such a server gets here"
        )
    return url if url.endswith("/") else f"{url}/"


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _state(environment: Mapping[str, str]) -> Path:
    state = Path(_word(environment, "EQUIPOISE_STATE", "the folder of all that is kept, such as /var/lib/equipoise"))
    if not state.is_absolute():
        raise NotTold("EQUIPOISE_STATE is not an absolute path")
    return state


def _courses(environment: Mapping[str, str]) -> dict[str, Path]:
    said = _word(environment, "EQUIPOISE_COURSES", "checkouts by course, such as equipoise=/opt/equipoise/course")
    courses = {}
    for word in said.split():
        name, _, place = word.partition("=")
        if not COURSE.fullmatch(name) or name in (*SERVICES, *courses) or not place.startswith("/"):
            raise NotTold(f"EQUIPOISE_COURSES: {word} is not NAME=/PATH, with a name of small letters for each course")
        for file in COURSE_FILES:
            if not os.access(Path(place) / file, os.R_OK):
                raise NotTold(f"EQUIPOISE_COURSES: {name} has no {place}/{file} that the hub can read")
        courses[name] = Path(place)
    return courses


def _database(environment: Mapping[str, str]) -> str:
    meaning = "the hub's database, such as postgresql+pg8000://equipoise:PASSWORD@127.0.0.1/hub"
    said = _word(environment, "EQUIPOISE_HUB_DB", meaning)
    url = _address("EQUIPOISE_HUB_DB", said)
    if url.get_backend_name() == "sqlite" and not _is_kept(url, environment.get("EQUIPOISE_STATE", "").strip()):
        raise NotTold("EQUIPOISE_HUB_DB is a file, which all may read unless it lies in EQUIPOISE_STATE")
    return said


def _is_kept(url: URL, state: str) -> bool:
    file = os.path.normpath(url.database or "")
    return bool(state) and os.path.isabs(file) and Path(file).is_relative_to(os.path.normpath(state))


def _address(name: str, said: str) -> URL:
    try:
        url = make_url(said)
        url.get_dialect()
    except (ArgumentError, ValueError, ImportError) as error:
        problem = "needs a driver that is not here" if isinstance(error, ImportError) else "is no database's address"
        raise NotTold(f"{name} {problem}, such as postgresql+pg8000://USER:PASSWORD@HOST/DATABASE") from None
    return url


def _gradebooks(environment: Mapping[str, str]) -> dict[str, str]:
    """Each course's formgrader knows the password of its database, so no two courses may share one."""
    names = [word.partition("=")[0] for word in environment.get("EQUIPOISE_COURSES", "").split()]
    if len(names) > 1 and environment.get(MARKS, "").strip():
        one = _marks_variable(names[0])
        raise NotTold(f"{MARKS} names one database for several courses. Name one for each, such as {one}, or none")
    variables = {name: MARKS if len(names) == 1 else _marks_variable(name) for name in names}
    said = {name: environment.get(variable, "").strip() for name, variable in variables.items()}
    for name, url in said.items():
        if url and not _address(variables[name], url).host:
            raise NotTold(f"{variables[name]} names no host; formgrader's walls let no socket or other file through")
    accounts = [(_address(MARKS, url).username, _address(MARKS, url).host) for url in said.values() if url]
    if len(set(accounts)) < len(accounts):
        raise NotTold(f"{MARKS}_...: two courses have the same user, and could read each other's marks")
    return {name: url for name, url in said.items() if url}


def _marks_variable(course: str) -> str:
    return f"{MARKS}_{course.upper().replace('-', '_')}"


def _book(environment: Mapping[str, str]) -> Path | None:
    book = environment.get("EQUIPOISE_BOOK", "").strip()
    if book and not (Path(book) / "index.html").is_file():
        raise NotTold(f"EQUIPOISE_BOOK: there is no {book}/index.html. Build it: equipoise book")
    return Path(book) if book else None


PARTS: Mapping[str, Callable[[Mapping[str, str]], Any]] = {
    "url": _url,
    "state": _state,
    "courses": _courses,
    "database": _database,
    "gradebooks": _gradebooks,
    "book": _book,
}
