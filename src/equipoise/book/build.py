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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import IO

import yaml

from equipoise.book import translations
from equipoise.content import Course
from equipoise.files import fingerprint, write_whole
from equipoise.grading.workers import usable_cores


class Edition(StrEnum):
    STUDENTS = "students"
    INSTRUCTOR = "instructor"


PRACTICE = "practice.git"  # beside the pages that a hub serves: a repository of labs to practise on
MARK = "Instructor's edition: holds solutions"  # on every page of it
FOLDERS = {Edition.STUDENTS: "book", Edition.INSTRUCTOR: "book-instructor"}
ENGINE = Path(__file__).parents[1]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COMPLAINT = re.compile(r"^(?:WARNING|(?P<place>\S+?): (?:WARNING|ERROR|CRITICAL)): (?P<what>.+)$", re.MULTILINE)
STOPPED = re.compile(r"^\w+ error(?: \(.+\))?:\n(?P<what>(?:.+\n)+)", re.MULTILINE)  # what an extension raised
MOST_COMPLAINTS = 10
LINES = "lines.json"  # which lines of a page as it was read are the author's


class BuildError(Exception):
    """The book was not built; the message names pages and reasons."""


def build(course: Course, edition: Edition = Edition.STUDENTS, hub: str = "") -> Path:
    """Build an edition of the book; return the path of its first page. Raises BuildError, and keeps the old site.

    The students' edition comes in every language that it is translated into, each a folder in the English one. With the
    address of a ``hub`` its cases and labs lead there, whatever the configuration says, and it has a folder of its own.
    """
    others = translations.languages(course.root) if edition is Edition.STUDENTS else []
    parts = [_Part(course, edition, language, others, hub) for language in (translations.SOURCE, *others)]
    site = course.root / "_build" / _folder(edition, hub)
    with hold(course.root) as lock:
        with ThreadPoolExecutor(len(parts)) as workers:  # whichever reads first executes the pages for all
            made = list(workers.map(lambda part: part.make(lock), parts))
        _publish(dict(zip(("", *others), made, strict=True)), site)
    return site / "index.html"


def extract(course: Course) -> Path:
    """A folder with a gettext template for each page of the students' edition. Raises BuildError."""
    builder = ("--builder", "custom", "--custom-builder", "gettext")
    part = _Part(course, Edition.STUDENTS, "gettext", [], builder=builder)
    with hold(course.root) as lock:
        part.make(lock)
    return part.work / "_build" / "gettext"


class _Part:
    """One run of Jupyter Book: an edition in one language, or its templates for translators."""

    def __init__(
        self,
        course: Course,
        edition: Edition,
        name: str,
        others: list[str],
        hub: str = "",
        builder: Sequence[str] = (),
    ):
        self.root, self.edition, self.others, self.hub, self.builder = course.root, edition, others, hub, builder
        self.language = translations.SOURCE if builder else name
        suffix = "" if name == translations.SOURCE else f"-{name}"
        self.work = course.root / "_build" / f".{edition}{'-hub' if hub else ''}{suffix}"
        self.log = course.root / "_build" / f"{_folder(edition, hub)}{suffix}.log"
        self.shape = _shape(course, self.language)

    def make(self, lock: IO[str]) -> Path:
        """The folder with the pages. Raises BuildError."""
        with _continued(self.work, self.shape):
            command = [*_command(self.root, self.work), "--config", self._configuration(), *self.builder]
            with self.log.open("w", encoding="utf-8") as output:
                built = subprocess.run(command, stdout=output, stderr=output, pass_fds=[lock.fileno()], check=False)
            if built.returncode:
                raise BuildError(_message(self.root, self.log, self.work / "_build" / LINES))
        return self.work / "_build" / "html"

    def _configuration(self) -> Path:
        """The course's configuration with what this build adds to it."""
        configuration = yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))
        added = {"equipoise_edition": self.edition.value, "equipoise_kernels": usable_cores()}
        added |= {"language": self.language, "equipoise_languages": self.others}
        if self.hub:
            added |= {"equipoise_hub": self.hub, "equipoise_practice": f"{self.hub}/services/book/{PRACTICE}"}
        configuration.setdefault("sphinx", {}).setdefault("config", {}).update(added)
        path = self.work / "_config.yml"
        write_whole(path, yaml.safe_dump(configuration, sort_keys=False))
        return path


def _folder(edition: Edition, hub: str) -> str:
    return f"{FOLDERS[edition]}{'-hub' if hub else ''}"


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


def _shape(course: Course, language: str) -> str:
    """Which pages and static files there are, the engine, and words of components: what Sphinx would not notice."""
    static = sorted(str(path.relative_to(course.root)) for path in (course.root / "book" / "static").rglob("*"))
    words = translations.words(course.root, language)
    return "\n".join([*course.pages, *static, fingerprint(ENGINE), json.dumps(words)])


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


def _publish(made: Mapping[str, Path], site: Path) -> None:
    """Let copies of what was made, by folder in the site, take the place of the site."""
    new, old = (site.with_name(f".{site.name}-{age}") for age in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    for folder, pages in made.items():
        shutil.copytree(pages, new / folder, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
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
