"""The place under attack: a small course, a class with two honest students, and a secret in everything worth reading.

``abe`` is marked before the attackers and owns an answer to steal and marks to spoil; ``zoe`` is marked after them
and shows whether the class went on.
"""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook

from attacks.attack import LISTENER, write_submission
from equipoise import labs
from equipoise.content import Lab, load_course
from equipoise.scaffold import Kind, new

COURSE = Path(__file__).parent / "course"
ROOT = Path(__file__).parents[2]
LAB = "target"
SECRETS: Mapping[str, str] = {  # what must not get out, by the name under which the table lists it
    "hidden tests": "canary-of-the-hidden-tests",  # stands in course/lab.py
    "another's answer": "canary-of-abes-answer",
    "environment": "canary-of-the-environment",
    "home folder": "canary-of-the-home-folder",
    "gradebook": "canary-of-the-gradebook",
}
HONEST = {"abe": SECRETS["another's answer"], "zoe": "I would ask first."}  # students and their essays
VARIABLE = "EQUIPOISE_DATABASE_PASSWORD"
LOOK_SECONDS = 0.1  # between two looks at whether a server is to end
CONTENTS = "format: jb-book\nroot: book/welcome\nparts:\n"


@dataclass(frozen=True)
class World:
    """Paths of one course with one class, all below ``root``."""

    root: Path

    @property
    def course(self) -> Path:
        return self.root / "course"

    @property
    def classroom(self) -> Path:
        return self.root / "class"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def database(self) -> str:
        return f"sqlite:///{self.classroom}/gradebook.db"

    @property
    def data(self) -> Path:
        return self.classroom / "release" / LAB / "data"

    def load(self, slug: str = LAB) -> Lab:
        return load_course(self.course).lab(slug)

    def build(self) -> None:
        """Write the course and the grader's home; the class is made by whoever marks it."""
        build_course(self.course)
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / ".ssh" / "id_ed25519").write_text(SECRETS["home folder"])

    def admit(self, student: str) -> None:
        """Let an honest student hand in right answers, and note something private about abe. After the release."""
        lab = self.load()
        answers, memo = labs.solutions(lab), HONEST[student]
        write_submission(lab, self.classroom, student, self.data, answers, lambda s: s.answer("memo", memo))
        if student == "abe":
            with Gradebook(self.database) as gradebook:
                gradebook.update_or_create_student(student, email=SECRETS["gradebook"])


def build_course(folder: Path) -> None:
    """A course of one case, made as an author makes one, with the suite's lab in it."""
    (folder / "book").mkdir(parents=True)
    (folder / "book" / "welcome.md").write_text("# A target\n")
    shutil.copy(ROOT / "book" / "references.bib", folder / "book")
    (folder / "_toc.yml").write_text(CONTENTS)
    for made in new(folder, Kind.CASE, LAB):
        for path in made.iterdir():
            path.write_text(path.read_text(encoding="utf-8").replace("TODO", "done"), encoding="utf-8")
    for file in COURSE.glob("*.py"):
        shutil.copy(file, folder / "labs" / LAB)
    (folder / "grading").mkdir()
    shutil.copy(ROOT / "grading" / "nbgrader_config.py", folder / "grading")


class Listeners:
    """Servers that no submission may reach: TCP and UDP on loopback, a Unix socket by path and by abstract name.

    What reaches them is kept in ``heard``; attackers send the name of their attack.
    """

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._open, self._over, self._threads = ExitStack(), threading.Event(), []

    def __enter__(self) -> Listeners:
        Path(LISTENER["LISTENER_PATH"]).unlink(missing_ok=True)
        address = "127.0.0.1", int(LISTENER["LISTENER_PORT"])
        self._serve(socket.AF_INET, socket.SOCK_STREAM, address)
        self._serve(socket.AF_INET, socket.SOCK_DGRAM, address)
        self._serve(socket.AF_UNIX, socket.SOCK_STREAM, LISTENER["LISTENER_PATH"])
        self._serve(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + LISTENER["LISTENER_NAME"])
        Path(LISTENER["LISTENER_PATH"]).chmod(0o777)
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:  # an address is free again only when nobody waits on it any more
            thread.join()
        self._open.close()
        Path(LISTENER["LISTENER_PATH"]).unlink(missing_ok=True)

    def _serve(self, family: int, kind: int, address: object) -> None:
        server = self._open.enter_context(socket.socket(family, kind))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.settimeout(LOOK_SECONDS)
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen()
        self._threads.append(threading.Thread(target=self._listen, args=(server, kind), daemon=True))
        self._threads[-1].start()

    def _listen(self, server: socket.socket, kind: int) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                self.heard.append(server.recv(1000) if kind == socket.SOCK_DGRAM else self._said(server))

    def _said(self, server: socket.socket) -> bytes:
        with server.accept()[0] as client:
            client.settimeout(2)
            return client.recv(1000)
