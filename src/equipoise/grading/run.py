"""One class, one lab: from the folder ``submitted`` to marks in nbgrader's gradebook.

Plan, workers, one writer. The plan finds out by content what has to be marked; workers mark, each submission in the
sandbox; and only this process writes, so that a run that is killed at any moment is continued by the next one.
Whatever takes seconds to import is imported when there is something to mark.
"""

from __future__ import annotations

import ast
import fcntl
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config, PyFileConfigLoader

from equipoise.content import ContentError, Course, Lab, folder_names, pick_lab, read_course
from equipoise.files import fingerprint, write_whole
from equipoise.grading import plan, records, submissions, workers
from equipoise.grading.sandbox import Limits, Nursery, Sandbox, SandboxError

if TYPE_CHECKING:
    from nbgrader.apps.api import NbGraderAPI
    from sqlalchemy import Connection

    from equipoise.grading.execute import Engine, Marked
    from equipoise.grading.writer import Writer

CONFIG_FILE = "nbgrader_config.py"
PATIENCE_SECONDS = 120  # beyond twice what a notebook may take, after which the engine itself has long stopped
TIMESTAMP = "timestamp.txt"  # nbgrader's exchange puts it beside a notebook
FIXED = ("directory_structure", "submitted_directory", "autograded_directory", "source_directory")


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
    notes: int = 0  # how much was repaired, stopped or left out; the marked notebook says what
    reason: str = ""  # in sentences: why it failed, or why nothing of it could be used


@dataclass(frozen=True)
class Plan:
    """What is to be done for one lab. ``settled`` are the results that are known without marking."""

    lab: Lab
    settled: list[Result]
    students: list[str]  # to be marked
    released: list[tuple]  # the tests as they were released, as ``records.released_tests`` gives them
    basis: str  # the hash of all that their marks follow from beside their submissions
    files: dict[str, bytes]  # the lab's own files
    marks: Mapping[str, records.Mark]  # what the gradebook holds, by student
    worth: float  # points that a machine can give

    def __len__(self) -> int:
        return len(self.settled) + len(self.students)


class GradingError(Exception):
    """The class cannot be marked at all, or no further; the message says why and what to do."""


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
    built_from = fingerprint(lab.folder, *(dataset.folder for dataset in datasets), Path(__file__).parents[1])
    notebook, data = folder / f"{lab.slug}.ipynb", {name for dataset in datasets for name in dataset.files}
    there = {path.name for path in (folder / "data").glob("*")}
    if there == data and notebook.is_file() and built_from in notebook.read_text(encoding="utf-8"):
        return
    import nbformat

    from equipoise import labs
    from equipoise.datasets import write_data

    if malformed := labs.check(lab):
        raise ContentError(malformed)
    for stale in there - data:
        (folder / "data" / stale).unlink()
    for dataset in datasets:
        write_data(dataset, folder / "data")
    source = labs.instructor_notebook(lab)
    source.metadata["equipoise"] = {"lab": lab.slug, "built_from": built_from}
    write_whole(notebook, nbformat.writes(source))


class Classroom:
    """An nbgrader course directory, in nbgrader's own layout and configuration."""

    def __init__(self, course: Course, root: Path | None = None, url: str | None = None):
        """``root`` is where submissions and gradebook lie: by default as the course's nbgrader_config.py says.

        ``url`` is the address of the gradebook, where that is no file in ``root``. Raises GradingError if the course
        has no configuration for nbgrader, or one that cannot be served.
        """
        self.course = course
        if not (course.root / "grading" / CONFIG_FILE).is_file():
            raise GradingError(f"{course.root} has no grading/{CONFIG_FILE}; work in a checkout of the course")
        try:
            self.config = PyFileConfigLoader(CONFIG_FILE, path=str(course.root / "grading")).load_config()
        except OSError as error:  # it builds the labs' sources
            where = f"{error.filename}: {error.strerror}"
            raise GradingError(f"{where}. Mark in a copy of the course that you may write to") from error
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
            here = {"root": str(root), "db_url": url or f"sqlite:///{root.resolve()}/gradebook.db"}
            self.config.merge(Config({"CourseDirectory": here}))
        folders = self.config.CourseDirectory
        if other := [name for name in FIXED if name in folders]:
            raise GradingError(f"grading/{CONFIG_FILE} sets {other[0]}; equipoise grade needs nbgrader's own layout")
        self.root = Path(folders.get("root") or course.root / "grading").resolve()
        self.url = folders.get("db_url") or f"sqlite:///{self.root}/gradebook.db"
        self.sandbox, self.limits = _settings(self.config)

    @cached_property
    def nbgrader(self) -> NbGraderAPI:
        from nbgrader.apps.api import NbGraderAPI

        return NbGraderAPI(config=self.config, log_level="CRITICAL")

    def release(self, lab: Lab) -> Path:
        """Make the students' version and enter the lab in the gradebook. Raises GradingError."""
        write_source(lab, self.course, self.root / "source" / lab.slug)
        self._do(self.nbgrader.generate_assignment(lab.slug), f"cannot release {lab.slug}")
        return self.root / "release" / lab.slug

    def with_submissions(self) -> list[str]:
        """The labs that were released and handed in by somebody. Raises GradingError."""
        with _reading(self.url) as gradebook:
            released = records.released_labs(gradebook) if gradebook else []
        return [slug for slug in released if any(submissions.folders(self.root, slug))]

    def submissions(self, lab: Lab) -> list[Path]:
        """The notebooks handed in, one a student, whether or not they can be read."""
        return [folder / f"{lab.slug}.ipynb" for folder in submissions.folders(self.root, lab.slug)]

    # ---- marking

    def grade(self, lab: Lab, force: bool = False) -> Iterator[Result]:
        """Mark each submission and yield its result. Raises GradingError as ``plan`` and ``mark`` do."""
        chosen = self.plan(lab, force=force)
        yield from chosen.settled
        yield from self.mark(chosen)

    def plan(self, lab: Lab, students: Collection[str] = (), force: bool = False) -> Plan:
        """Find out what has to be marked: of ``students``, or of all; with ``force`` also what did not change.

        Raises GradingError if the lab was never released, or if one of ``students`` has handed in nothing.
        """
        with _reading(self.url) as gradebook:
            released = records.released_tests(gradebook, lab.slug) if gradebook else None
            marks = records.marks(gradebook, lab.slug) if gradebook else {}
        if released is None:
            raise GradingError(f"{lab.slug} was never released. Run: {_release_command(lab)}")
        write_source(lab, self.course, self.root / "source" / lab.slug)
        files = plan.lab_files(self.root / "source" / lab.slug)
        settings = (self.sandbox, self.limits, plan.class_secret(self.root))
        worth = sum(points for _, _, points, kind in released if kind == "code")
        basis = plan.basis(self.course, lab, released, files, settings)
        chosen = Plan(lab, [], [], released, basis, files, marks, worth)
        for folder in self._folders(lab, students):
            if result := self._settled(chosen, folder, force):
                chosen.settled.append(result)
            else:
                chosen.students.append(folder.parent.name)
        return chosen

    def _folders(self, lab: Lab, students: Collection[str]) -> list[Path]:
        there = {folder.parent.name: folder for folder in submissions.folders(self.root, lab.slug)}
        if missing := sorted(set(students) - there.keys()):
            raise GradingError(f"There is no {self.root}/submitted/{submissions.shown(missing[0])}/{lab.slug}")
        return [folder for name, folder in there.items() if not students or name in students]

    def _settled(self, chosen: Plan, folder: Path, force: bool) -> Result | None:
        """The result of a submission that needs no marking, or can have no mark; else None."""
        student = folder.parent.name
        mark = chosen.marks.get(student)
        stamp = plan.Stamp.read(self.root / "autograded" / student / chosen.lab.slug)
        try:
            identity = plan.identity(chosen.basis, submissions.read(folder, chosen.files))
        except submissions.Unusable as error:
            return Result(submissions.shown(student), State.FAILED, reason=str(error))
        except OSError:
            return None  # it is read once more when it is its turn
        if force or not (mark and stamp and stamp.holds(identity, mark.automatic)):
            return None
        plan.failure(self.root, chosen.lab.slug, student).unlink(missing_ok=True)  # of a version that was taken back
        return Result(student, State.UNCHANGED, mark.points, mark.waiting, stamp.notes, stamp.reason)

    def mark(self, chosen: Plan, jobs: int | None = None, scheduler: str | None = None) -> Iterator[Result]:
        """Mark what is planned and yield each result once it is written.

        ``jobs`` is the number of processes, by default one for each usable core; ``scheduler`` the address of a
        scheduler of Dask's, whose workers mark instead. Raises GradingError if marking cannot begin, as when the lab's
        tests have changed since its release, or cannot go on; the marks that were yielded before are whole, and the
        next run continues. Closing the iterator ends all workers.
        """
        if not chosen.students:
            return
        try:
            with alone(self.root, chosen.lab.slug):
                run = _Run(self, chosen)
                with run.outcomes(jobs, scheduler) as outcomes:
                    yield from run.results(outcomes)
        except (SandboxError, workers.WorkersError) as error:
            raise GradingError(str(error)) from error

    def mark_one(self, lab: Lab, student: str) -> tuple[Marked, set[str]]:
        """Mark one submission and write nothing: for nbgrader's own commands, which write themselves.

        Returns the result and the names of the files that belong beside the notebook. Raises GradingError as ``plan``
        and ``mark`` do, or if the submission cannot be read; SandboxError if the sandbox cannot be built.
        """
        from equipoise.grading.execute import Engine
        from equipoise.grading.kernels import resident
        from equipoise.grading.parcels import unpack_job, with_remarks

        run = _Run(self, self.plan(lab, [student], force=True))
        run.insist_on_the_released_tests()
        task = next(run.tasks(), None)
        if task is None:
            settled = [result.reason for result in run.chosen.settled]
            raise GradingError([*settled, *(problem for _, problem in run.unread)][0])
        job, remarks = unpack_job(task.data)
        engine = Engine.of(resident(self.sandbox, self.limits, modules(lab)))
        with ThreadPoolExecutor(1) as thread:  # formgrader's button asks from within the server's event loop
            marked = thread.submit(engine.mark, job).result()
        return with_remarks(marked, remarks), set(job.files)

    # ---- after marking

    def feedback_page(self, lab: Lab, student: str) -> Path:
        return self.root / "feedback" / student / lab.slug / f"{lab.slug}.html"

    def write_feedback(self, lab: Lab, student: str) -> None:
        """Write the student's feedback page. Raises GradingError."""
        outcome = self.nbgrader.generate_feedback(lab.slug, student, force=True)
        self._do(outcome, f"cannot write feedback for {student}")

    def report(self, lab: Lab) -> tuple[Path, Path]:
        """Write what a grader should know about the class, as a page and a table. Raises GradingError."""
        from equipoise.grading.report import write_report

        with _reading(self.url) as gradebook:
            if gradebook is None:
                raise GradingError(f"{lab.slug} was never released. Run: {_release_command(lab)}")
            return write_report(lab, self.root, gradebook, self.root / "reports")

    def export(self, path: Path) -> Path:
        """Write every grade in the gradebook to a CSV file, as ``nbgrader export`` does. Raises GradingError."""
        from equipoise.grading.export import whole

        with _reading(self.url) as gradebook:
            grades = records.grades(gradebook) if gradebook else []
        write_whole(path, whole.table(grades).content())
        return path

    def _do(self, outcome: dict, problem: str) -> None:
        if not outcome["success"]:
            raise GradingError(f"{problem}: {_reason(outcome)}")


class _Run:
    """One run of marking: from a plan through jobs and outcomes to results."""

    def __init__(self, classroom: Classroom, chosen: Plan):
        self.classroom, self.chosen = classroom, chosen
        self.lab, self.root = chosen.lab, classroom.root
        self.times: dict[str, dict[str, bytes]] = {}  # by student: when it was handed in, as nbgrader's exchange wrote
        self.unread: list[tuple[str, str]] = []  # students whose folder could not be read, and why

    @contextmanager
    def outcomes(self, jobs: int | None, scheduler: str | None) -> Iterator[Iterator[workers.Outcome]]:
        """What comes from the workers. Leaving this context ends them."""
        room = self.classroom
        settings = room.sandbox, room.limits, modules(self.lab)
        if scheduler:
            from equipoise.grading import cluster

            self.insist_on_the_released_tests()
            with closing(cluster.run(partial(engine_for, *settings), self.tasks(), scheduler)) as outcomes:
                yield outcomes
            return
        size = min(jobs or workers.usable_cores(), len(self.chosen.students))
        patience = 2 * room.limits.notebook_seconds + PATIENCE_SECONDS
        workers.get_ready()
        with engine_for(*settings) as (engine, wait):
            # While the sandbox imports the lab's libraries, this process and the workers import theirs.
            self.insist_on_the_released_tests()
            with closing(workers.run(engine, self.tasks(wait), size, patience)) as outcomes:
                yield outcomes

    def insist_on_the_released_tests(self) -> None:
        if self.chosen.released != _tests(self.lab):
            raise GradingError(
                f"The tests of {self.lab.slug} have changed since it was released. Release it again, so that marks and"
                f" lab agree: {_release_command(self.lab)} --force"
            )

    def tasks(self, wait: Callable[[], None] = lambda: None) -> Iterator[workers.Task]:
        """The jobs, each read from its folder when it is its turn, so that no class has to fit into memory.

        The first one comes after ``wait``, and raises what it raises.
        """
        import nbformat

        from equipoise import labs
        from equipoise.grading.execute import Job
        from equipoise.grading.parcels import pack_job

        wait()
        slug, ours, secret = self.lab.slug, self.chosen.files, plan.class_secret(self.root)
        key, course = nbformat.writes(labs.marked_notebook(self.lab, {})), course_files(self.classroom.course, self.lab)
        for student in self.chosen.students:
            try:
                found = submissions.read(self.root / "submitted" / student / slug, ours)
            except (OSError, submissions.Unusable) as error:
                self.unread.append((student, f"The submission cannot be read: {error}."))
                continue
            self.times[student] = {name: found.files[name] for name in [TIMESTAMP] if name in found.files}
            identity = plan.identity(self.chosen.basis, found)
            job = Job(slug, student, identity, key, found.handed_in, {**found.files, **ours}, course, secret)
            yield workers.Task(student, pack_job(job, found.remarks))

    def results(self, outcomes: Iterator[workers.Outcome]) -> Iterator[Result]:
        """Write each outcome and say what became of it."""
        from equipoise.grading.writer import Writer, WritingError

        room = self.classroom
        try:
            with Writer(self.root, room.url, room.config, self.lab.slug) as writer:
                for outcome in outcomes:
                    yield self._result(writer, outcome)
                for student, problem in self.unread:
                    yield self._failed(writer, student, problem)
        except WritingError as error:
            raise GradingError(
                f"{error} What was marked before is kept. Mend this and run the same command again."
            ) from error

    def _result(self, writer: Writer, outcome: workers.Outcome) -> Result:
        from equipoise.grading.parcels import unpack_marked
        from equipoise.grading.writer import WritingError

        student = outcome.student
        if outcome.data is None:
            return self._failed(writer, student, outcome.problem)
        try:
            marked = unpack_marked(outcome.data)
            reason = " ".join(note.text for note in marked.notes if note.kind == "unreadable")
            written = writer.write(marked, self.chosen.files | self.times.pop(student, {}), reason)
        except WritingError:
            raise
        except Exception as error:  # of this submission's mark alone
            return self._failed(writer, student, f"The mark cannot be written ({type(error).__name__}: {error}).")
        return Result(student, State.MARKED, written.points, written.waiting, len(marked.notes), reason)

    def _failed(self, writer: Writer, student: str, problem: str) -> Result:
        if mark := self.chosen.marks.get(student):
            problem += f" An earlier mark of {mark.points:g} points is still in the gradebook."
        writer.write_failure(student, problem)
        return Result(student, State.FAILED, reason=problem)


@contextmanager
def engine_for(sandbox: Sandbox, limits: Limits, modules: Collection[str]) -> Iterator[tuple[Engine, Callable]]:
    """The one place where an engine comes from: for this machine's workers, and on each worker of a cluster.

    With it comes a function that waits until it is ready. Both raise SandboxError if the sandbox cannot be built.
    """
    with closing(Nursery(sandbox, limits, modules)) as nursery:
        nursery.begin()
        from equipoise.grading.execute import Engine

        yield Engine.of(nursery), nursery.wait


def modules(lab: Lab) -> tuple[str, ...]:
    """What kernels, the lab and its tests import: it is imported once, before submissions are marked."""
    names = {"IPython", "ipykernel.ipkernel", "equipoise.datasets"}
    for node in ast.walk(ast.parse(lab.source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return tuple(sorted(names))


def course_files(course: Course, lab: Lab) -> dict[str, bytes]:
    """The smallest course that the lab's hidden tests can draw cohorts from, by path."""
    datasets = [course.dataset(slug).folder for slug in lab.facts.datasets]
    found = [path for folder in datasets for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts]
    files = [course.root / "_toc.yml", *(path for path in found if path.is_file())]
    return {path.relative_to(course.root).as_posix(): path.read_bytes() for path in files}


@contextmanager
def alone(root: Path, lab: str) -> Iterator[None]:
    """Keep others from marking the same lab of the same class meanwhile. Raises GradingError if one does."""
    with (root / f".{lab}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with this process, however it ends
        except BlockingIOError:
            raise GradingError(f"{lab} is being marked by another run; wait for its end") from None
        yield


@contextmanager
def _reading(url: str) -> Iterator[Connection | None]:
    try:
        with records.reading(url) as gradebook:
            yield gradebook
    except records.Unreachable as error:
        raise GradingError(str(error)) from error


def _settings(config: Config) -> tuple[Sandbox, Limits]:
    """What ``c.Equipoise`` says about the sandbox. Raises GradingError."""
    chosen = config.Equipoise
    try:
        return Sandbox(chosen.get("sandbox", Sandbox.BUBBLEWRAP)), Limits(**chosen.get("limits", {}))
    except (ValueError, TypeError) as error:
        raise GradingError(f"grading/{CONFIG_FILE}: c.Equipoise: {error}") from error


def _tests(lab: Lab) -> list[tuple]:
    """What the lab would release now, as ``records.released_tests`` gives what was."""
    from nbgrader.utils import is_grade

    from equipoise import labs

    graded = [cell for cell in labs.instructor_notebook(lab).cells if is_grade(cell)]
    sources = [cell.source if labs.is_test(cell) else labs.stub(cell) for cell in graded]  # of an essay, its stub
    return sorted(
        (labs.grade_id(cell), source, float(cell.metadata.nbgrader.points), cell.cell_type)
        for cell, source in zip(graded, sources, strict=True)
    )


def _release_command(lab: Lab) -> str:
    return f"cd grading && nbgrader generate_assignment {lab.slug}"


def _reason(outcome: dict) -> str:
    """The first error that nbgrader reports, without its decoration, in one line."""
    log = (outcome.get("log") or "").splitlines()
    errors = [line.partition("] ")[2] or line for line in log if "ERROR" in line]
    traceback = (outcome.get("error") or "no reason given").strip().splitlines()
    return (errors or traceback[-1:])[0].strip()
