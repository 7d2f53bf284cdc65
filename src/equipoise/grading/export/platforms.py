"""What the three platforms have in common: rows that say who they are, and columns that belong to a lab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from equipoise.grading.export.people import alike, label, match
from equipoise.grading.export.sheets import ExportError, Sheet, amount, decimal_of, guarded, number
from equipoise.grading.records import Grade

OPEN = ("", "-")  # cells without a mark; any other text is a decision of a person, such as EX, which stays


@dataclass(frozen=True)
class Assignment:
    """A lab, as a platform knows it."""

    slug: str
    title: str
    worth: float

    def is_called(self, name: str) -> bool:
        return alike(name) in (alike(self.title), alike(self.slug))


@dataclass(frozen=True)
class Place:
    """Where the marks of a lab go in a downloaded table: numbers of columns."""

    marks: int
    feedback: int | None = None


@dataclass(frozen=True)
class Filled:
    """A table with marks. ``written`` and ``refused`` have a key (student, lab) for each mark; the second says why."""

    sheet: Sheet
    written: set[tuple[str, str]] = field(default_factory=set)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    replaced: list[tuple[str, str, str]] = field(default_factory=list)  # student, lab, what was there
    unmarked: list[tuple[str, str, str]] = field(default_factory=list)  # who, lab, why


@dataclass(frozen=True)
class Platform:
    """A kind of download."""

    name: str
    repair: str  # what to download, for errors
    people: Mapping[str, tuple[str, ...]]  # columns that say who a row is, and what of a Grade each may hold
    names: frozenset[str]  # columns for people, which the platform does not read back
    place: Callable[[Sheet, Assignment], Place]  # may add a column to the sheet's rows; raises ExportError
    is_student: Callable[[list[str]], bool] = lambda row: True
    whole: bool = True  # whether rows without a new mark stay

    @property
    def columns(self) -> frozenset[str]:
        """Names by which a table of this platform is known."""
        return self.names | self.people.keys()


def fill(platform: Platform, download: Sheet, labs: Iterable[Assignment], grades: Iterable[Grade]) -> Filled:
    """Put every final mark into its cell of a downloaded table.

    All that is not a mark stays as it was, but for names that a spreadsheet would take for formulas. Raises
    ExportError if the table is not of this platform, or its columns do not fit.
    """
    by_key = {(grade.student, grade.lab): grade for grade in grades}
    sheet = download.with_rows([list(row) for row in download.rows])
    lines = [line for line, row in enumerate(sheet.rows) if line and platform.is_student(row)]
    try:
        students, unclear = match(sheet, lines, platform.people, by_key.values())
    except ExportError as error:
        raise ExportError(f"{error} {platform.repair}") from error
    filled = Filled(sheet)
    for lab in labs:
        filled.refused.update({(student, lab.slug): why for student, why in unclear.items()})
        place = platform.place(sheet, lab)
        decimal = decimal_of(row[place.marks] for row in sheet.rows)
        for line, student in students.items():
            grade = by_key.get((student, lab.slug))
            if grade is None or grade.points is None:
                who = student or label(sheet.header, sheet.rows[line], platform.names, platform.people)
                filled.unmarked.append((who, lab.slug, "has no mark" if student else "no student, or not one alone"))
            elif grade.score is not None:
                _enter(platform, filled, sheet.rows[line], place, grade, decimal)
    return _finished(platform, filled, students)


def _enter(platform: Platform, filled: Filled, row: list[str], place: Place, grade: Grade, decimal: str) -> None:
    """Put one final mark into its row."""
    key, before = (grade.student, grade.lab), row[place.marks].strip()
    if before not in OPEN and amount(before) is None:
        filled.refused[key] = f"{platform.name} says {before!r} there; empty that cell, if the mark is to count"
        return
    row[place.marks] = number(grade.score, decimal)
    if place.feedback is not None:
        row[place.feedback] = feedback(grade)
    filled.written.add(key)
    if before not in OPEN and amount(before) != amount(row[place.marks]):
        filled.replaced.append((*key, before))


def _finished(platform: Platform, filled: Filled, students: Mapping[int, str]) -> Filled:
    """With harmless names, and with those rows that the platform should see."""
    marked, rows = {student for student, _ in filled.written}, filled.sheet.rows
    columns = [place for place, name in enumerate(filled.sheet.header) if name.strip() in platform.names]
    for line in students:
        for column in columns:
            rows[line][column] = guarded(rows[line][column])
    if not platform.whole:
        rows[:] = [row for line, row in enumerate(rows) if line == 0 or students.get(line) in marked]
    return filled


def feedback(grade: Grade) -> str:
    """A sentence for the student: points by part, and where to read more."""
    parts = [f"{number(grade.automatic)} from automatic tests", f"{number(grade.by_people)} from your teachers"]
    if grade.penalty:
        parts.append(f"{number(grade.penalty)} taken off for lateness")
    total = f"{number(grade.score)} of {number(grade.worth)} points"
    where = f"The comments on every task are in your feedback for {grade.lab}, in JupyterHub's list of assignments."
    return f"{total}: {', '.join(parts)}. {where}"


def only(sheet: Sheet, lab: Assignment, found: list[int]) -> int | None:
    """The one of the columns ``found`` for a lab. Raises ExportError if there are several."""
    if len(found) > 1:
        names = " and ".join(repr(sheet.header[place]) for place in found)
        raise ExportError(f"{sheet.at(0)}: {names} may both be {lab.slug}. Rename one, and download again.")
    return found[0] if found else None


def insist_on_points(sheet: Sheet, lab: Assignment, where: int, points: float | None) -> None:
    """Raises ExportError if a column counts other points than the lab: 33 of 40 must not become 33 of 100."""
    if points is None or round(points, 2) != round(lab.worth, 2):
        named = f"column {sheet.header[where]!r} is out of {'nothing' if points is None else number(points)}"
        raise ExportError(
            f"{sheet.at(0)}: {named}, and {lab.slug} gives {number(lab.worth)} points."
            f" Change its points, and download again."
        )
