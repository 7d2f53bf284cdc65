"""Moodle: an exported table of grades, with marks and feedback; or, without one, a table that it imports.

How Moodle imports a table (its ``gradeimport_csv``): a teacher says which column is the user's, and which columns are
the grade and the feedback of an item. Every row that is there counts as if it had been typed, an empty cell too; a user
who is not found ends the whole import; and a row without the user's id goes to the user of the row above. A new column
can only become an item out of 100 points. Feedback without its grade takes the grade away.

So a table has one lab, only students with a final mark, both columns, and no column for ids that has gaps or doubles.
Whoever Moodle does not know cannot be added; they are listed beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from equipoise.grading.export.people import alike
from equipoise.grading.export.platforms import Assignment, Filled, Place, Platform, feedback, only
from equipoise.grading.export.sheets import ExportError, Sheet, guarded, is_harmless, number
from equipoise.grading.records import Grade

KIND = re.compile(r"(?P<name>.*?)(?: \((?P<kind>[^()]*)\))?", re.DOTALL)
IDS: dict[str, Callable[[Grade], str]] = {
    "Username": lambda grade: grade.student,
    "Email address": lambda grade: grade.email,
    "User ID": lambda grade: grade.lms_user_id,
}
NAMES: dict[str, Callable[[Grade], str]] = {
    "First name": lambda grade: guarded(grade.first_name),
    "Last name": lambda grade: guarded(grade.last_name),
}


def _place(sheet: Sheet, lab: Assignment) -> Place:
    kinds = [KIND.fullmatch(name.strip()) for name in sheet.header]
    ours = {place: kind["kind"] for place, kind in enumerate(kinds) if _is_called(lab, kind["name"])}
    bare = [place for place, name in enumerate(sheet.header) if _is_called(lab, name)]
    place = only(sheet, lab, [place for place, kind in ours.items() if kind == "Real"] or bare)
    if place is None:
        raise ExportError(
            f"{sheet.at(0)}: there is no column '{lab.title} (Real)' for {lab.slug}. Make a grade item of this name and"
            f" {number(lab.worth)} points in Moodle. {MOODLE.repair}"
        )
    return Place(place, only(sheet, lab, [place for place, kind in ours.items() if kind == "Feedback"]))


def _is_called(lab: Assignment, name: str) -> bool:
    """Moodle puts the kind of activity before a name: ``Assignment: Title``."""
    return lab.is_called(name) or alike(name).endswith((f": {alike(lab.title)}", f": {alike(lab.slug)}"))


MOODLE = Platform(
    name="Moodle",
    repair="With English as your language, export the grades as a plain text file, with feedback.",
    people={
        "ID number": ("student", "lms_user_id"),
        "Username": ("student",),
        "Email address": ("email", "student"),
    },
    names=frozenset({*NAMES, "Surname", "Institution", "Department"}),
    place=_place,
    whole=False,
)


def table(lab: Assignment, grades: Iterable[Grade]) -> Filled:
    """A table with a row for each final mark of ``lab``."""
    final = [grade for grade in grades if grade.score is not None]
    safe = [grade for grade in final if is_harmless(grade.student)]
    ids = [name for name in IDS if name == "Username" or _identifies(map(IDS[name], safe))]
    columns = {name: IDS[name] for name in ids} | NAMES
    columns |= {lab.title: lambda grade: number(grade.score), f"{lab.title} (Feedback)": feedback}
    rows = [[cell(grade) for cell in columns.values()] for grade in safe]
    why = "has an id that a spreadsheet takes for a formula; use an exported table (--onto)"
    refused = {(grade.student, grade.lab): why for grade in final if grade not in safe}
    return Filled(Sheet([list(columns), *rows]), {(grade.student, grade.lab) for grade in safe}, refused)


def _identifies(ids: Iterable[str]) -> bool:
    """Whether everybody has an id, of their own, that can stand in a table."""
    ids = list(ids)
    return all(map(is_harmless, ids)) and "" not in ids and len(set(map(alike, ids))) == len(ids)
