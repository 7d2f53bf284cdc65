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
from nbgrader.utils import is_grade
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from equipoise import labs
from equipoise.content import ContentError, Course, Lab, folder_names, pick_lab, read_course
from equipoise.datasets import fingerprint, write_csv, write_whole

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


def write_sources(root: Path, folder: Path) -> None:
    """Bring nbgrader's ``source`` up to date with the labs of the course; unchanged ones cost next to nothing.

    A lab that has findings, or cannot be built, loses its source notebook, so that nobody releases an old version
    by accident, and the reason is printed. What was released before can still be marked.
    """
    course, findings = read_course(root)
    for slug in folder_names(root, "labs"):
        try:
            _, lab = pick_lab(course, findings, slug)
            write_source(lab, course, folder / slug)
        except Exception as error:  # of a generator too, which is an author's code; no other lab may suffer
            (folder / slug / f"{slug}.ipynb").unlink(missing_ok=True)
            first, *more = str(error).splitlines() or [type(error).__name__]
            rest = f" (and {len(more)} more: equipoise check {slug})" if more else ""
            print(f"{slug} is not built: {first}{rest}", file=sys.stderr)


def write_source(lab: Lab, course: Course, folder: Path) -> None:
    """Write one lab's source to ``folder`` unless it is there, whole, and built from the same files.

    Raises ContentError if ``labs.check`` finds anything.
    """
    datasets = [course.dataset(slug) for slug in lab.facts.datasets]
    built_from = fingerprint(lab.folder, *(dataset.folder for dataset in datasets), Path(labs.__file__).parent)
    notebook, data = folder / f"{lab.slug}.ipynb", {f"{dataset.slug}.csv" for dataset in datasets}
    there = {path.name for path in (folder / "data").glob("*")}
    if there == data and notebook.is_file() and built_from in notebook.read_text(encoding="utf-8"):
        return
    if malformed := labs.check(lab):
        raise ContentError(malformed)
    for stale in there - data:
        (folder / "data" / stale).unlink()
    for dataset in datasets:
        write_csv(dataset, folder / "data")
    source = labs.instructor_notebook(lab)
    source.metadata["equipoise"] = {"lab": lab.slug, "built_from": built_from}
    write_whole(notebook, nbformat.writes(source))


class Classroom:
    """An nbgrader course directory, driven through nbgrader's own API and configuration file."""

    def __init__(self, course: Course, root: Path | None = None):
        """``root`` is where submissions and gradebook lie: by default the course's folder ``grading``.

        Raises GradingError if the course has no configuration for nbgrader.
        """
        self.course = course
        if not (course.root / "grading" / CONFIG_FILE).is_file():
            raise GradingError(f"{course.root} has no grading/{CONFIG_FILE}; work in a checkout of the course")
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
        """Mark each submission and yield its result.

        Raises GradingError if the lab was never released, or if its tests have changed since.
        """
        released = self._released_tests(lab)
        if released is None:
            raise GradingError(f"{lab.slug} was never released. Run: {_release_command(lab)}")
        if released != _tests(labs.instructor_notebook(lab).cells):
            raise GradingError(
                f"The tests of {lab.slug} have changed since it was released. Release it again, so that marks and"
                f" lab agree: {_release_command(lab)} --force"
            )
        marked_with = fingerprint(lab.folder, *(self.course.dataset(slug).folder for slug in lab.facts.datasets))
        for notebook in self.submissions(lab):
            yield self._grade_one(lab, notebook, fingerprint(notebook.parent) + marked_with, force)

    def _released_tests(self, lab: Lab) -> list[tuple] | None:
        """The tests as the gradebook holds them, or None if the lab was never released."""
        url = self.nbgrader.coursedir.db_url
        if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
            return None
        with self.nbgrader.gradebook as gradebook:
            try:
                notebook = gradebook.find_notebook(lab.slug, lab.slug)
            except MissingEntry:
                return None
            points = {cell.name: cell.max_score for cell in notebook.grade_cells}
            cells = [cell for cell in notebook.source_cells if cell.name in points]
            return sorted((cell.name, cell.source, points[cell.name]) for cell in cells)

    def _grade_one(self, lab: Lab, notebook: Path, identity: str, force: bool) -> Result:
        student = notebook.parent.parent.name
        with self.nbgrader.gradebook as gradebook:
            gradebook.update_or_create_student(student)
        if problem := _unreadable(notebook, lab):
            file = notebook.relative_to(self.root)
            return self._failed(lab, student, f"{file}: {problem}. Ask for it to be handed in again")
        stamp = self.root / "autograded" / student / lab.slug / STAMP
        unchanged = stamp.is_file() and stamp.read_text() == identity
        if unchanged and not force and (result := self._recorded(lab, student, State.UNCHANGED)):
            return result
        outcome = self.nbgrader.autograde(lab.slug, student, force=True)
        if not outcome["success"]:
            return self._failed(lab, student, _reason(outcome))
        stamp.write_text(identity)
        return self._recorded(lab, student, State.MARKED)

    def _failed(self, lab: Lab, student: str, reason: str) -> Result:
        earlier = self._recorded(lab, student, State.FAILED)
        if earlier and earlier.points is not None:
            reason += f". An earlier submission is still marked, with {earlier.points:g} points"
        return Result(student, State.FAILED, reason=reason)

    def _recorded(self, lab: Lab, student: str, state: State) -> Result | None:
        """What the gradebook holds for a student, or None if it holds nothing."""
        with self.nbgrader.gradebook as gradebook:
            try:
                notebook = gradebook.find_submission_notebook(lab.slug, lab.slug, student)
            except MissingEntry:
                return None
            essays = [grade for grade in notebook.grades if grade.cell.cell_type == "markdown"]
            open_essays = [grade for grade in essays if grade.needs_manual_grade and grade.manual_score is None]
            return Result(student, state, notebook.score, waiting=sum(grade.max_score for grade in open_essays))

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
            raise GradingError(f"{problem}: {_reason(outcome)}")


def _tests(cells: list[nbformat.NotebookNode]) -> list[tuple]:
    graded = [cell for cell in cells if is_grade(cell)]
    return sorted((labs.grade_id(cell), _as_released(cell), float(cell.metadata.nbgrader.points)) for cell in graded)


def _as_released(cell: nbformat.NotebookNode) -> str:
    """The source that nbgrader keeps: of a test as it is, of an essay its stub."""
    return cell.source if labs.is_test(cell) else labs.stub(cell)


def _release_command(lab: Lab) -> str:
    return f"cd grading && nbgrader generate_assignment {lab.slug}"


def _unreadable(path: Path, lab: Lab) -> str | None:
    """Why a submission cannot be marked as a notebook of this lab, in words, or None if it can."""
    if not path.is_file():
        return "there is no notebook of this name"
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except nbformat.reader.NotJSONError:
        return "is not a notebook: the file is damaged, or was cut off"
    except Exception as error:  # nbformat, json and codecs raise what they like on hostile files
        return f"is not a notebook: {(str(error) or type(error).__name__).splitlines()[0][:120]}"
    if not labs.points(lab).keys() & {labs.grade_id(cell) for cell in notebook.cells}:
        return "is a notebook, but none of the lab's tests is in it"
    return None


def _reason(outcome: dict) -> str:
    """The first error that nbgrader reports, without its decoration, in one line."""
    log = (outcome.get("log") or "").splitlines()
    errors = [line.partition("] ")[2] or line for line in log if "ERROR" in line]
    traceback = (outcome.get("error") or "no reason given").strip().splitlines()
    return (errors or traceback[-1:])[0].strip()
