"""The whole table: who has which mark, for people, spreadsheets and programs of one's own.

nbgrader's columns under nbgrader's names, and what it leaves out: who a student is in the learning platform, who gave
the points, and what still has to be marked. A score is final or empty. No platform reads this, so all text in it is
made harmless to spreadsheets, ids too; see ``sheets.py`` for what that does and how to undo it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from equipoise.grading.export.sheets import Sheet, guarded, number
from equipoise.grading.records import Grade

COLUMNS: dict[str, Callable[[Grade], str]] = {
    "assignment": lambda grade: guarded(grade.lab),
    "duedate": lambda grade: str(grade.due or ""),
    "timestamp": lambda grade: str(grade.handed_in or ""),
    "student_id": lambda grade: guarded(grade.student),
    "last_name": lambda grade: guarded(grade.last_name),
    "first_name": lambda grade: guarded(grade.first_name),
    "email": lambda grade: guarded(grade.email),
    "lms_user_id": lambda grade: guarded(grade.lms_user_id),
    "automatic": lambda grade: number(grade.automatic),
    "by_people": lambda grade: number(grade.by_people),
    "raw_score": lambda grade: number(None if grade.automatic is None else grade.automatic + grade.by_people),
    "late_submission_penalty": lambda grade: number(grade.penalty),
    "score": lambda grade: number(grade.score),
    "max_score": lambda grade: number(grade.worth),
    "unmarked": lambda grade: str(grade.unmarked),
}


def table(grades: Iterable[Grade], reasons: Mapping[tuple[str, str], str] | None = None) -> Sheet:
    """A row for each of ``grades``; with ``reasons``, by student and lab, a last column ``reason``."""
    header = [*COLUMNS, *(["reason"] if reasons else [])]
    rows = [[cell(grade) for cell in COLUMNS.values()] for grade in grades]
    keys = [(grade.student, grade.lab) for grade in grades]
    said = [[guarded(reasons[key])] if reasons else [] for key in keys]
    return Sheet([header, *(row + more for row, more in zip(rows, said, strict=True))], line_end="\n")
