"""A folder that a student filled becomes plain bytes, and whatever cannot be taken is left out with its reason.

Nobody knows what lies in such a folder: a link to the gradebook, a pipe that never ends, a film. So nothing in it is
followed or opened before it is known to be an ordinary file of bearable size, and its path from the class's folder
downwards is opened step by step, never through a link.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

NOTEBOOK_BYTES = 100_000_000
EXTRA_BYTES = 50_000_000  # of all other files together
MOST_FILES = 1_000
DEEPEST = 8
MOST_REMARKS = 12
IGNORED = (".ipynb_checkpoints", "__pycache__", "*.pyc", "._*", ".DS_Store")  # as nbgrader does, and what Macs leave
LONGEST_NAME = 128  # the gradebook's limit
# formgrader writes names into its pages and scripts as they are, nbgrader takes some letters for a pattern, and
# spreadsheets take some beginnings for a formula. All but brackets are letters that no folder of Windows has either.
NO_LETTERS = frozenset('<>:"/|?*\\[]')
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
STAND_IN = b"""{"cells": [{"cell_type": "markdown", "id": "stand-in", "metadata": {}, "source": "No student handed in \
this file. It is here because nbgrader passes over a folder in which no notebook has this name; marking takes no \
notice of it."}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
"""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Submission:
    """What a student handed in. ``remarks`` are pairs of a note's kind and its text."""

    student: str
    handed_in: bytes | None  # the notebook; None: there is none
    files: Mapping[str, bytes]  # everything else, by path
    remarks: tuple[tuple[str, str], ...]

    def digest(self) -> str:
        """A hash of all that is here; 64 hexadecimal digits."""
        digest = hashlib.sha256(repr((self.student, self.handed_in is None, self.remarks)).encode())
        for name, content in [("", self.handed_in or b""), *sorted(self.files.items())]:
            digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest())
        return digest.hexdigest()


class Unusable(Exception):
    """A folder is not a student's submission; the message says what is wrong with it."""


def folders(root: Path, lab: str) -> Iterator[Path]:
    """Each ``submitted/STUDENT/LAB``, whatever it is. Like nbgrader's, hidden folders are none."""
    submitted = root / "submitted"
    names = sorted(os.listdir(submitted), key=os.fsencode) if submitted.is_dir() else []
    for name in names:
        folder = submitted / name / lab
        if not name.startswith(".") and os.path.lexists(folder):
            yield folder


def read(folder: Path, ours: Collection[str] = ()) -> Submission:
    """Read ``submitted/STUDENT/LAB``; files at one of the paths ``ours`` are not read, as the lab's take their place.

    Raises Unusable if the folder is not a student's, OSError if it cannot be read.
    """
    reader = _Reader(f"{folder.name}.ipynb", frozenset(ours))
    with _inside(folder) as inner:
        reader.take_folder(inner)
        notebook = reader.notebook()
        handed_in = None if notebook is None else _content_at(inner, notebook)
    return Submission(folder.parent.name, handed_in, reader.files, reader.told())


def problem(folder: Path) -> str:
    """Why ``submitted/STUDENT/LAB`` cannot be read as a student's, in a sentence; empty if it can."""
    try:
        with _inside(folder):
            return ""
    except Unusable as error:
        return str(error)
    except OSError as error:
        return f"The submission cannot be read: {error}."


@contextmanager
def _inside(folder: Path) -> Iterator[int]:
    """Open a student's folder. Raises Unusable or OSError."""
    student, lab = folder.parent.name, folder.name
    if unlike := unlike_a_student(student):
        raise Unusable(f"The folder submitted/{shown(student)} is not named like a student: {unlike}. Rename it.")
    try:
        with _opened(folder.parent) as outer, _opened(lab, outer) as inner:
            yield inner
    except NotADirectoryError:
        where = f"submitted/{student}/{lab}"
        raise Unusable(f"{where} is a link or a file. Put the student's folder in its place.") from None


def unlike_a_student(name: str) -> str:
    """What keeps a name from being a student's, which must be safe in pages, tables and nbgrader's commands."""
    if len(name) > LONGEST_NAME:
        return f"the name is longer than {LONGEST_NAME} characters"
    if not name.isprintable():  # control characters, what turns a line round, and bytes that are no text
        return "the name has characters that cannot be seen"
    if found := sorted(NO_LETTERS & set(name)):
        return f"the name has {' '.join(found)} in it"
    if name.startswith((".", *FORMULA)):
        return f"the name begins with {name[0]}"
    return "the name begins or ends with a blank" if name != name.strip() else ""


@contextmanager
def _opened(path: Path | str, inside: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, FOLDER, dir_fd=inside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@dataclass
class _Reader:
    """Collects the files below one folder."""

    name: str  # what the notebook should be called
    ours: frozenset[str]
    files: dict[str, bytes] = field(default_factory=dict)
    notebooks: list[str] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    left: int = EXTRA_BYTES
    seen: int = 0

    def notebook(self) -> str | None:
        """The path of the notebook, or of the only one that there is, by whatever name; folders come second."""
        outermost = [path for path in self.notebooks if "/" not in path] or self.notebooks
        if self.name in outermost or not outermost:
            return self.name if outermost else None
        if len(outermost) == 1:
            renamed = f"The notebook was called {shown(outermost[0])}; it was taken for {self.name}."
            self.remarks.insert(0, ("repaired", renamed))
            return outermost[0]
        names = ", ".join(map(shown, outermost[:5]))
        unclear = f"None of the notebooks is called {self.name}: {names}. Rename the right one."
        self.remarks.insert(0, ("unreadable", unclear))
        return None

    def remark(self, kind: str, text: str) -> None:
        self.remarks.append((kind, text))

    def told(self) -> tuple[tuple[str, str], ...]:
        """The remarks, of which nobody reads more than a few."""
        more = len(self.remarks) - MOST_REMARKS
        rest = [("limit", f"{more} more files were left out.")] if more > 0 else []
        return (*self.remarks[:MOST_REMARKS], *rest)

    def take_folder(self, descriptor: int, prefix: str = "", depth: int = 1) -> None:
        for name in sorted(os.listdir(descriptor), key=os.fsencode):
            if any(fnmatch(name, pattern) for pattern in IGNORED) or f"{prefix}{name}" in self.ours:
                continue
            self.seen += 1
            if self.seen > MOST_FILES:
                if self.seen == MOST_FILES + 1:
                    self.remark("limit", f"There are more than {MOST_FILES:,} files; the others were left out.")
                return
            self._take(descriptor, name, f"{prefix}{name}", depth)

    def _take(self, inside: int, name: str, path: str, depth: int) -> None:
        facts = os.stat(name, dir_fd=inside, follow_symlinks=False)
        if problem := self._problem(path, facts, depth):
            self.remark(*problem)
        elif stat.S_ISDIR(facts.st_mode):
            with _opened(name, inside) as descriptor:
                self.take_folder(descriptor, f"{path}/", depth + 1)
        elif path.endswith(".ipynb"):
            self.notebooks += [] if _stands_in(inside, name, facts.st_size) else [path]
        elif conflict := next((file for file in self.ours if file.startswith(f"{path}/")), None):
            self.remark("repaired", f"{shown(path)} was left out: the lab's {conflict} takes its place.")
        else:
            self.files[path] = _content(inside, name, self.left)
            self.left -= len(self.files[path])

    def _problem(self, path: str, facts: os.stat_result, depth: int) -> tuple[str, str] | None:
        """Why an entry is left out, as a kind and a sentence."""
        mode, what = facts.st_mode, shown(path)
        if not _is_text(path):
            return "repaired", f"{what} was left out: its name is not UTF-8."
        if stat.S_ISLNK(mode):
            return "repaired", f"{what} was left out: it is a link. Hand in the file itself."
        if stat.S_ISDIR(mode):
            return ("limit", f"{what} was left out: folders are nested too deeply.") if depth >= DEEPEST else None
        if not stat.S_ISREG(mode):
            return "repaired", f"{what} was left out: it is not an ordinary file."
        if facts.st_nlink > 1:
            return "repaired", f"{what} was left out: it is a hard link to another file. Put a copy in its place."
        most = NOTEBOOK_BYTES if path.endswith(".ipynb") else self.left
        if facts.st_size > most:
            limit = NOTEBOOK_BYTES if path.endswith(".ipynb") else EXTRA_BYTES
            return "limit", f"{what} was left out: it takes the files over {limit // 10**6} MB."
        return None


def _content_at(folder: int, path: str) -> bytes:
    """A notebook's bytes, by its path below ``folder``."""
    outer, _, rest = path.partition("/")
    if not rest:
        return _content(folder, path, NOTEBOOK_BYTES)
    with _opened(outer, folder) as inner:
        return _content_at(inner, rest)


def _content(inside: int, name: str, most: int) -> bytes:
    """A file's bytes. It may have been exchanged since it was looked at, so it is looked at again."""
    with open(os.open(name, FILE, dir_fd=inside), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{shown(name)} changed while it was read")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"{shown(name)} changed while it was read")
    return content


def _stands_in(inside: int, name: str, size: int) -> bool:
    """Whether a notebook is none that was handed in, but ``make_complete``'s."""
    return size == len(STAND_IN) and _content(inside, name, size) == STAND_IN


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """A file's name as it may be printed: short, in one line, whatever bytes it is made of."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= 80 else f"{text[:77]}..."


def make_complete(root: Path, labs: Collection[str]) -> None:
    """Put a stand-in where no notebook has the name that nbgrader looks for: it passes over a folder without one.

    ``read`` takes no notice of it, so that a notebook of another name, and a later one, counts as if it were not there.
    """
    for lab in labs:
        for folder in folders(root, lab):
            with suppress(OSError, Unusable), _inside(folder) as inner:
                _create(inner, f"{lab}.ipynb", STAND_IN)


def _create(inside: int, name: str, content: bytes) -> None:
    """Write a file that must not be there yet, whole or not at all. Raises OSError."""
    with open(name, "xb", opener=partial(os.open, mode=0o644, dir_fd=inside)) as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            os.unlink(name, dir_fd=inside)
            raise
