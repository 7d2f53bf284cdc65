"""Canvas: a gradebook that was downloaded from it, with marks; or, without one, a table that it imports.

How Canvas reads a table (its ``GradebookImporter``): the header begins with ``Student``, ``ID``, then ``SIS User ID``
and ``SIS Login ID``, and ``Section`` closes what is said of students. Each row is looked for by ID, then by the SIS
columns, and at last *by name*. A column ``Title (12345)`` is the assignment with that number, one without a number the
assignment of that title, or a new one, whose points stand in the row ``Points Possible``. An empty cell takes an
earlier mark away. It shows all changes before it makes them.

So a download keeps all its cells where there is no final mark to write. And a table of our own has one lab and only
rows with a final mark, no name that two students share, and in ``ID`` nothing but a number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from equipoise.grading.export.platforms import Assignment, Filled, Place, Platform, insist_on_points, only
from equipoise.grading.export.sheets import ExportError, Sheet, amount, guarded, is_harmless, number
from equipoise.grading.records import Grade

POINTS = "Points Possible"
HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
NUMBERED = re.compile(r"(?P<title>.*?)(?: \(\d+\))?", re.DOTALL)
NO_STUDENT = re.compile(r"\s*(muted|manual posting.*)?\s*", re.IGNORECASE)


def _is_student(row: list[str]) -> bool:
    return POINTS not in row[0] and not all(NO_STUDENT.fullmatch(cell) for cell in row)


def _place(sheet: Sheet, lab: Assignment) -> Place:
    points = next((row for row in sheet.rows[1:3] if POINTS in row[0]), None)
    if points is None:
        raise ExportError(f"{sheet.at(1)}: this is not the row '{POINTS}'. {CANVAS.repair}")
    titles = [NUMBERED.fullmatch(name.strip())["title"] for name in sheet.header]
    place = only(sheet, lab, [place for place, title in enumerate(titles) if lab.is_called(title)])
    if place is not None:
        insist_on_points(sheet, lab, place, amount(points[place]))
        return Place(place)
    for row in sheet.rows:
        row.append("")
    sheet.header[-1], points[-1] = lab.title, number(lab.worth)
    return Place(len(sheet.header) - 1)


CANVAS = Platform(
    name="Canvas",
    repair="In Canvas's gradebook, export the entire gradebook as CSV.",
    people={
        "ID": ("lms_user_id",),  # Canvas's own number, which a student's number elsewhere may equal by chance
        "SIS User ID": ("lms_user_id", "student"),
        "SIS Login ID": ("student", "email"),
        "Integration ID": ("lms_user_id",),
    },
    names=frozenset({"Student", "LastName", "FirstName"}),
    place=_place,
    is_student=_is_student,
)


def table(lab: Assignment, grades: Iterable[Grade]) -> Filled:
    """A table with a row for each final mark of ``lab``."""
    final = [grade for grade in grades if grade.score is not None]
    names = Counter(map(_name, final))
    ids = Counter(grade.lms_user_id for grade in final if grade.lms_user_id)
    filled = Filled(Sheet([[*HEADER, lab.title], [f"    {POINTS}", "", "", "", "", number(lab.worth)]]))
    for grade in final:
        key, theirs = (grade.student, grade.lab), grade.lms_user_id
        if ids[theirs] > 1:
            filled.refused[key] = f"shares the id {theirs!r} with another student; correct one of them in the gradebook"
        elif not (is_harmless(grade.student) and is_harmless(theirs)):
            filled.refused[key] = (
                "has an id that a spreadsheet takes for a formula; use a downloaded gradebook (--onto)"
            )
        else:
            name = _name(grade) if names[_name(grade)] == 1 else grade.student
            numbers = (theirs, "") if re.fullmatch("[0-9]+", theirs) else ("", theirs)
            filled.sheet.rows.append([guarded(name), *numbers, grade.student, "", number(grade.score)])
            filled.written.add(key)
    return filled


def _name(grade: Grade) -> str:
    return ", ".join(filter(None, (grade.last_name, grade.first_name))) or grade.student
