"""The whole circle once, with one lab: book, release, a small class, marks, feedback, grades.

Nothing here is prepared by hand. The example submissions are generated from ``lab.py`` and
``wrong_answers.py``, and go the same way as a real class.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat

from equipoise import labs
from equipoise.book.build import build
from equipoise.content import Course, Lab
from equipoise.grading.run import Classroom, Result, State

Report = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """Where everything is, and what became of each example submission."""

    book: Path
    released: Path
    results: list[Result]
    feedback: Mapping[str, Path]  # by student
    grades: Path


def run(course: Course, lab: Lab, folder: Path, report: Report) -> Outcome:
    """Build the book and take an example class through ``lab``, in ``folder``. Raises BuildError and GradingError."""
    report("Building the book")
    book = build(course)
    classroom = Classroom(course, folder / "class")
    report(f"{lab.slug}: releasing")
    released = classroom.release(lab)
    hand_in_examples(classroom, lab)
    results, feedback = [], {}
    for result in classroom.grade(lab):
        report(f"{lab.slug}: {result.student} {result.state}")
        results.append(result)
        if result.points is not None:
            feedback[result.student] = _feedback(classroom, lab, result)
    return Outcome(book, released, results, feedback, classroom.export(folder / "grades.csv"))


def examples(lab: Lab) -> dict[str, str]:
    """The text of each example submission, by student: right, partly right, untouched, and cut off half-way."""
    right = labs.solutions(lab)
    slips = {mistake.replaces: mistake.source for mistake in labs.mistakes(lab)[::3]}
    perfect = nbformat.writes(labs.submission(lab, right))
    return {
        "perfect": perfect,
        "partly-right": nbformat.writes(labs.submission(lab, right | slips)),
        "untouched": nbformat.writes(labs.submission(lab, {})),
        "broken": perfect[: len(perfect) // 2],
    }


def hand_in_examples(classroom: Classroom, lab: Lab) -> None:
    """Put the example submissions, with the data that was released, where nbgrader collects them."""
    for student, text in examples(lab).items():
        folder = classroom.root / "submitted" / student / lab.slug
        shutil.copytree(classroom.root / "release" / lab.slug / "data", folder / "data", dirs_exist_ok=True)
        (folder / f"{lab.slug}.ipynb").write_text(text, encoding="utf-8")


def _feedback(classroom: Classroom, lab: Lab, result: Result) -> Path:
    page = classroom.feedback_page(lab, result.student)
    if result.state is not State.UNCHANGED or not page.is_file():
        classroom.write_feedback(lab, result.student)
    return page
