"""One class, one lab: from the folder ``submitted`` to marks in nbgrader's gradebook.

nbgrader does the marking. What is added here is what a class needs around it: the labs' folders as its
source, a result in words for every submission (one that is not a notebook stops nobody else), and no second
marking of what did not change.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.plugins.export import CsvExportPlugin
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from equipoise import labs
from equipoise.content import Course, Finding, Lab, find_root, read_course
from equipoise.datasets import fingerprint

warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")  # of its own queries; harmless
CONFIG_FILE = "nbgrader_config.py"
STAMP = ".submission"  # beside an autograded notebook: the hash of what was marked, and with which lab


class State(StrEnum):
    MARKED = "marked"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What became of one submission. Points are None where there is no mark yet."""

    student: str
    state: State
    points: float | None = None
    waiting: float = 0  # points that a person still has to give
    reason: str = ""


class GradingError(Exception):
    """The class cannot be marked at all; the message says why and what to do."""


def write_sources(folder: Path) -> None:
    """Bring nbgrader's ``source`` up to date with the labs of the course; unchanged ones cost next to nothing.

    A lab with findings loses its source notebook, so that nobody releases an old version by accident, and its
    findings are printed. What was released before can still be marked.
    """
    course, findings = read_course(find_root())
    for slug, lab in course.labs.items():
        if not _about(slug, lab, findings):
            write_source(lab, course, folder / slug)
    for finding in findings:
        kind, slug, *_ = [*finding.file.split("/"), ""]
        if kind == "labs":
            (folder / slug / f"{slug}.ipynb").unlink(missing_ok=True)
            print(f"Not built: {finding}", file=sys.stderr)


def write_source(lab: Lab, course: Course, folder: Path) -> None:
    """Write one lab's source to ``folder`` unless it is there already, built from the same files."""
    built_from = _built_from(lab, course)
    notebook = folder / f"{lab.slug}.ipynb"
    if not (notebook.is_file() and built_from in notebook.read_text(encoding="utf-8")):
        labs.write_source(lab, course, folder, built_from)


def _built_from(lab: Lab, course: Course) -> str:
    """A hash of all that decides what a lab looks like: its folder, its datasets, the engine."""
    datasets = [course.dataset(slug).folder for slug in lab.facts.datasets]
    return fingerprint(lab.folder, *datasets, Path(labs.__file__).parent)


def _about(slug: str, lab: Lab, findings: list[Finding]) -> list[Finding]:
    folders = [f"labs/{slug}/", *(f"datasets/{dataset}/" for dataset in lab.facts.datasets)]
    return [f for f in findings if any(f.file.startswith(folder) for folder in folders)]


class Classroom:
    """An nbgrader course directory, driven through nbgrader's own API and configuration file."""

    def __init__(self, course: Course, root: Path | None = None):
        """``root`` is where submissions and gradebook lie: by default the course's folder ``grading``."""
        self.course = course
        config = PyFileConfigLoader(CONFIG_FILE, path=str(course.root / "grading")).load_config()
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
            config.merge(Config({"CourseDirectory": {"root": str(root)}}))
        self.nbgrader = NbGraderAPI(config=config, log_level="CRITICAL")
        self.root = Path(self.nbgrader.coursedir.root)

    def release(self, lab: Lab) -> Path:
        """Make the students' version and enter the lab in the gradebook. Raises GradingError."""
        write_source(lab, self.course, self.root / "source" / lab.slug)
        self._do(self.nbgrader.generate_assignment(lab.slug), f"cannot release {lab.slug}")
        return self.root / "release" / lab.slug

    def submissions(self, lab: Lab) -> list[Path]:
        """The notebooks handed in, one a student, whether or not they can be read."""
        found = sorted((self.root / "submitted").glob(f"*/{lab.slug}"))
        return [folder / f"{lab.slug}.ipynb" for folder in found if folder.is_dir()]

    def grade(self, lab: Lab, force: bool = False) -> Iterator[Result]:
        """Mark each submission and yield its result. Raises GradingError if the lab was never released."""
        with self.nbgrader.gradebook as gradebook:
            try:
                gradebook.find_assignment(lab.slug)
            except MissingEntry:
                raise GradingError(
                    f"{lab.slug} is not in the gradebook. Release it first:"
                    f" cd grading && nbgrader generate_assignment {lab.slug}"
                ) from None
        for notebook in self.submissions(lab):
            yield self._grade_one(lab, notebook, force)

    def _grade_one(self, lab: Lab, notebook: Path, force: bool) -> Result:
        student = notebook.parent.parent.name
        with self.nbgrader.gradebook as gradebook:
            gradebook.update_or_create_student(student)
        if problem := _unreadable(notebook):
            file = notebook.relative_to(self.root)
            return Result(student, State.FAILED, reason=f"{file}: {problem}. Ask for it to be handed in again")
        handed_in = fingerprint(notebook.parent) + _built_from(lab, self.course)
        stamp = self.root / "autograded" / student / lab.slug / STAMP
        if stamp.is_file() and stamp.read_text() == handed_in and not force:
            return self._result(lab, student, State.UNCHANGED)
        outcome = self.nbgrader.autograde(lab.slug, student, force=True)
        if not outcome["success"]:
            return Result(student, State.FAILED, reason=_last_line(outcome))
        stamp.write_text(handed_in)
        return self._result(lab, student, State.MARKED)

    def _result(self, lab: Lab, student: str, state: State) -> Result:
        with self.nbgrader.gradebook as gradebook:
            notebook = gradebook.find_submission_notebook(lab.slug, lab.slug, student)
            waiting = sum(grade.max_score for grade in notebook.grades if grade.needs_manual_grade)
            return Result(student, state, points=notebook.score, waiting=waiting)

    def feedback_page(self, lab: Lab, student: str) -> Path:
        return self.root / "feedback" / student / lab.slug / f"{lab.slug}.html"

    def write_feedback(self, lab: Lab, student: str) -> None:
        """Write the student's feedback page. Raises GradingError."""
        outcome = self.nbgrader.generate_feedback(lab.slug, student, force=True)
        self._do(outcome, f"cannot write feedback for {student}")

    def export(self, path: Path) -> Path:
        """Write every mark in the gradebook to a CSV file with nbgrader's own exporter."""
        with self.nbgrader.gradebook as gradebook:
            CsvExportPlugin(to=str(path), config=self.nbgrader.config).export(gradebook)
        return path

    def _do(self, outcome: dict, problem: str) -> None:
        if not outcome["success"]:
            raise GradingError(f"{problem}: {_last_line(outcome)}")


def _unreadable(notebook: Path) -> str | None:
    """Why nbgrader could not open a file as a notebook, in words, or None if it can."""
    if not notebook.is_file():
        return "there is no notebook of this name"
    try:
        nbformat.validate(nbformat.read(notebook, as_version=4))
    except nbformat.reader.NotJSONError:
        return "is not a notebook: the file is damaged, or was cut off"
    except Exception as error:  # nbformat, json and codecs raise what they like on hostile files
        return f"is not a notebook: {(str(error) or type(error).__name__).splitlines()[0][:120]}"
    return None


def _last_line(outcome: dict) -> str:
    lines = (outcome.get("error") or outcome.get("log") or "no reason given").strip().splitlines()
    return lines[-1]
