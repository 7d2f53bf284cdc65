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
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlparse

from jupyterhub.services.auth import HubAuth, HubAuthenticated
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from equipoise.files import write_whole
from equipoise.grading.submissions import unlike_a_student
from equipoise.hub.student.equipoise_exchange import MOST_BYTES

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # of a course, and of an assignment
RECEIVED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
IDENTITY_SECONDS = 10  # for so long the hub is not asked again whose token it is, and what it may
ARCHIVE = ".tar.gz"


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

    def submission(self, course: str, assignment: str, student: str, received: str) -> Path:
        return self.root / course / "submissions" / assignment / student / f"{received}{ARCHIVE}"

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
                yield about | {"feedback": _digest(feedback) if feedback.is_file() else None}

    def hand_in(self, draft: Path, course: str, assignment: str, student: str) -> str:
        """Keep what has arrived; the time that it is kept under, in UTC. What is there already is never replaced."""
        while True:
            received = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            with contextlib.suppress(FileExistsError):  # within the same microsecond
                _keep(draft, self.submission(course, assignment, student, received), os.link)
                return received

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
        write_whole(self.root / course / "roster.json", json.dumps(sorted(set(students)), ensure_ascii=False))


def _keep(draft: Path, path: Path, move: Callable[[Path, Path], None]) -> None:
    """Move a file to its place so that it survives a power cut: its bytes first, then its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sync(draft)
    move(draft, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unfit(student: str) -> str:
    """What keeps a name from being a student's, and a folder's."""
    return "the name has / in it" if "/" in student else unlike_a_student(student)


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
            raise HTTPError(HTTPStatus.FORBIDDEN, reason="The exchange needs the token of somebody who may use it")
        self.model, self.name = model, model["name"]
        if "received" in self.path_kwargs:
            self.insist_on_names(self.path_kwargs["student"], self.path_kwargs["received"])

    def insist_on_names(self, student: str, received: str) -> None:
        """Parts of a path come encoded, as some proxies make them; decoded, they could be a way to another course."""
        if _unfit(student) or not RECEIVED.fullmatch(received):
            raise HTTPError(HTTPStatus.NOT_FOUND, reason="There is no such submission")

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
            raise HTTPError(HTTPStatus.FORBIDDEN, reason="You do not have access to this part of this course")

    def existing(self, path: Path, what: str) -> Path:
        if not path.is_file():
            raise HTTPError(HTTPStatus.NOT_FOUND, reason=f"There is no such {what}")
        return path

    def send_archive(self, path: Path) -> None:
        self.set_header("Content-Type", "application/gzip")
        self.finish(path.read_bytes())

    def write_error(self, status_code: int, **details) -> None:
        self.finish({"message": self._reason})


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
        students = json.loads(self.request.body)["students"]
        for student in students:
            if problem := _unfit(student):
                raise HTTPError(HTTPStatus.BAD_REQUEST, reason=f"{student!r} cannot be a student: {problem}")
        self.store.enrol(course, students)
        self.write({"students": self.store.roster(course)})


class Submissions(Handler):
    def get(self, course: str) -> None:
        """All that was handed in, for graders; for others, and with ``?mine=1``, their own."""
        mine = self.get_query_argument("mine", "") or not self.is_grader(course)
        self.insist(self.is_grader(course) or self.is_student(course))
        found = self.store.submissions(course, self.name if mine else "*")
        self.write({"submissions": list(found)})


class Submission(Handler):
    def get(self, course: str, assignment: str, student: str, received: str) -> None:
        self.insist(self.is_grader(course) or (self.is_student(course) and student == self.name))
        self.send_archive(self.existing(self.store.submission(course, assignment, student, received), "submission"))


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
                self.draft = self.store.draft()
        except HTTPError as error:
            self.refusal = error

    def allow(self, course: str, **where: str) -> None:
        self.insist(self.is_grader(course))

    def data_received(self, chunk: bytes) -> None:
        if self.draft:
            self.digest.update(chunk)
            self.draft.write(chunk)

    def admit(self) -> None:
        """To be called first by whatever answers."""
        if self.refusal:
            raise self.refusal

    def arrived(self) -> Path:
        """The file with the whole body. What was changed or cut off on its way is refused."""
        self.admit()
        self.draft.flush()
        if self.digest.hexdigest() != self.announced:
            raise HTTPError(HTTPStatus.BAD_REQUEST, reason="What arrived is not what was sent. Send it again")
        return Path(self.draft.name)

    def on_finish(self) -> None:
        if self.draft:
            self.draft.close()

    def on_connection_close(self) -> None:
        self.on_finish()


class Assignment(Arriving):
    def get(self, course: str, assignment: str) -> None:
        self.admit()
        self.insist(self.is_student(course) or self.is_grader(course))
        self.send_archive(self.existing(self.store.assignment(course, assignment), "assignment"))

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
        if problem := _unfit(self.name):
            raise HTTPError(HTTPStatus.BAD_REQUEST, reason=f"Nothing can be handed in as {self.name!r}: {problem}")

    def post(self, course: str, assignment: str) -> None:
        self.write({"received": self.store.hand_in(self.arrived(), course, assignment, self.name)})


class Feedback(Arriving):
    def get(self, course: str, assignment: str, student: str, received: str) -> None:
        self.admit()
        self.insist(self.is_grader(course) or (self.is_student(course) and student == self.name))
        self.send_archive(self.existing(self.store.feedback(course, assignment, student, received), "feedback"))

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
    return Application([(f"{re.escape(prefix)}{route}", handler, settings) for route, handler in routes.items()])


def main() -> None:
    """Serve the folder that is named, as the hub says by its environment."""
    parser = argparse.ArgumentParser(description="The exchange of a JupyterHub for nbgrader")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    logging.basicConfig(level=logging.INFO)
    hub = HubAuth(cache_max_age=IDENTITY_SECONDS)
    url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    server = HTTPServer(application(Store(folder), hub, os.environ["JUPYTERHUB_SERVICE_PREFIX"]))
    server.listen(url.port, url.hostname)
    loop = IOLoop.current()
    signal.signal(signal.SIGTERM, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()


if __name__ == "__main__":
    main()
