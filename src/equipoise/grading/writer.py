"""The one place that writes marks: nbgrader's gradebook, then the folder ``autograded``, then the stamp.

Killed between any two steps, the next run finds no stamp, or none of the right identity, and marks again; each step
replaces what an earlier attempt left. So the old stamp goes first and the new one arrives with the finished folder.
Where there is no mark to write, the reason is kept instead, until there is one.
"""

from __future__ import annotations

import errno
import logging
import math
import shutil
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbgrader.api import Comment, Grade, Gradebook, InvalidEntry, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SAWarning
from traitlets.config import Config

from equipoise.grading.plan import STAMP, Stamp, failure
from equipoise.grading.records import cause, hidden

if TYPE_CHECKING:
    from equipoise.grading.execute import Marked

warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")  # of its own queries; harmless
LOCKED_SECONDS = 60  # how long another program, such as formgrader, may keep the gradebook to itself
FULL = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The disk quota is used up",
    errno.EROFS: "The disk is read-only",
}


class WritingError(Exception):
    """Nothing more can be written; the message says why. What was written before is whole."""


@dataclass(frozen=True)
class Written:
    """What the gradebook says after a mark was written."""

    points: float
    waiting: float


@dataclass(frozen=True)
class Cell:
    """A graded cell, as it was released."""

    name: str
    worth: float  # points
    essay: bool


class Writer:
    """Writes the marks of one lab. Only one process may do so at a time in one class folder."""

    def __init__(self, root: Path, url: str, config: Config, lab: str):
        """Raises WritingError if the gradebook cannot be reached."""
        self.root, self.url, self.lab = root, url, lab
        self.penalties = AssignLatePenalties(config=config)
        self.penalties.init_plugin()
        logging.getLogger("tornado.application").setLevel(logging.CRITICAL)  # nbgrader prints each retry's traceback
        self.gradebook: Gradebook | None = None
        with self._stopping():
            self._patiently(lambda: self._open(config.CourseDirectory.get("course_id", "")))

    def _open(self, course: str) -> None:
        self.gradebook = Gradebook(self.url, course)
        notebook = self.gradebook.find_notebook(self.lab, self.lab)
        self.notebook, self.assignment = notebook.id, notebook.assignment_id
        graded = {
            cell.id: Cell(cell.name, cell.max_score, cell.cell_type == "markdown") for cell in notebook.grade_cells
        }
        self.cells, self.answers = graded, {cell.id: cell.name for cell in notebook.solution_cells}

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self.gradebook.close()

    def write_failure(self, student: str, reason: str) -> None:
        """Have a student in the gradebook who has no mark, so that nobody is missing from the grades; keep the reason.

        Raises WritingError.
        """
        place = failure(self.root, self.lab, student)
        draft = place.with_suffix(".failing")
        with self._stopping():
            self._patiently(lambda: self.gradebook.update_or_create_student(student))
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(reason, encoding="utf-8")
            draft.replace(place)

    def write(self, marked: Marked, files: Mapping[str, bytes], reason: str) -> Written:
        """Write one mark. ``files`` are to lie beside the notebook.

        Raises WritingError, or whatever is wrong with this mark alone; in both cases the next run marks again.
        """
        place = self.root / "autograded" / marked.student / self.lab
        with self._stopping():
            (place / STAMP).unlink(missing_ok=True)
            written, automatic = self._patiently(lambda: self._enter(marked, files.get("timestamp.txt")))
            stamp = Stamp(marked.identity, automatic, len(marked.notes), reason)
            contents = {f"{self.lab}.ipynb": marked.notebook.encode(), STAMP: stamp.text().encode()}
            exchange(place, {**files, **contents})
        return written

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Turn what concerns every mark into a WritingError."""
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise WritingError(f"{FULL[error.errno]} ({error.filename or self.root}).") from error
        except (DBAPIError, InvalidEntry) as error:
            if not isinstance(_root(error), OperationalError) and self._answers():
                raise
            raise WritingError(f"The gradebook {hidden(self.url)} cannot be written: {cause(_root(error))}.") from error

    def _answers(self) -> bool:
        """Whether the gradebook still does; drivers disagree about which error says that it does not."""
        try:
            self.gradebook.db.execute(text("SELECT 1"))
            self.gradebook.db.rollback()
        except (DBAPIError, OSError, AttributeError):
            return False
        return True

    def _patiently(self, work):
        """Try again while another program holds the gradebook, or has just entered the same student."""
        until = time.monotonic() + LOCKED_SECONDS
        while True:
            try:
                return work()
            except (DBAPIError, InvalidEntry) as error:
                self._forget()
                if time.monotonic() > until or not _passes(_root(error)):
                    raise
                time.sleep(0.1)
            except BaseException:
                self._forget()
                raise

    def _forget(self) -> None:
        """Leave nothing of a transaction that failed."""
        if self.gradebook:
            with suppress(DBAPIError):  # the connection may be what failed
                self.gradebook.db.rollback()

    def _enter(self, marked: Marked, timestamp: bytes | None) -> tuple[Written, float]:
        """All that nbgrader's own autograde would enter, and the points that a machine gave."""
        submission, notebook = self._rows(marked.student, _time(timestamp))
        grades = self._grades(notebook)
        for grade in grades:
            self._enter_score(grade, marked)
        for comment in self._comments(notebook):
            comment.auto_comment = None if self.answers[comment.cell_id] in marked.answered else "No response."
        points = self._enter_penalty(notebook, marked.student, submission.total_seconds_late)
        automatic = math.fsum(grade.auto_score or 0.0 for grade in grades)
        written = Written(points, math.fsum(self._left(grade) for grade in grades))
        self.gradebook.db.commit()
        return written, automatic

    def _rows(self, student: str, when: datetime | None) -> tuple[SubmittedAssignment, SubmittedNotebook]:
        """The student's rows, made where there are none, in the same transaction as the marks."""
        session = self.gradebook.db
        session.get(Student, student) or self._added(Student(id=student))
        submission = self._row(SubmittedAssignment, assignment_id=self.assignment, student_id=student)
        if when:
            submission.timestamp = when
        return submission, self._row(SubmittedNotebook, notebook_id=self.notebook, assignment_id=submission.id)

    def _row(self, kind, **values):
        found = self.gradebook.db.query(kind).filter_by(**values).one_or_none()
        return found or self._added(kind(**values))

    def _grades(self, notebook: SubmittedNotebook) -> list[Grade]:
        """A row for every graded cell."""
        rows = list(self.gradebook.db.query(Grade).filter(Grade.notebook_id == notebook.id))
        missing = self.cells.keys() - {row.cell_id for row in rows}
        return [*rows, *self._all_added(Grade(cell_id=cell, notebook_id=notebook.id) for cell in missing)]

    def _comments(self, notebook: SubmittedNotebook) -> list[Comment]:
        """A row for every answer, likewise."""
        rows = list(self.gradebook.db.query(Comment).filter(Comment.notebook_id == notebook.id))
        missing = self.answers.keys() - {row.cell_id for row in rows}
        return [*rows, *self._all_added(Comment(cell_id=cell, notebook_id=notebook.id) for cell in missing)]

    def _added(self, row):
        return self._all_added([row])[0]

    def _all_added(self, rows: Iterable) -> list:
        added = list(rows)
        self.gradebook.db.add_all(added)
        self.gradebook.db.flush()  # gives them their ids
        return added

    def _enter_score(self, grade: Grade, marked: Marked) -> None:
        """A test's points; for an essay 0 if it was not touched, else none. What a person gave stays, and is to be
        looked at again: so does nbgrader."""
        cell = self.cells[grade.cell_id]
        score = marked.scores.get(cell.name, None if cell.name in marked.answered else 0.0)
        if score is not None and not 0 <= score <= cell.worth:
            raise ValueError(f"{cell.name} has {score} of {cell.worth:g} points")
        grade.auto_score = score
        grade.needs_manual_grade = score is None or grade.manual_score is not None

    def _enter_penalty(self, notebook: SubmittedNotebook, student: str, late: float) -> float:
        """Enter the penalty for lateness, if there is one; return the points that are left."""
        session, penalty = self.gradebook.db, None
        session.flush()
        session.refresh(notebook, ["score"])
        if late > 0:
            penalty = self.penalties.plugin_inst.late_submission_penalty(student, notebook.score, late)
        notebook.late_submission_penalty = None if penalty is None else min(max(penalty, 0), notebook.score)
        return notebook.score - (notebook.late_submission_penalty or 0.0)

    def _left(self, grade: Grade) -> float:
        """Points that wait for a person."""
        cell = self.cells[grade.cell_id]
        return cell.worth if cell.essay and grade.needs_manual_grade and grade.manual_score is None else 0.0


def _time(timestamp: bytes | None) -> datetime | None:
    """When it was handed in, by UTC, or None if the file does not say so."""
    try:
        return parse_utc((timestamp or b"")[:100].decode().strip() or None)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None


def exchange(place: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with ``files`` in the place of whatever is there. Nobody ever sees half of it.

    The old folder is gone before the new one arrives, so that nothing is left behind once it has.
    """
    for left in place.parent.glob(f".{place.name}.*"):  # by an attempt that was killed, or failed
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    draft, old = (place.with_name(f".{place.name}.{kind}") for kind in ("new", "old"))
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, content in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o444)  # as nbgrader leaves them: what was marked is not to be edited
        if place.exists():
            place.rename(old)
            shutil.rmtree(old)
        draft.rename(place)


def _root(error: Exception) -> BaseException:
    """The database's error behind nbgrader's."""
    return error.__context__ if isinstance(error, InvalidEntry) and error.__context__ else error


def _passes(error: BaseException) -> bool:
    """Whether an error of the database is worth another try."""
    if isinstance(error, IntegrityError):
        return True  # another process entered the same row first; the next try finds it
    return isinstance(error, OperationalError) and "locked" in str(error)
