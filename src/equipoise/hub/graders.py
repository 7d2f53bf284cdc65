"""nbgrader's exchange as graders use it: release, collect, release feedback, over HTTP.

What students handed in is unpacked here, as plain files and folders of bearable size; what is in them is looked at
only when they are marked, in the sandbox. The time of a submission is the exchange's. A student's own
``timestamp.txt``, by which nbgrader judges lateness, is overwritten, and said to have differed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import abc

from equipoise.grading.run import TIMESTAMP
from equipoise.hub.student.equipoise_exchange import ExchangeList, Line, timestamp

__all__ = ["ExchangeCollect", "ExchangeList", "ExchangeReleaseAssignment", "ExchangeReleaseFeedback"]


class ExchangeReleaseAssignment(Line, abc.ExchangeReleaseAssignment):
    """Hand out what ``nbgrader generate_assignment`` made; releasing again replaces it for those who fetch later."""

    def init_src(self) -> None:
        self.source = Path(
            self.coursedir.format_path(self.coursedir.release_directory, ".", self.coursedir.assignment_id)
        )
        if not self.source.is_dir():
            self.fail(f"There is no {self.source}. Generate the assignment first")

    def init_dest(self) -> None:
        self.course()

    def copy_files(self) -> None:
        with self.packed(self.source) as archive:
            self.send("PUT", archive, self.course(), "assignments", self.coursedir.assignment_id)
        self.log.info("Released as: %s %s", self.course(), self.coursedir.assignment_id)


class ExchangeCollect(Line, abc.ExchangeCollect):
    """Bring each student's last submission (with ``before_duedate``: the last in time) to ``submitted``."""

    def init_src(self) -> None:
        assignment, only = self.coursedir.assignment_id, self.coursedir.student_id
        listed = self.ask("GET", self.course(), "submissions").json()["submissions"]
        by_student: dict[str, list[str]] = {}
        for entry in listed:
            if entry["assignment"] == assignment and only in ("", "*", entry["student"]):
                by_student.setdefault(entry["student"], []).append(entry["received"])
        due = self._due() if self.before_duedate else None
        self.chosen = {student: self._chosen(times, due) for student, times in by_student.items()}

    def _due(self) -> datetime | None:
        with Gradebook(self.coursedir.db_url, self.course()) as gradebook:
            try:
                return gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                return None

    def _chosen(self, times: list[str], due: datetime | None) -> str:
        in_time = [time for time in times if due and datetime.fromisoformat(time).replace(tzinfo=None) <= due]
        return max(in_time or times)

    def init_dest(self) -> None:
        """``submitted``, by student."""

    def copy_files(self) -> None:
        for student, received in sorted(self.chosen.items()):
            place = self._place(student)
            if self._is_wanted(place, received):
                self._collect(student, received, place)
        self.log.info("%d students have handed in %s", len(self.chosen), self.coursedir.assignment_id)

    def _place(self, student: str) -> Path:
        directory = self.coursedir.submitted_directory
        return Path(self.coursedir.format_path(directory, student, self.coursedir.assignment_id))

    def _is_wanted(self, place: Path, received: str) -> bool:
        """Whether a submission is to take its place: there is none, or another one and others are asked for."""
        if not place.is_dir():
            return True
        there = self.coursedir.get_existing_timestamp(str(place))
        new = datetime.fromisoformat(received).replace(tzinfo=None)
        return (self.update and (there is None or new > there)) or (self.before_duedate and new != there)

    def _collect(self, student: str, received: str, place: Path) -> None:
        answer = self.ask("GET", self.course(), "submissions", self.coursedir.assignment_id, student, received)
        with ExitStack() as stack:
            try:
                inside = stack.enter_context(self.unpacked(answer, place))
            except Exception as error:  # whatever an archive provokes, it stops nobody else
                self.log.error(
                    "What %s handed in cannot be unpacked, and an empty folder stands for it: %s", student, error
                )
                inside = Path(stack.enter_context(TemporaryDirectory(dir=place.parent, prefix="."))) / "inside"
                inside.mkdir()
            self._stamp(student, received, inside / TIMESTAMP)
            if place.exists():
                shutil.rmtree(place)
            inside.rename(place)
        self.log.info("Collected: %s %s %s", student, self.coursedir.assignment_id, received)

    def _stamp(self, student: str, received: str, path: Path) -> None:
        if path.exists():
            said = "%s's folder held a %s of its own. What counts is when it arrived: %s"
            self.log.warning(said, student, TIMESTAMP, received)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.write_text(timestamp(received))


class ExchangeReleaseFeedback(Line, abc.ExchangeReleaseFeedback):
    """Hand feedback to those whose pages ``nbgrader generate_feedback`` made, for the submission that was marked."""

    def init_src(self) -> None:
        excluded = set(filter(None, self.coursedir.student_id_exclude.split(",")))
        self.pages = [(student, folder) for student, folder in self._folders() if student not in excluded]

    def _folders(self) -> Iterator[tuple[str, Path]]:
        directory, only = self.coursedir.feedback_directory, self.coursedir.student_id or "*"
        for path in sorted(Path(self.coursedir.root).glob(f"{directory}/*/{self.coursedir.assignment_id}")):
            if only in ("*", path.parent.name) and any(path.glob("*.html")):
                yield path.parent.name, path

    def init_dest(self) -> None:
        self.course()

    def copy_files(self) -> None:
        for student, folder in self.pages:
            received = (folder / TIMESTAMP).read_text().strip().replace(" UTC", "Z").replace(" ", "T")
            with self.packed(
                folder, lambda _, names: [name for name in names if not name.endswith(".html")]
            ) as archive:
                where = (self.course(), "feedback", self.coursedir.assignment_id, student, received)
                self.send("PUT", archive, *where)
            self.log.info("Released feedback for %s on %s", student, self.coursedir.assignment_id)
