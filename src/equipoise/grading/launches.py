"""What launches from a learning platform leave for the grader: who a student is there, and where marks go.

The hub sees every launch, and the grader sends marks; neither should have the rights of the other. So the hub writes
one small file for each learner and each link to a lab into a folder of the course's, and never reads there; the grader
reads. The files belong to whoever owns the folder, and to nobody else: they say who a student is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from equipoise.files import write_whole

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
LEARNER, LINK = "learner-", "link-"
Kind = TypeVar("Kind", bound="Record")


class LaunchError(Exception):
    """The folder cannot be used; the message says why, and what to do."""


class Record(BaseModel):
    """What is written. Later versions may add keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Learner(Record):
    """A student, as the platform knows him. Names and e-mail are None if the platform keeps them to itself."""

    lms_user_id: str  # the claim ``sub``, to which Assignment and Grade Services give marks
    lineitems: str | None = None  # the address of the columns of his course in the platform
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


class Link(Record):
    """A link that opens one lab, and the column which the platform keeps for it."""

    lab: str
    lineitems: str
    lineitem: str


@dataclass(frozen=True)
class Launches:
    """All that is known of a course: learners by the hub's name for them, columns by (lab, lineitems)."""

    learners: dict[str, Learner]
    columns: dict[tuple[str, str], str]


def keep_learner(folder: Path, student: str, learner: Learner) -> None:
    """Write down, or bring up to date, who ``student`` is. Raises OSError."""
    write_whole(_learner(folder, student), learner.model_dump_json(), private=True)


def forget_learner(folder: Path, student: str) -> None:
    """He is no learner of the course any more."""
    _learner(folder, student).unlink(missing_ok=True)


def keep_link(folder: Path, link: Link) -> None:
    """Write down which column belongs to a lab. Raises OSError."""
    name = hashlib.sha256(f"{link.lab} {link.lineitems}".encode()).hexdigest()[:16]
    write_whole(folder / f"{LINK}{name}.json", link.model_dump_json(), private=True)


def read(folder: Path) -> Launches:
    """What was written down. Raises LaunchError if the folder is missing, open to others, or holds something else."""
    check(folder)
    learners = {
        unquote(path.stem.removeprefix(LEARNER)): _read(path, Learner) for path in folder.glob(f"{LEARNER}*.json")
    }
    links = [_read(path, Link) for path in folder.glob(f"{LINK}*.json")]
    return Launches(learners, {(link.lab, link.lineitems): link.lineitem for link in links})


def check(folder: Path) -> None:
    """Whoever may write there decides whose mark is whose. Raises LaunchError."""
    try:
        open_to_all = folder.stat().st_mode & 0o007
    except OSError as error:
        raise LaunchError(f"{folder}: {error.strerror}. Name the folder in which the hub keeps launches") from error
    if open_to_all:
        raise LaunchError(f"{folder} holds students' names and is open to everybody. Run: chmod o= {folder}")


def is_readable_on_the_way(address: str) -> bool:
    """Whether what is sent there can be read, or changed, by others: all but https, and what stays on this machine."""
    parts = urlsplit(address)
    return parts.scheme != "https" and parts.hostname not in LOOPBACK


def _learner(folder: Path, student: str) -> Path:
    return folder / f"{LEARNER}{quote(student, safe='')}.json"


def _read(path: Path, kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise LaunchError(f"{path} is not what the hub writes: remove it, and let the student launch again") from error
