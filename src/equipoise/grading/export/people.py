"""Which row of a platform's table is which student of the gradebook. A mark in the wrong row is worse than none.

Every column that says who a row is, and has a word to say, must agree; a row that may be two students', and a student
who may have two rows, are left to a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from equipoise.grading.export.sheets import ExportError, Sheet
from equipoise.grading.records import Grade

Keys = Mapping[tuple[str, str], set[str]]  # (what of a Grade, as ``alike`` writes it): students
Columns = Mapping[int, tuple[str, ...]]  # number of a column: what of a Grade it may hold


def match(
    sheet: Sheet, lines: Iterable[int], people: Mapping[str, tuple[str, ...]], grades: Iterable[Grade]
) -> tuple[dict[int, str], dict[str, str]]:
    """The student of each of ``lines``, empty where it is nobody alone; and why, for those who were left out.

    ``people`` names the columns that say who a row is, and what of a Grade each may hold. Raises ExportError if the
    table has none of them.
    """
    columns, keys = _columns(sheet, people), _keys(grades)
    agreed, unclear, claims = {}, {}, defaultdict(list)
    for line in lines:
        named = _named(sheet.rows[line], columns, keys)
        one = set.intersection(*named) if named else set()
        agreed[line] = min(one) if len(one) == 1 else ""
        for student in one if agreed[line] else set().union(*named):
            claims[student].append(line)
            if not agreed[line]:
                unclear[student] = f"row {line + 1} may be this student's, or another's"
    for student, rows in claims.items():
        if len(rows) > 1:
            unclear[student] = f"rows {' and '.join(str(line + 1) for line in rows)} may be this student's"
    return {line: "" if student in unclear else student for line, student in agreed.items()}, unclear


def _columns(sheet: Sheet, people: Mapping[str, tuple[str, ...]]) -> Columns:
    header = [name.strip() for name in sheet.header]
    there = [name for name in people if name in header]
    if not there:
        raise ExportError(f"{sheet.at(0)}: no column says who a row is (none of {', '.join(people)}).")
    if twice := [name for name in there if header.count(name) > 1]:
        raise ExportError(f"{sheet.at(0)}: there are two columns {twice[0]!r}.")
    return {header.index(name): people[name] for name in there}


def _keys(grades: Iterable[Grade]) -> Keys:
    keys = defaultdict(set)
    for grade in grades:
        for kind in ("student", "email", "lms_user_id"):
            keys[kind, alike(getattr(grade, kind))].add(grade.student)
    return keys


def _named(row: list[str], columns: Columns, keys: Keys) -> list[set[str]]:
    """The students whom each column of a row names, for those that name any."""
    cells = [(alike(row[column]), kinds) for column, kinds in columns.items() if row[column].strip()]
    found = [set().union(*(keys.get((kind, cell), set()) for kind in kinds)) for cell, kinds in cells]
    return [students for students in found if students]


def alike(text: str) -> str:
    """Equal for texts that platforms take for the same: capitals and blanks make no difference."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().casefold()


def label(header: list[str], row: list[str], *choices: Collection[str]) -> str:
    """Who a row is, for people: its cells in the first of ``choices`` (names of columns) in which it has any."""
    cells = {name.strip(): cell for name, cell in zip(header, row, strict=True) if cell.strip()}
    named = [[cells[name] for name in cells if name in choice] for choice in choices]
    return " ".join(next(filter(None, named), ["a row without a name"]))
