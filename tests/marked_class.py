"""A marked class made by hand: what the engine and a grader leave behind, without running anything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.utils import is_grade, is_solution
from support import BIN
from traitlets.config import Config

from equipoise import labs
from equipoise.content import Lab

EXPORTER = {
    "exporter_class": "equipoise.grading.feedback.FeedbackExporter",
    "preprocessors": ["equipoise.grading.feedback.GetMarks"],
}
# A picture of one grey point.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class Handed:
    """One submission: what was answered, which tests failed with which message, and what else happened."""

    student: str
    answers: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)  # message by test
    notes: Iterable[tuple[str | None, str, str]] = ()  # cell, kind, text
    outputs: Mapping[str, list[NotebookNode]] = field(default_factory=dict)  # by grade_id
    cost: tuple[float, float, float] = (0.9, 0.7, 120e6)  # seconds, CPU seconds, bytes
    memo_points: float | None = None
    comments: Mapping[str, str] = field(default_factory=dict)


def marked_notebook(lab: Lab, handed: Handed) -> NotebookNode:
    """What the engine writes to ``autograded``."""
    notebook = labs.marked_notebook(lab, handed.answers)
    worth = labs.points(lab)
    for cell in notebook.cells:
        name = labs.grade_id(cell)
        if cell.cell_type == "code":
            cell.outputs = [*map(nbformat.from_dict, handed.outputs.get(name, []))]
        if name in handed.failed:
            words = handed.failed[name]
            cell.outputs = [nbformat.v4.new_output("error", ename="AssertionError", evalue=words, traceback=[words])]
    seconds, cpu, peak = handed.cost
    notebook.metadata["equipoise"] = {
        "lab": lab.slug,
        "identity": "0" * 64,
        "sandbox": "bubblewrap",
        "enforced": ["no network", "no view of the course"],
        "notes": [{"cell": cell, "kind": kind, "text": text} for cell, kind, text in handed.notes],
        "tests": {
            name: {
                "points": 0.0 if name in handed.failed else float(of),
                "of": float(of),
                "message": handed.failed.get(name),
                "seconds": 0.03,
            }
            for name, of in worth.items()
        },
        "cost": {"seconds": seconds, "cpu_seconds": cpu, "peak_bytes": int(peak)},
    }
    return notebook


def hand_in(root: Path, lab: Lab, handed: Iterable[Handed]) -> None:
    """Write marked notebooks below ``root``, and the gradebook as nbgrader would have it after marking."""
    root.mkdir(parents=True, exist_ok=True)
    with patch.dict(os.environ, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"):  # nbgrader calls alembic by name
        gradebook = Gradebook(url(root))
    with gradebook:
        enter(gradebook, lab)
        for one in handed:
            notebook = marked_notebook(lab, one)
            for step in ("submitted", "autograded"):
                folder = root / step / one.student / lab.slug
                folder.mkdir(parents=True)
                nbformat.write(notebook, folder / f"{lab.slug}.ipynb")
            record(gradebook, lab, one)


def url(root: Path) -> str:
    return f"sqlite:///{root / 'gradebook.db'}"


def enter(gradebook: Gradebook, lab: Lab) -> None:
    gradebook.add_assignment(lab.slug)
    gradebook.add_notebook(lab.slug, lab.slug)
    for cell in labs.instructor_notebook(lab).cells:
        if is_grade(cell):
            worth = {"max_score": cell.metadata.nbgrader.points, "cell_type": cell.cell_type}
            gradebook.add_grade_cell(labs.grade_id(cell), lab.slug, lab.slug, **worth)
        if is_solution(cell):
            gradebook.add_solution_cell(labs.grade_id(cell), lab.slug, lab.slug)


def record(gradebook: Gradebook, lab: Lab, handed: Handed) -> None:
    gradebook.update_or_create_student(handed.student)
    gradebook.add_submission(lab.slug, handed.student)
    notebook = gradebook.find_submission_notebook(lab.slug, lab.slug, handed.student)
    for grade in notebook.grades:
        if grade.cell.cell_type == "code":
            grade.auto_score = 0 if grade.name in handed.failed else grade.cell.max_score
            grade.needs_manual_grade = False
        elif grade.name not in handed.answers:
            grade.auto_score, grade.needs_manual_grade = 0, False
        elif handed.memo_points is not None:
            grade.manual_score, grade.needs_manual_grade = handed.memo_points, False
    for comment in notebook.comments:
        comment.auto_comment = None if comment.name in handed.answers else "No response."
        comment.manual_comment = handed.comments.get(comment.name)
    gradebook.db.commit()


def config(root: Path) -> Config:
    """nbgrader's configuration for such a class."""
    return Config({"CourseDirectory": {"root": str(root)}, "GenerateFeedback": EXPORTER})
