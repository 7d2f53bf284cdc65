"""A class list becomes the course's roster: its students may fetch and hand in, and have names in the gradebook.

This is the one way to enrol students that no learning platform sends. It may be run again and again with the list as it
grows; what it does not say stays as it is, and nobody's marks are ever removed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange.abc import Exchange

from equipoise.grading.run import Classroom
from equipoise.grading.submissions import unlike_a_student
from equipoise.hub.student.equipoise_exchange import Line

COLUMNS = ("id", "first_name", "last_name", "email", "lms_user_id")


class RosterError(Exception):
    """The list cannot be taken; the message names file, line and column, and nothing was changed."""


@dataclass(frozen=True)
class Enrolled:
    """What became of a list, by student."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]
    missing: list[str]  # on the roster, not in the list
    on_exchange: bool  # whether there is an exchange here that was told


class Roster(Line, Exchange):
    """The roster that a hub's exchange keeps for a course. Raises ExchangeError."""

    def read(self, course: str) -> set[str]:
        return set(self.ask("GET", course, "roster").json()["students"])

    def write(self, course: str, students: set[str]) -> None:
        self.ask("PUT", course, "roster", json={"students": sorted(students)})


def read(path: Path) -> dict[str, dict[str, str]]:
    """The students of a CSV file, by id: what the file says of each. Raises RosterError."""
    rows = _rows(path)
    heads = next(rows, (1, []))[1]
    if "id" not in heads:
        raise RosterError(f"{path}, line 1: there is no column 'id'. Name the columns: {', '.join(COLUMNS)}")
    if unknown := [head for head in heads if head not in COLUMNS]:
        raise RosterError(f"{path}, line 1: unknown column {unknown[0]!r}. There are {', '.join(COLUMNS)}")
    students: dict[str, dict[str, str]] = {}
    for line, cells in rows:
        facts = {head: cell.strip() for head, cell in zip(heads, cells, strict=False) if cell.strip()}
        student = facts.pop("id", "")
        if problem := _problem(student, students, len(cells), len(heads)):
            raise RosterError(f"{path}, line {line}, column id: {problem}")
        students[student] = facts
    return students


def _rows(path: Path):
    """Each row that is not empty, with the number of its line; commas or semicolons, as spreadsheets write them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RosterError(f"{path} cannot be read: {error}. Save the list as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _problem(student: str, before: Mapping[str, object], cells: int, heads: int) -> str:
    if cells > heads:
        return f"the line has {cells} values, and there are {heads} columns. Put quotes round a value with a comma"
    if not student:
        return "it is empty. It must be the name that the student logs in with"
    if student in before:
        return f"{student!r} is there twice"
    unlike = unlike_a_student(student)
    return f"{student!r} cannot be a student: {unlike}" if unlike else ""


def enrol(classroom: Classroom, students: Mapping[str, Mapping[str, str]], remove: bool = False) -> Enrolled:
    """Enter ``students`` in the gradebook and on the exchange's roster; with ``remove``, no others stay on the roster.

    Raises ExchangeError if there is an exchange that refuses or cannot be reached; the gradebook is changed last.
    """
    course, roster = classroom.config.CourseDirectory.course_id, Roster(config=classroom.config)
    on_exchange = roster.is_there()
    enrolled = roster.read(course) if on_exchange else set()
    missing = sorted(enrolled - set(students))
    if on_exchange:
        roster.write(course, set(students) if remove else enrolled | set(students))
    with Gradebook(classroom.url, course) as gradebook:
        done = {student: _enter(gradebook, student, facts) for student, facts in students.items()}
    parts = {what: [student for student, became in done.items() if became == what] for what in set(done.values())}
    added, changed, unchanged = (parts.get(what, []) for what in ("added", "changed", "unchanged"))
    return Enrolled(added, changed, unchanged, missing, on_exchange)


def _enter(gradebook: Gradebook, student: str, facts: Mapping[str, str]) -> str:
    try:
        there = gradebook.find_student(student)
    except MissingEntry:
        gradebook.add_student(student, **facts)
        return "added"
    if all(getattr(there, name) == value for name, value in facts.items()):
        return "unchanged"
    gradebook.update_or_create_student(student, **facts)
    return "changed"
