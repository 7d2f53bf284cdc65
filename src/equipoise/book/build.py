"""Building an edition of the book: Jupyter Book's own command, with warnings as errors and its words in a log.

Jupyter Book works in a hidden folder of the edition, where it finds what it did the last time. The site is a copy that
takes the old one's place when all has gone well, so that whoever reads it meets the old book or the new one, whole.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import IO

import yaml

from equipoise.content import Course
from equipoise.files import fingerprint, write_whole
from equipoise.grading.workers import usable_cores


class Edition(StrEnum):
    STUDENTS = "students"
    INSTRUCTOR = "instructor"


MARK = "Instructor's edition: holds solutions"  # on every page of it
FOLDERS = {Edition.STUDENTS: "book", Edition.INSTRUCTOR: "book-instructor"}
ENGINE = Path(__file__).parents[1]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COMPLAINT = re.compile(r"^(?:WARNING|(?P<place>\S+?): (?:WARNING|ERROR|CRITICAL)): (?P<what>.+)$", re.MULTILINE)
STOPPED = re.compile(r"^\w+ error(?: \(.+\))?:\n(?P<what>(?:.+\n)+)", re.MULTILINE)  # what an extension raised
MOST_COMPLAINTS = 10


class BuildError(Exception):
    """The book was not built; the message names pages and reasons."""


def build(course: Course, edition: Edition = Edition.STUDENTS) -> Path:
    """Build an edition of the book; return the path of its first page. Raises BuildError, and keeps the old site."""
    made = course.root / "_build"
    site, work, log = made / FOLDERS[edition], made / f".{edition}", made / f"{FOLDERS[edition]}.log"
    with hold(course.root) as lock:
        with _continued(work, _shape(course)):
            command = [*_command(course.root, work), "--config", _configuration(course.root, edition, work)]
            with log.open("w", encoding="utf-8") as output:
                built = subprocess.run(command, stdout=output, stderr=output, pass_fds=[lock.fileno()], check=False)
            if built.returncode:
                raise BuildError(_message(course.root, log, work / "_build" / "lines.json"))
        _publish(work / "_build" / "html", site)
    return site / "index.html"


def hold(root: Path) -> IO[str]:
    """The right to build this book, for this process until it closes what it gets. Raises BuildError."""
    (root / "_build").mkdir(exist_ok=True)
    file = (root / "_build" / ".lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the processes that hold it, however they end
    except BlockingIOError:
        file.close()
        raise BuildError("This book is being built by another process; wait for its end") from None
    return file


def _command(root: Path, work: Path) -> list[str | Path]:
    start = "import equipoise.lean; from jupyter_book.cli.main import main; main()"
    return [sys.executable, "-c", start, "build", "-W", "-n", "--keep-going", root, "--path-output", work]


def _configuration(root: Path, edition: Edition, work: Path) -> Path:
    """The course's configuration with what this build adds to it."""
    configuration = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    added = {"equipoise_edition": edition.value, "equipoise_kernels": usable_cores()}
    configuration.setdefault("sphinx", {}).setdefault("config", {}).update(added)
    path = work / "_config.yml"
    write_whole(path, yaml.safe_dump(configuration, sort_keys=False))
    return path


def _shape(course: Course) -> str:
    """Which pages and static files there are, and the engine: what Sphinx would not notice to be gone or changed."""
    static = sorted(str(path.relative_to(course.root)) for path in (course.root / "book" / "static").rglob("*"))
    return "\n".join([*course.pages, *static, fingerprint(ENGINE)])


@contextmanager
def _continued(work: Path, shape: str) -> Iterator[None]:
    """Go on from the last build in ``work`` if it ended well and was of the same shape, else begin anew.

    Sphinx says what is wrong with a page only when it reads it: after a failure all must be read again.
    """
    ended_well = work / "ended-well"
    if not ended_well.is_file() or ended_well.read_text(encoding="utf-8") != shape:
        shutil.rmtree(work, ignore_errors=True)
    ended_well.unlink(missing_ok=True)
    yield
    write_whole(ended_well, shape)


def _publish(made: Path, site: Path) -> None:
    """Let a copy of what was made take the place of the site."""
    new, old = (site.with_name(f".{site.name}-{age}") for age in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(made, new, ignore=shutil.ignore_patterns(".*"))
    with suppress(FileNotFoundError):
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)


def _message(root: Path, log: Path, lines: Path) -> str:
    """What the log complains of, page by page, with files and lines as the author knows them."""
    said = COLOUR.sub("", log.read_text(encoding="utf-8")).replace(f"{root}/", "")
    log.write_text(said, encoding="utf-8")
    known = json.loads(lines.read_text(encoding="utf-8")) if lines.is_file() else {}
    stopped = [" ".join(found["what"].split()) for found in STOPPED.finditer(said)]
    complaints = [
        ": ".join(filter(None, (_place(found["place"], known), found["what"]))) for found in COMPLAINT.finditer(said)
    ]
    reasons = list(dict.fromkeys(stopped + complaints))
    more = [f"and {len(reasons) - MOST_COMPLAINTS} more"] if len(reasons) > MOST_COMPLAINTS else []
    return "\n".join(["The book was not built.", *reasons[:MOST_COMPLAINTS], *more, f"All that was said: {log}"])


def _place(place: str | None, known: dict[str, list[tuple[int, int, int]]]) -> str | None:
    """A place in what Sphinx read as one in the author's file: without a line if the line is not the author's."""
    file, _, line = (place or "").rpartition(":")
    if file not in known or not line.isdigit():
        return place
    mine = [to + int(line) - read for read, to, length in known[file] if read < int(line) <= read + length]
    return f"{file}:{mine[0]}" if mine else file
