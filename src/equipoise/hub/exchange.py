"""The exchange: where a class hands out, hands in and gets feedback, over HTTP, as a service of the hub.

nbgrader's own exchange is a folder that all may write to, and tells students apart by their Unix accounts. Here a
student is whom the hub says that a token belongs to, so the same exchange serves one machine without accounts and a
cluster without a shared disk. What arrives is stored as it came, whole or not at all, under the time at which it
arrived here; no archive is opened, and no student's clock is asked.

    COURSE/assignments/LAB.tar.gz                       what was handed out
    COURSE/submissions/LAB/STUDENT/RECEIVED.tar.gz      what was handed in; nothing ever replaces it
    COURSE/feedback/LAB/STUDENT/RECEIVED.tar.gz         feedback on it
    COURSE/roster.json                                  the students whom the course's graders named
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlparse

from jupyterhub.services.auth import HubAuth, HubAuthenticated
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from equipoise.grading.submissions import unlike_a_student
from equipoise.hub.student.equipoise_exchange import MOST_BYTES

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # of a course, and of an assignment
RECEIVED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
IDENTITY_SECONDS = 10  # for so long the hub is not asked again whose token it is, and what it may
ARCHIVE = ".tar.gz"
CHUNK = 1 << 20
MOST_SUBMISSIONS = 100  # of one student for one assignment
MOST_BYTES_OF_ONE = 500_000_000  # of all of these
MOST_AT_ONCE = 2  # that are on their way from one person
MOST_OTHER_BYTES = 1_000_000  # of a request that is no archive
PATIENCE_SECONDS = 300  # for a body to arrive


class Store:
    """The files of an exchange, below ``root``. Names are checked by whoever calls."""

    def __init__(self, root: Path):
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.drafts = root / ".incoming"
        self.drafts.mkdir(exist_ok=True)
        for left in self.drafts.iterdir():  # by a process that was killed while something arrived
            left.unlink()

    def draft(self) -> tempfile._TemporaryFileWrapper:
        """A new file for what is arriving; it is gone when closed, unless it was kept."""
        return tempfile.NamedTemporaryFile(dir=self.drafts)

    def assignment(self, course: str, assignment: str) -> Path:
        return self.root / course / "assignments" / f"{assignment}{ARCHIVE}"

    def folder(self, course: str, assignment: str, student: str) -> Path:
        return self.root / course / "submissions" / assignment / student

    def submission(self, course: str, assignment: str, student: str, received: str) -> Path:
        return self.folder(course, assignment, student) / f"{received}{ARCHIVE}"

    def feedback(self, course: str, assignment: str, student: str, received: str) -> Path:
        return self.root / course / "feedback" / assignment / student / f"{received}{ARCHIVE}"

    def assignments(self, course: str) -> list[dict]:
        folder = self.root / course / "assignments"
        return [{"assignment": path.name.removesuffix(ARCHIVE)} for path in sorted(folder.glob(f"*{ARCHIVE}"))]

    def submissions(self, course: str, student: str = "*") -> Iterator[dict]:
        """What was handed in, by all or by one, in the order of arrival for each student and assignment."""
        folder = self.root / course / "submissions"
        students = sorted(folder.glob("*/*")) if student == "*" else sorted(folder.glob(f"*/{_literal(student)}"))
        for place in students:
            for path in sorted(place.glob(f"*{ARCHIVE}")):
                about = {"assignment": place.parent.name, "student": place.name}
                about["received"] = path.name.removesuffix(ARCHIVE)
                feedback = self.feedback(course, **about)
                yield about | {"feedback": _known_digest(feedback)}

    def hand_in(self, draft: Path, course: str, assignment: str, student: str) -> str:
        """Keep what has arrived; the time that it is kept under, in UTC. What is there already is never replaced."""
        while True:
            received = self._later_than_all(self.folder(course, assignment, student))
            with contextlib.suppress(FileExistsError):  # another process was faster
                _keep(draft, self.submission(course, assignment, student, received), os.link)
                return received

    def _later_than_all(self, folder: Path) -> str:
        """Now; or, if the clock was set back or stands still, just after what came last."""
        now = datetime.now(UTC)
        before = max((path.name.removesuffix(ARCHIVE) for path in folder.glob(f"*{ARCHIVE}")), default="")
        if before:
            now = max(now, datetime.fromisoformat(before) + timedelta(microseconds=1))
        return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def put(self, draft: Path, path: Path) -> None:
        """Keep what has arrived as ``path``, in place of what was there."""
        twin = draft.with_name(f"{draft.name}.whole")
        os.link(draft, twin)
        _keep(twin, path, os.replace)

    def roster(self, course: str) -> list[str]:
        path = self.root / course / "roster.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []

    def enrol(self, course: str, students: list[str]) -> None:
        """Make ``students`` the course's roster."""
        with self.draft() as draft:
            draft.write(json.dumps(sorted(set(students)), ensure_ascii=False).encode())
            draft.flush()
            self.put(Path(draft.name), self.root / course / "roster.json")


def _keep(draft: Path, path: Path, move: Callable[[Path, Path], None]) -> None:
    """Move a file to its place so that it survives a power cut: its bytes first, then its name."""
    _make(path.parent)
    _sync(draft)
    move(draft, path)
    _sync(path.parent)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _known_digest(path: Path) -> str | None:
    """Of a file, computed once for each of its versions; None if there is none."""
    try:
        version = path.stat()
    except FileNotFoundError:
        return None
    return _digest(path, version.st_mtime_ns, version.st_size)


@lru_cache(maxsize=100_000)
def _digest(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Refused(HTTPError):
    """An answer that says why not, in a sentence; an HTTP reason can hold no other letters than Latin ones."""

    def __init__(self, status: HTTPStatus, message: str):
        super().__init__(status)
        self.message = message


class Handler(HubAuthenticated, RequestHandler):
    """Knows whom a request is from, and what this person may do in a course."""

    store: Store

    def initialize(self, store: Store, hub: HubAuth) -> None:
        self.store, self.hub_auth = store, hub

    def check_xsrf_cookie(self) -> None:
        """No cookie is read here: who asks says so with a token, which no other site's page can do."""

    async def prepare(self) -> None:
        """Ask the hub whose token came with the request. Its answer holds for seconds, so nobody stays what he was."""
        token = self.hub_auth.get_token(self, in_cookie=False)
        model = await self.hub_auth.user_for_token(token, sync=False) if token else None
        if not model or not self.hub_auth.check_scopes(self.hub_scopes, model):
            raise Refused(HTTPStatus.FORBIDDEN, "The exchange needs the token of somebody who may use it")
        self.model, self.name = model, model["name"]
        if "received" in self.path_kwargs:
            self.insist_on_names(self.path_kwargs["student"], self.path_kwargs["received"])

    def insist_on_names(self, student: str, received: str) -> None:
        """Parts of a path come encoded, as some proxies make them; decoded, they could be a way to another course."""
        if unlike_a_student(student) or not RECEIVED.fullmatch(received):
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such submission")

    def is_grader(self, course: str) -> bool:
        """Graders are a group of the hub; the service that bears the course's name is their formgrader."""
        if self.model["kind"] == "service":
            return self.name == course
        return f"formgrade-{course}" in self.model["groups"]

    def is_student(self, course: str) -> bool:
        """Students are on the roster of the course's graders, or the learning platform put them in the hub's group."""
        if self.model["kind"] == "service":
            return False
        return f"nbgrader-{course}" in self.model["groups"] or self.name in self.store.roster(course)

    def insist(self, allowed: bool) -> None:
        if not allowed:
            raise Refused(HTTPStatus.FORBIDDEN, "You do not have access to this part of this course")

    def existing(self, path: Path, what: str) -> Path:
        if not path.is_file():
            raise Refused(HTTPStatus.NOT_FOUND, f"There is no such {what}")
        return path

    async def send_archive(self, path: Path) -> None:
        self.set_header("Content-Type", "application/gzip")
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self.write(chunk)
                await self.flush()  # no more is read than the other side takes

    def write_error(self, status_code: int, **details) -> None:
        error = details.get("exc_info", (None, None))[1]
        self.finish({"message": getattr(error, "message", self._reason)})


class Courses(Handler):
    def get(self) -> None:
        """The courses of whoever asks, by part."""
        courses = [path.name for path in self.store.root.iterdir() if NAME.fullmatch(path.name)]
        courses += [group.partition("-")[2] for group in self.model.get("groups", [])]
        every = sorted(set(courses) | {self.name})
        parts = {"student": self.is_student, "grader": self.is_grader}
        self.write({part: [course for course in every if test(course)] for part, test in parts.items()})


class Assignments(Handler):
    def get(self, course: str) -> None:
        self.insist(self.is_student(course) or self.is_grader(course))
        self.write({"assignments": self.store.assignments(course)})


class Roster(Handler):
    def get(self, course: str) -> None:
        self.insist(self.is_grader(course))
        self.write({"students": self.store.roster(course)})

    def put(self, course: str) -> None:
        self.insist(self.is_grader(course))
        students = _students(self.request.body)
        for student in students:
            if problem := unlike_a_student(student):
                raise Refused(HTTPStatus.BAD_REQUEST, f"{student!r} cannot be a student: {problem}")
        self.store.enrol(course, students)
        self.write({"students": self.store.roster(course)})


def _students(body: bytes) -> list[str]:
    try:
        students = json.loads(body)["students"]
    except (ValueError, TypeError, KeyError):
        students = None
    if not isinstance(students, list) or not all(isinstance(student, str) for student in students):
        raise Refused(HTTPStatus.BAD_REQUEST, 'A roster is {"students": [...]}, with names')
    return students


class Submissions(Handler):
    def get(self, course: str) -> None:
        """All that was handed in, for graders; for others, and with ``?mine=1``, their own."""
        mine = self.get_query_argument("mine", "") or not self.is_grader(course)
        self.insist(self.is_grader(course) or self.is_student(course))
        found = self.store.submissions(course, self.name if mine else "*")
        self.write({"submissions": list(found)})


class Submission(Handler):
    async def get(self, course: str, assignment: str, student: str, received: str) -> None:
        self.insist(self.is_grader(course) or (self.is_student(course) and student == self.name))
        await self.send_archive(
            self.existing(self.store.submission(course, assignment, student, received), "submission")
        )


@stream_request_body
class Arriving(Handler):
    """A request whose body is an archive. It goes to a file as it comes, if it may.

    Whoever is refused is told so once all has come: an answer in the middle would cut the line before it is heard.
    """

    refusal: HTTPError | None = None
    draft = None

    async def prepare(self) -> None:
        self.request.connection.set_max_body_size(MOST_BYTES)
        self.announced, self.digest = self.request.headers.get("X-Content-SHA256", ""), hashlib.sha256()
        try:
            await super().prepare()
            if self.request.method in ("POST", "PUT"):
                self.allow(**self.path_kwargs)
                self.insist_on_patience()
                self.draft = self.store.draft()
                self.settings["arriving"][self.name] += 1
        except HTTPError as error:
            self.refusal = error

    def allow(self, course: str, **where: str) -> None:
        self.insist(self.is_grader(course))

    def insist_on_patience(self) -> None:
        """Nobody fills the disk with what never arrives."""
        if self.settings["arriving"][self.name] >= MOST_AT_ONCE:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "Something of yours is on its way. Wait for it")

    def data_received(self, chunk: bytes) -> None:
        if not self.draft:
            return
        try:
            self.digest.update(chunk)
            self.draft.write(chunk)
        except OSError as error:
            self.refusal = Refused(HTTPStatus.INSUFFICIENT_STORAGE, f"The exchange cannot store it: {error.strerror}")
            self.on_finish()

    def admit(self) -> None:
        """To be called first by whatever answers."""
        if self.refusal:
            raise self.refusal

    def arrived(self) -> Path:
        """The file with the whole body. What was changed or cut off on its way is refused."""
        self.admit()
        self.draft.flush()
        if self.digest.hexdigest() != self.announced:
            raise Refused(HTTPStatus.BAD_REQUEST, "What arrived is not what was sent. Send it again")
        return Path(self.draft.name)

    def on_finish(self) -> None:
        if self.draft:
            self.draft.close()
            self.draft = None
            self.settings["arriving"][self.name] -= 1

    def on_connection_close(self) -> None:
        self.on_finish()


class Assignment(Arriving):
    async def get(self, course: str, assignment: str) -> None:
        self.admit()
        self.insist(self.is_student(course) or self.is_grader(course))
        await self.send_archive(self.existing(self.store.assignment(course, assignment), "assignment"))

    def put(self, course: str, assignment: str) -> None:
        self.store.put(self.arrived(), self.store.assignment(course, assignment))

    def delete(self, course: str, assignment: str) -> None:
        self.admit()
        self.insist(self.is_grader(course))
        self.existing(self.store.assignment(course, assignment), "assignment").unlink()


class HandIn(Arriving):
    def allow(self, course: str, assignment: str) -> None:
        self.insist(self.model["kind"] == "user" and (self.is_student(course) or self.is_grader(course)))
        self.existing(self.store.assignment(course, assignment), "assignment")
        if problem := unlike_a_student(self.name):
            raise Refused(HTTPStatus.BAD_REQUEST, f"Nothing can be handed in as {self.name!r}: {problem}")
        before = [path.stat().st_size for path in self.store.folder(course, assignment, self.name).glob(f"*{ARCHIVE}")]
        if len(before) >= MOST_SUBMISSIONS or sum(before) >= MOST_BYTES_OF_ONE:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, f"You handed this in {len(before)} times. Ask your course")

    def post(self, course: str, assignment: str) -> None:
        self.write({"received": self.store.hand_in(self.arrived(), course, assignment, self.name)})


class Feedback(Arriving):
    async def get(self, course: str, assignment: str, student: str, received: str) -> None:
        self.admit()
        self.insist(self.is_grader(course) or (self.is_student(course) and student == self.name))
        await self.send_archive(self.existing(self.store.feedback(course, assignment, student, received), "feedback"))

    def put(self, course: str, assignment: str, student: str, received: str) -> None:
        draft = self.arrived()
        self.existing(self.store.submission(course, assignment, student, received), "submission")
        self.store.put(draft, self.store.feedback(course, assignment, student, received))


def application(store: Store, hub: HubAuth, prefix: str) -> Application:
    """The service below ``prefix``, such as ``/services/exchange/``."""
    course, assignment = f"(?P<course>{NAME.pattern})", f"(?P<assignment>{NAME.pattern})"
    one = rf"{assignment}/(?P<student>[^/]+)/(?P<received>[^/]+)"
    routes = {
        "courses": Courses,
        f"{course}/assignments": Assignments,
        f"{course}/assignments/{assignment}": Assignment,
        f"{course}/roster": Roster,
        f"{course}/submissions": Submissions,
        f"{course}/submissions/{assignment}": HandIn,
        f"{course}/submissions/{one}": Submission,
        f"{course}/feedback/{one}": Feedback,
    }
    settings = {"store": store, "hub": hub}
    table = [(f"{re.escape(prefix)}{route}", handler, settings) for route, handler in routes.items()]
    return Application(table, arriving=Counter())


def main() -> None:
    """Serve the folder that is named, as the hub says by its environment."""
    parser = argparse.ArgumentParser(description="The exchange of a JupyterHub for nbgrader")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    logging.basicConfig(level=logging.INFO)
    hub = HubAuth(cache_max_age=IDENTITY_SECONDS)
    url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    limits = {"max_body_size": MOST_OTHER_BYTES, "body_timeout": PATIENCE_SECONDS, "idle_connection_timeout": 60}
    server = HTTPServer(application(Store(folder), hub, os.environ["JUPYTERHUB_SERVICE_PREFIX"]), **limits)
    server.listen(url.port, url.hostname)
    loop = IOLoop.current()
    signal.signal(signal.SIGTERM, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()


if __name__ == "__main__":
    main()
