"""nbgrader's exchange as students use it: list, fetch, submit, fetch feedback, over HTTP.

This file is all of Equipoise that a student's server has: it imports nothing of the rest, which holds the labs'
solutions. Who somebody is follows from the token that the hub gave to the server, not from what is said here.

A course's assignments lie in a folder of the course's name: ``COURSE/LAB/LAB.ipynb``, and feedback on what was handed
in at a time in ``COURSE/LAB/feedback/TIME/LAB.html``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

import requests
from nbgrader.exchange import abc
from nbgrader.utils import ignore_patterns

ADDRESS = "EQUIPOISE_EXCHANGE"  # where the exchange is, which the hub tells each server
PATIENCE_SECONDS = 60  # for a hub that is being started again
PAUSE_SECONDS = 1
TIMEOUT_SECONDS = 60
MOST_BYTES = 50_000_000  # of one archive, packed; the exchange's limit
MOST_FILES = 2_000
MOST_UNPACKED_BYTES = 200_000_000
CHUNK = 1 << 20
CHECKSUM = ".sha256"  # beside feedback: which version of it this is
PASSING = (500, 502, 503, 504)  # what a proxy or the exchange says while one of them, or the hub, is being started


class Line:
    """What every part of the exchange has in common: a line to the service."""

    @staticmethod
    def is_there() -> bool:
        """Whether this server has been told of an exchange."""
        return bool(os.environ.get(ADDRESS))

    def ask(self, method: str, *path: str, data=None, headers=None, **more) -> requests.Response:
        """What the exchange answers; it is asked again while it is away. Raises ExchangeError if it refuses."""
        url = "/".join([self._base(), *(quote(part, safe=":") for part in path)])
        headers = {"Authorization": f"token {os.environ.get('JUPYTERHUB_API_TOKEN')}"} | (headers or {})
        until = time.monotonic() + PATIENCE_SECONDS
        while (answer := self._answer(method, url, data, headers, more)) is None:
            if time.monotonic() > until:
                self.fail("The exchange cannot be reached. Nothing is lost; try again in some minutes")
            time.sleep(PAUSE_SECONDS)
        if not answer.ok:
            self.fail(self._refusal(answer))
        return answer

    def _answer(self, method: str, url: str, data, headers: dict, more: dict) -> requests.Response | None:
        """One try; None if the exchange was not there."""
        if data is not None:
            data.seek(0)
        try:
            answer = requests.request(method, url, data=data, headers=headers, timeout=TIMEOUT_SECONDS, **more)
        except (requests.ConnectionError, requests.Timeout):
            return None
        return None if answer.status_code in PASSING else answer

    def send(self, method: str, archive, *path: str) -> requests.Response:
        """Send an archive with its checksum, by which the exchange knows that all of it has arrived."""
        if archive.seek(0, os.SEEK_END) > MOST_BYTES:
            self.fail(
                f"Packed, this is larger than the {MOST_BYTES:,} bytes that the exchange takes. Remove large files"
            )
        archive.seek(0)
        digest = hashlib.file_digest(archive, "sha256").hexdigest()
        return self.ask(method, *path, data=archive, headers={"X-Content-SHA256": digest})

    def _base(self) -> str:
        if self.is_there():
            return os.environ[ADDRESS].rstrip("/")
        self.fail("There is no exchange here. Work on the hub of your course, or ask who runs it")

    def _refusal(self, answer: requests.Response) -> str:
        try:
            return answer.json()["message"]
        except (ValueError, KeyError, TypeError):
            return f"The exchange answers {answer.status_code} {answer.reason}"

    def course(self) -> str:
        if not self.coursedir.course_id:
            self.fail("No course is named. Name it: --course COURSE")
        return self.coursedir.course_id

    def concerns(self, assignment: str) -> bool:
        """Whether an assignment is the one that was named, if any was."""
        return self.coursedir.assignment_id in ("", "*", assignment)

    def folder(self, course: str, assignment: str) -> Path:
        return Path(self.assignment_dir).resolve() / course / assignment

    @contextmanager
    def packed(self, folder: Path, ignore=None):
        """An archive of a folder, without what the course ignores, and without links, which would lead nowhere."""
        ignored = ignore or ignore_patterns(
            self.coursedir.ignore, self.coursedir.include, self.coursedir.max_file_size, self.log
        )

        def take(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
            path = Path(member.name)
            if not (member.isreg() or member.isdir()):
                self.log.warning("%s is not sent: it is a link or a device. Put the file itself there", path)
                return None
            if ignored(str(folder / path.parent), [path.name]):
                return None
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            return member

        with tempfile.TemporaryFile() as file:
            level = 3  # 9 takes five times as long for a sixth less
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=level) as archive:
                for path in sorted(folder.iterdir()):
                    archive.add(path, path.name, filter=take)
            file.seek(0)
            yield file

    @contextmanager
    def unpacked(self, answer: requests.Response, beside: Path):
        """A new folder beside ``beside`` with what an archive holds; it is gone afterwards unless it was moved away."""
        beside.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beside.parent, prefix=".") as place:
            inside = Path(place) / "inside"
            inside.mkdir()
            with tempfile.TemporaryFile() as plain:
                self._decompress(answer.content, plain)
                with tarfile.open(fileobj=plain, mode="r:") as archive:
                    archive.extractall(inside, members=self._bearable(archive), filter="data")
            yield inside

    def _decompress(self, packed: bytes, plain: IO[bytes]) -> None:
        """To a file of bounded size, since an archive's names and notes are read into memory whole."""
        with gzip.open(io.BytesIO(packed)) as stream:
            while chunk := stream.read(CHUNK):
                plain.write(chunk)
                if plain.tell() > MOST_UNPACKED_BYTES:
                    self.fail(f"Unpacked, the archive is larger than {MOST_UNPACKED_BYTES:,} bytes")
        plain.seek(0)

    def _bearable(self, archive: tarfile.TarFile):
        """An archive's ordinary files and folders, as long as they are not too many."""
        left = MOST_FILES
        for member in archive:
            left -= 1
            if left < 0:
                self.fail(f"The archive holds more than {MOST_FILES:,} files")
            if member.isreg() or member.isdir():
                yield member


class ExchangeList(Line, abc.ExchangeList):
    """What was handed out, or (``cached``) what this student handed in, with its feedback."""

    def init_src(self) -> None:
        parts = self.ask("GET", "courses").json()
        known = sorted({course for part in parts.values() for course in part})
        wanted = self.coursedir.course_id
        self.courses = [course for course in known if wanted in ("", "*", course)]

    def init_dest(self) -> None:
        """Nothing is written."""

    def copy_files(self) -> None:
        """Nothing is copied."""

    def list_files(self) -> list[dict]:
        return self.handed_in() if self.inbound or self.cached else self.handed_out()

    def remove_files(self) -> list[dict]:
        """Take back what was handed out; what was handed in stays for ever."""
        if self.inbound or self.cached:
            self.fail("Submissions are not removed from the exchange")
        removed = self.handed_out()
        for assignment in removed:
            self.ask("DELETE", assignment["course_id"], "assignments", assignment["assignment_id"])
        return [assignment | {"status": "removed"} for assignment in removed]

    def handed_out(self) -> list[dict]:
        listed = [
            (course, entry["assignment"])
            for course in self.courses
            for entry in self.ask("GET", course, "assignments").json()["assignments"]
        ]
        return [self._released(course, assignment) for course, assignment in listed if self.concerns(assignment)]

    def _released(self, course: str, assignment: str) -> dict:
        folder = self.folder(course, assignment)
        notebooks = sorted(folder.glob("*.ipynb"))
        return {
            "course_id": course,
            "assignment_id": assignment,
            "status": "fetched" if folder.is_dir() else "released",
            "path": str(folder),
            "notebooks": [{"notebook_id": path.stem, "path": str(path)} for path in notebooks],
        }

    def handed_in(self) -> list[dict]:
        groups: dict[tuple, list[dict]] = {}
        for course in self.courses:
            own = {} if self.inbound else {"mine": "1"}
            for entry in self.ask("GET", course, "submissions", params=own).json()["submissions"]:
                if self.concerns(entry["assignment"]):
                    key = (course, entry["student"], entry["assignment"])
                    groups.setdefault(key, []).append(self._submitted(course, entry))
        return [
            {
                "course_id": course,
                "student_id": student,
                "assignment_id": assignment,
                "status": "submitted",
                "submissions": submissions,
            }
            for (course, student, assignment), submissions in sorted(groups.items())
        ]

    def _submitted(self, course: str, entry: dict) -> dict:
        folder, when = self.folder(course, entry["assignment"]), timestamp(entry["received"])
        feedback = folder / "feedback" / when
        local = feedback / CHECKSUM
        facts = {
            "has_local_feedback": local.is_file(),
            "has_exchange_feedback": bool(entry["feedback"]),
            "local_feedback_path": str(feedback) if local.is_file() else None,
            "feedback_updated": local.is_file() and bool(entry["feedback"]) and local.read_text() != entry["feedback"],
        }
        page = {"local_feedback_path": str(feedback / f"{entry['assignment']}.html") if local.is_file() else None}
        notebook = {"notebook_id": entry["assignment"], "path": str(folder / f"{entry['assignment']}.ipynb")}
        return {
            "course_id": course,
            "student_id": entry["student"],
            "assignment_id": entry["assignment"],
            "timestamp": when,
            "status": "submitted",
            "path": str(folder),
            "notebooks": [notebook | facts | page],
            **facts,
        }


class ExchangeFetchAssignment(Line, abc.ExchangeFetchAssignment):
    """Fetch an assignment. A student's own files are never replaced."""

    def init_src(self) -> None:
        self.source = self.ask("GET", self.course(), "assignments", self.coursedir.assignment_id)

    def init_dest(self) -> None:
        self.destination = self.folder(self.course(), self.coursedir.assignment_id)
        if self.destination.is_dir() and not self.replace_missing_files:
            self.fail(f"You already have a copy of the assignment in {self.destination}")

    def copy_files(self) -> None:
        with self.unpacked(self.source, self.destination) as inside:
            if not self.destination.exists():
                inside.rename(self.destination)
                return
            for path in sorted(inside.rglob("*")):
                own = self.destination / path.relative_to(inside)
                if path.is_dir():
                    own.mkdir(exist_ok=True)
                elif not own.exists():
                    shutil.copy(path, own)


class ExchangeSubmit(Line, abc.ExchangeSubmit):
    """Hand an assignment in. The time that counts is the exchange's."""

    def init_src(self) -> None:
        self.source = self.folder(self.course(), self.coursedir.assignment_id)
        if not self.source.is_dir():
            self.fail(f"There is no folder {self.source}. Fetch the assignment first")
        notebook = self.source / f"{self.source.name}.ipynb"
        if notebook.is_symlink() or not notebook.is_file():
            self.fail(f"There is no notebook {notebook}. Give it its name back; nothing was handed in")

    def init_dest(self) -> None:
        """The exchange knows where it belongs."""

    def copy_files(self) -> None:
        ignored = ignore_patterns(
            [*self.coursedir.ignore, "feedback"], self.coursedir.include, self.coursedir.max_file_size, self.log
        )
        with self.packed(self.source, ignored) as archive:
            answer = self.send("POST", archive, self.course(), "submissions", self.coursedir.assignment_id)
        self.timestamp = timestamp(answer.json()["received"])
        self.log.info("Submitted as: %s %s %s", self.course(), self.coursedir.assignment_id, self.timestamp)


class ExchangeFetchFeedback(Line, abc.ExchangeFetchFeedback):
    """Fetch all feedback on one assignment, or on all of a course."""

    def init_src(self) -> None:
        listed = self.ask("GET", self.course(), "submissions", params={"mine": "1"}).json()["submissions"]
        self.found = [entry for entry in listed if entry["feedback"] and self.concerns(entry["assignment"])]

    def init_dest(self) -> None:
        """Beside each assignment."""

    def copy_files(self) -> None:
        for entry in self.found:
            place = self.folder(self.course(), entry["assignment"]) / "feedback" / timestamp(entry["received"])
            where = (entry["assignment"], entry["student"], entry["received"])
            with self.unpacked(self.ask("GET", self.course(), "feedback", *where), place) as inside:
                (inside / CHECKSUM).write_text(entry["feedback"])
                shutil.rmtree(place, ignore_errors=True)
                inside.rename(place)
            self.log.info("Fetched feedback: %s", place)


def timestamp(received: str) -> str:
    """A time as the exchange writes it, in nbgrader's form."""
    return received.replace("T", " ").replace("Z", " UTC")
