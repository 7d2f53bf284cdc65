"""What a marked notebook says, read in one place for everybody who shows it.

The engine leaves its result in the notebook's metadata. Feedback and report both rest on it, and both must refuse a
notebook that something else has marked, so it is checked here once and then trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from equipoise import labs
from equipoise.content import RUSSELL_DOMAINS, Competency

LONGEST_HEADING = 120
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Entry(BaseModel):
    """Later versions of the engine may add keys; what we read must be there and of its type."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Noted(Entry):
    """What was repaired or stopped, and why. ``cell`` is a grade_id, or None for the whole notebook."""

    cell: str | None
    kind: str
    text: str


class Checked(Entry):
    """One test: its points, and in words why some are missing."""

    points: Amount
    of: Amount
    message: str | None
    seconds: Amount


class Cost(Entry):
    """Wall-clock and processor time in seconds, highest memory in bytes."""

    seconds: Amount
    cpu_seconds: Amount
    peak_bytes: Amount


class Marking(Entry):
    """``metadata.equipoise`` of a marked notebook."""

    lab: str
    sandbox: str
    enforced: list[str]
    notes: list[Noted]
    tests: dict[str, Checked]
    cost: Cost


@dataclass(frozen=True)
class Task:
    """A cell that earns points, in the words of the lab."""

    id: str
    heading: str  # the nearest heading above, such as "Task 3. One number for the gap"
    aim: str  # what it checks
    of: float  # points
    written: bool  # an essay, which a person marks
    competency: str | None  # in words
    answer: str | None  # the cell.id of the student's cell to look at again


def marking(recorded: object) -> Marking | None:
    """What the engine left in a notebook's ``metadata.equipoise``, or None if that is not the engine's work."""
    try:
        return Marking.model_validate(recorded)
    except ValidationError:
        return None


def title(notebook: NotebookNode) -> str | None:
    """The first heading of a notebook, or None if it has none."""
    return next((heading for cell in notebook.cells for heading in _headings(cell)), None)


def tasks(notebook: NotebookNode) -> list[Task]:
    """Every cell that earns points, in the notebook's order."""
    found, heading, answer = [], "", None
    for cell in notebook.cells:
        heading = (_headings(cell) or [heading])[-1]
        answer = cell.get("id") if is_solution(cell) else answer
        if is_grade(cell):
            found.append(_task(cell, heading, answer))
    return found


def _task(cell: NotebookNode, heading: str, answer: str | None) -> Task:
    return Task(
        id=labs.grade_id(cell),
        heading=heading or labs.grade_id(cell),
        aim=aim(cell) if labs.is_test(cell) else "Written answer, marked by a person",
        of=float(cell.metadata.nbgrader.points),
        written=not labs.is_test(cell),
        competency=_competency(cell),
        answer=answer,
    )


def aim(cell: NotebookNode) -> str:
    """What a test checks: its first line, ``# Test: ...``, or its id where there is no such line."""
    first = cell.source.lstrip().partition("\n")[0]
    words = first.removeprefix("# Test:").strip() if first.startswith("# Test:") else labs.grade_id(cell)
    return words[:1].upper() + words[1:]


def _competency(cell: NotebookNode) -> str | None:
    code = cell.metadata.get("equipoise", {}).get("competency")
    if code not in set(Competency):
        return None
    meaning = Competency(code).meaning
    words = meaning[:1].upper() + meaning[1:]
    return f"{words} ({code})" if code in RUSSELL_DOMAINS else words


def _headings(cell: NotebookNode) -> list[str]:
    """The headings of a text of the course. What a student writes in an essay names no task."""
    if cell.cell_type != "markdown" or is_solution(cell):
        return []
    lines, inside_code = [], False
    for line in cell.source.splitlines():
        inside_code ^= line.startswith("```")
        if line.startswith("#") and not inside_code and line.lstrip("#").startswith(" "):
            lines.append(line.lstrip("#").strip().replace("*", "").replace("`", "")[:LONGEST_HEADING])
    return lines
