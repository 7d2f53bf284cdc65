"""What nbgrader's gradebook holds about a lab, in a query each.

nbgrader's own classes take seconds to import and a dozen queries a student. To find out that nothing is to be done
must take neither. This only reads; whatever writes goes through nbgrader (``writer.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, DateTime, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

RELEASED = """
    SELECT base_cell.name, source_cell.source, grade_cells.max_score, grade_cells.cell_type
    FROM assignment
    JOIN notebook ON notebook.assignment_id = assignment.id AND notebook.name = assignment.name
    LEFT JOIN base_cell ON base_cell.notebook_id = notebook.id AND base_cell.type = 'GradeCell'
    LEFT JOIN grade_cells ON grade_cells.id = base_cell.id
    LEFT JOIN source_cell ON source_cell.notebook_id = notebook.id AND source_cell.name = base_cell.name
    WHERE assignment.name = :lab
"""
MARKS = """
    SELECT submitted_assignment.student_id,
        SUM(COALESCE(grade.manual_score, grade.auto_score, 0.0)
            + CASE WHEN COALESCE(grade.manual_score, grade.auto_score) IS NULL THEN 0.0
              ELSE COALESCE(grade.extra_credit, 0.0) END),
        MAX(COALESCE(submitted_notebook.late_submission_penalty, 0.0)),
        SUM(CASE WHEN grade.needs_manual_grade AND grade.manual_score IS NULL AND grade_cells.cell_type = 'markdown'
            THEN grade_cells.max_score ELSE 0.0 END),
        SUM(COALESCE(grade.auto_score, 0.0))
    FROM assignment
    JOIN notebook ON notebook.assignment_id = assignment.id AND notebook.name = assignment.name
    JOIN submitted_notebook ON submitted_notebook.notebook_id = notebook.id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN grade ON grade.notebook_id = submitted_notebook.id
    JOIN grade_cells ON grade_cells.id = grade.cell_id
    WHERE assignment.name = :lab
    GROUP BY submitted_assignment.student_id
"""
GRADES = """
    WITH cells AS (
        SELECT id, max_score FROM grade_cells UNION ALL SELECT id, max_score FROM task_cells
    ), asked AS (
        SELECT notebook.assignment_id AS assignment, COUNT(*) AS cells, SUM(cells.max_score) AS worth
        FROM notebook JOIN base_cell ON base_cell.notebook_id = notebook.id JOIN cells ON cells.id = base_cell.id
        GROUP BY notebook.assignment_id
    ), answered AS (
        SELECT submitted_notebook.assignment_id AS submission, COUNT(*) AS cells,
            SUM(CASE WHEN grade.manual_score IS NULL THEN COALESCE(grade.auto_score, 0.0) ELSE 0.0 END) AS automatic,
            SUM(CASE WHEN COALESCE(grade.manual_score, grade.auto_score) IS NULL THEN 0.0
                ELSE COALESCE(grade.manual_score, 0.0) + COALESCE(grade.extra_credit, 0.0) END) AS by_people,
            SUM(CASE WHEN grade.needs_manual_grade OR COALESCE(grade.manual_score, grade.auto_score) IS NULL
                THEN 1 ELSE 0 END) AS unmarked
        FROM submitted_notebook JOIN grade ON grade.notebook_id = submitted_notebook.id
            JOIN cells ON cells.id = grade.cell_id
        GROUP BY submitted_notebook.assignment_id
    ), late AS (
        SELECT assignment_id AS submission, SUM(COALESCE(late_submission_penalty, 0.0)) AS penalty
        FROM submitted_notebook GROUP BY assignment_id
    )
    SELECT assignment.name AS lab, COALESCE(asked.worth, 0.0) AS worth, assignment.duedate AS due,
        student.id AS student, COALESCE(student.last_name, '') AS last_name,
        COALESCE(student.first_name, '') AS first_name, COALESCE(student.email, '') AS email,
        COALESCE(student.lms_user_id, '') AS lms_user_id, submitted_assignment.timestamp AS handed_in,
        answered.automatic, answered.by_people, late.penalty,
        COALESCE(answered.unmarked + asked.cells - answered.cells, 0) AS unmarked
    FROM assignment CROSS JOIN student
    LEFT JOIN asked ON asked.assignment = assignment.id
    LEFT JOIN submitted_assignment ON submitted_assignment.assignment_id = assignment.id
        AND submitted_assignment.student_id = student.id
    LEFT JOIN answered ON answered.submission = submitted_assignment.id
    LEFT JOIN late ON late.submission = submitted_assignment.id
"""


@dataclass(frozen=True)
class Mark:
    """What the gradebook holds for one student."""

    points: float  # as exported: with what a person gave, less the penalty for lateness
    waiting: float  # points that a person still has to give
    automatic: float  # points that a machine gave


@dataclass(frozen=True)
class Grade:
    """What one student has for one lab. Every student of the gradebook has one for every lab.

    Text that the gradebook does not hold is empty, not None. Times are UTC, without a zone, as nbgrader keeps them.
    """

    lab: str
    worth: float  # points
    due: datetime | None
    student: str  # the gradebook's id
    last_name: str
    first_name: str
    email: str
    lms_user_id: str  # who that is in the learning platform
    handed_in: datetime | None
    automatic: float | None  # points that a machine gave and no person changed; None: there is no mark
    by_people: float | None  # points that people gave, with extra credit
    penalty: float | None  # points, for lateness
    unmarked: int  # parts that still have to be marked, by a person or again

    @property
    def points(self) -> float | None:
        """The points so far, less the penalty, never below 0; None: there is no mark."""
        return None if self.automatic is None else max(0.0, self.automatic + self.by_people - self.penalty)

    @property
    def waiting(self) -> bool:
        """Whether there is a mark that is not final."""
        return self.points is not None and self.unmarked > 0

    @property
    def score(self) -> float | None:
        """The final points; None while there are none."""
        return None if self.waiting else self.points


class Unreachable(Exception):
    """The gradebook cannot be read; the message says which, and why."""


@contextmanager
def reading(url: str) -> Iterator[Connection | None]:
    """A connection that only reads, or None if there is no gradebook yet. Raises Unreachable."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///").partition("?")[0]).is_file():
        yield None
        return
    patience = {"timeout": 60} if url.startswith("sqlite") else {}  # seconds; another program may be writing
    engine = create_engine(url, connect_args=patience)
    try:
        with engine.connect() as connection:
            yield connection if inspect(connection).has_table("submitted_notebook") else None
    except (SQLAlchemyError, OSError) as error:
        raise Unreachable(f"The gradebook {hidden(url)} cannot be read: {cause(error)}") from error
    finally:
        engine.dispose()


def released_tests(connection: Connection, lab: str) -> list[tuple[str, str, float, str]] | None:
    """What is marked, as it was released: (id, source, points, type of cell), sorted; None: never released.

    A machine marks code, a person Markdown.
    """
    rows = connection.execute(text(RELEASED), {"lab": lab}).all()
    return sorted(tuple(row) for row in rows if row[0] is not None) if rows else None


def released_labs(connection: Connection) -> list[str]:
    return sorted(connection.execute(text("SELECT name FROM assignment")).scalars())


def marks(connection: Connection, lab: str) -> dict[str, Mark]:
    """The marks of a lab by student."""
    rows = connection.execute(text(MARKS), {"lab": lab})
    return {
        student: Mark(max(0.0, points - penalty), waiting, automatic)
        for student, points, penalty, waiting, automatic in rows
    }


def grades(connection: Connection, labs: Collection[str] = ()) -> list[Grade]:
    """Every student's grade for each of ``labs``, or for all in the gradebook, by lab and student."""
    query = text(GRADES).columns(due=DateTime(), handed_in=DateTime())
    found = [Grade(**row) for row in connection.execute(query).mappings() if not labs or row["lab"] in labs]
    return sorted(found, key=lambda grade: (grade.lab, grade.student))


def hidden(url: str) -> str:
    """A database's address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def cause(error: BaseException) -> str:
    """The driver's own words, in one line."""
    error = getattr(error, "orig", None) or error
    return " ".join(str(error).split())[:200] or type(error).__name__
