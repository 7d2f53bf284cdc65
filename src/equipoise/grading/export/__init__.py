"""Grades for the learning platform: who has which mark, and the tables that Canvas, Moodle and Blackboard import.

The gradebook's grades are one list (``grades``), whatever becomes of them. Three rules hold for every platform:

- only a final mark is exported. What still waits for a person is named, and its cell stays as it is;
- a mark goes where one row, and one column with the lab's points, is beyond doubt its own;
- every final mark is in the file, or named with the reason and listed in a second file beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.files import write_whole
from equipoise.grading import records
from equipoise.grading.export import whole
from equipoise.grading.export.blackboard import BLACKBOARD
from equipoise.grading.export.canvas import CANVAS
from equipoise.grading.export.canvas import table as canvas_table
from equipoise.grading.export.moodle import MOODLE
from equipoise.grading.export.moodle import table as moodle_table
from equipoise.grading.export.platforms import Assignment, Filled, Platform, fill
from equipoise.grading.export.sheets import ExportError, is_harmless, read
from equipoise.grading.records import Grade
from equipoise.grading.submissions import shown

if TYPE_CHECKING:
    from equipoise.grading.run import Classroom

__all__ = ["ExportError", "Grade", "Kind", "Outcome", "Remark", "Target", "export", "grades"]


class Target(StrEnum):
    CANVAS = "canvas"
    MOODLE = "moodle"
    BLACKBOARD = "blackboard"
    CSV = "csv"


PLATFORMS: dict[Target, Platform] = {Target.CANVAS: CANVAS, Target.MOODLE: MOODLE, Target.BLACKBOARD: BLACKBOARD}
TABLES = {Target.CANVAS: canvas_table, Target.MOODLE: moodle_table}


class Kind(StrEnum):
    LOST = "not exported"
    WAITING = "not final"
    REPLACED = "replaced"
    UNMARKED = "no mark"


@dataclass(frozen=True)
class Remark:
    """What a person should know about one student, or one row of the platform, and one lab."""

    kind: Kind
    who: str
    lab: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What was written. ``beside`` lists the final marks that could not be exported, if there are any."""

    path: Path
    marks: int
    remarks: list[Remark]
    beside: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether no final mark was left out."""
        return self.beside is None


def grades(classroom: Classroom, labs: Collection[str] = ()) -> list[Grade]:
    """Every student's grade for each of ``labs`` (slugs), or for all that were released, by lab and student.

    Raises records.Unreachable if the gradebook cannot be read.
    """
    with records.reading(classroom.url) as gradebook:
        return records.grades(gradebook, labs) if gradebook else []


def export(
    classroom: Classroom, to: Target, labs: Collection[str] = (), onto: Path | None = None, output: Path | None = None
) -> Outcome:
    """Write the grades of ``labs``, or of all that have marks, for a platform, onto a table downloaded from it.

    By default the file lies in the classroom's folder ``exports``, which only its owner can enter. Raises ExportError,
    before anything is written, and records.Unreachable.
    """
    found = grades(classroom)
    chosen = _assignments(classroom, found, labs)
    slugs = {lab.slug for lab in chosen}
    found = [grade for grade in found if grade.lab in slugs]
    path = output or classroom.root / "exports" / _file_name(to, onto)
    _check(to, chosen, onto, path)
    if to is Target.CSV:
        filled = Filled(whole.table(found), {(one.student, one.lab) for one in found if one.score is not None})
    elif onto:
        filled = fill(PLATFORMS[to], read(onto, PLATFORMS[to].columns), chosen, found)
    else:
        filled = TABLES[to](chosen[0], found)
    return _write(to, path, filled, found)


def _assignments(classroom: Classroom, found: Sequence[Grade], labs: Collection[str]) -> list[Assignment]:
    """The labs to export, in their order. Raises ExportError if there is none."""
    marked = defaultdict(bool)
    for grade in found:
        marked[grade.lab] |= grade.points is not None
    if unknown := [slug for slug in labs if slug not in marked]:
        known = f"It has {', '.join(marked)}." if marked else "It is empty."
        raise ExportError(f"{unknown[0]} is not in the gradebook. {known}")
    chosen = list(dict.fromkeys(labs)) or [slug for slug, any_mark in marked.items() if any_mark]
    if not chosen:
        raise ExportError("Nobody has a mark yet. Run: equipoise grade --all")
    worth = {grade.lab: grade.worth for grade in found}
    return [Assignment(slug, _title(classroom, slug), worth[slug]) for slug in chosen]


def _title(classroom: Classroom, slug: str) -> str:
    """The lab's title, if nothing speaks against it as the name of its column; else its slug."""
    titles = {name: lab.facts.title for name, lab in classroom.course.labs.items()}
    title = titles.get(slug, slug)
    return title if is_harmless(title) and list(titles.values()).count(title) == 1 else slug


def _file_name(to: Target, onto: Path | None) -> str:
    return f"grades{'' if to is Target.CSV else f'-{to}'}{(onto and onto.suffix) or '.csv'}"


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}-not-exported.csv")


def _check(to: Target, labs: Sequence[Assignment], onto: Path | None, path: Path) -> None:
    """Raises ExportError if this cannot be asked."""
    if to is Target.BLACKBOARD and not onto:
        raise ExportError(f"Blackboard needs --onto FILE: {PLATFORMS[to].repair}")
    if to is Target.CSV and onto:
        raise ExportError("--onto fills a table of a platform; say --to canvas, moodle or blackboard")
    if onto and onto.resolve() in (path.resolve(), _beside(path).resolve()):
        raise ExportError(f"{onto} would be written over. Choose another --output.")
    if len(labs) > 1 and to is not Target.CSV and (to is Target.MOODLE or not onto):
        why = "a table for Moodle" if to is Target.MOODLE else "a table without a download (--onto)"
        raise ExportError(f"{why} holds one lab; name one of {', '.join(lab.slug for lab in labs)}")


def _write(to: Target, path: Path, filled: Filled, found: Sequence[Grade]) -> Outcome:
    content = filled.sheet.content()
    unknown = f"{to.capitalize()} has no row for this student"
    lost = [one for one in found if one.score is not None and (one.student, one.lab) not in filled.written]
    reasons = {(one.student, one.lab): filled.refused.get((one.student, one.lab), unknown) for one in lost}
    beside = _beside(path)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o700)
        beside.unlink(missing_ok=True)  # of an earlier export
        if lost:
            write_whole(beside, whole.table(lost, reasons).content())
        write_whole(path, content)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error
    return Outcome(path, len(filled.written), _remarks(filled, found, reasons), beside if lost else None)


def _remarks(filled: Filled, found: Sequence[Grade], reasons: dict[tuple[str, str], str]) -> list[Remark]:
    waiting = [(one.student, one.lab, f"still to be marked: {one.unmarked}") for one in found if one.waiting]
    by_kind = {
        Kind.LOST: [(*key, why) for key, why in reasons.items()],
        Kind.WAITING: waiting,
        Kind.REPLACED: [(student, lab, f"{before} was there") for student, lab, before in filled.replaced],
        Kind.UNMARKED: filled.unmarked,
    }
    return [Remark(kind, shown(who), lab, why) for kind, remarks in by_kind.items() for who, lab, why in remarks]
