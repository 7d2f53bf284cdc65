"""The command ``equipoise``: it reads options, calls the engine and prints. No logic lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from equipoise.content import ContentError, Finding, find_root, load_course, load_lab
from equipoise.scaffold import Kind, ScaffoldError

app = typer.Typer(
    help="Equipoise: cases, labs and marking for a course in the ethics of clinical AI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

CourseFolder = Annotated[
    Path | None, typer.Option("--course", help="The course's folder, if it is not the one around you.")
]


@app.command()
def check(
    slugs: Annotated[list[str] | None, typer.Argument(help="Only the folders of this name.")] = None,
    course: CourseFolder = None,
) -> None:
    """Check texts, links, calibration, and that every lab marks exactly as it says."""
    from equipoise import checks

    root = _root(course)
    with _stops_on(ContentError), _progress() as report:
        checked = checks.check(root, slugs or [], report)
    if checked.costs:
        table = Table("Lab, as solved", "seconds", "memory (MB)")
        for slug, run in checked.costs.items():
            table.add_row(slug, f"{run.seconds:.1f}", f"{run.peak_bytes / 1e6:.0f}")
        console.print(table)
    if checked.findings:
        _print_findings(checked.findings)
        raise typer.Exit(1)
    console.print(f"No findings in {', '.join(checked.folders)}.")


@app.command()
def new(kind: Kind, slug: str, course: CourseFolder = None) -> None:
    """Make a new case, lab or dataset: a folder that passes `check` but for its TODOs."""
    from equipoise import scaffold

    root = _root(course)
    with _stops_on(ScaffoldError):
        made = scaffold.new(root, kind, slug)
    for folder in made:
        console.print(f"Made {folder.relative_to(root)}")
    console.print(f"Write where it says TODO, then run: equipoise check {slug}")


@app.command()
def grade(
    lab: str,
    force: Annotated[bool, typer.Option(help="Mark again what did not change.")] = False,
    course: CourseFolder = None,
) -> None:
    """Mark every submission of LAB that is new or changed; one that cannot be marked stops no other."""
    from equipoise.grading.run import Classroom, GradingError, State

    with _stops_on(ContentError, GradingError):
        content, chosen = load_lab(_root(course), lab)
        results = []
        classroom = Classroom(content)
        with _progress() as report:
            for result in classroom.grade(chosen, force):
                report(f"{result.student} {result.state}")
                results.append(result)
    if not results:
        _stop(f"Nothing was handed in: there is no {classroom.root}/submitted/STUDENT/{lab}")
    _print_results(results)
    if any(result.waiting for result in results):
        console.print("Mark the essays in formgrader before you generate feedback.")
    if any(result.state is State.FAILED for result in results):
        raise typer.Exit(1)


@app.command()
def demo(course: CourseFolder = None) -> None:
    """Go once round: build the book, release the labs, mark an example class, write feedback and grades."""
    from equipoise import demo as circle
    from equipoise.grading.run import GradingError

    root = _root(course)
    with _stops_on(ContentError, GradingError):
        content = load_course(root)
        with _progress() as report:
            outcome = circle.run(content, root / "_build" / "demo", report)
    for slug, results in outcome.results.items():
        _print_results(results, f"{slug}: an example class")
    console.print("One submission is broken on purpose: it was cut off half-way, and stopped nobody else.\n")
    places = [("The book", outcome.book)]
    places += [("What students get", folder) for folder in outcome.released]
    places += [(f"Feedback for {student}", page) for (_, student), page in outcome.feedback.items()]
    for name, path in [*places, ("Grades", outcome.grades)]:
        console.print(f"{name}: {path}", soft_wrap=True, highlight=False)


def _print_results(results: list, title: str | None = None) -> None:
    table = Table("student", "result", "points", "left for a person", title=title)
    for result in results:
        points = "" if result.points is None else f"{result.points:g}"
        table.add_row(result.student, result.state, points, f"{result.waiting:g}" if result.waiting else "")
    console.print(table)
    for result in results:
        if result.reason:
            console.print(f"{result.student}: {result.reason}.", soft_wrap=True, highlight=False, markup=False)


def _root(course: Path | None) -> Path:
    root = (course or find_root()).resolve()
    if not (root / "_toc.yml").is_file():
        _stop(f"{root} is not a course: it has no _toc.yml")
    return root


@contextmanager
def _stops_on(*kinds: type[Exception]) -> Iterator[None]:
    """Turn an expected error into its message and exit code 1."""
    try:
        yield
    except ModuleNotFoundError as error:
        _stop(
            f"{error.name} is not installed. Install all that a course needs: pip install 'equipoise[book,grading,lab]'"
        )
    except ContentError as error:
        if ContentError not in kinds:
            raise
        _print_findings(error.findings)
        raise typer.Exit(1) from None
    except kinds as error:
        _stop(str(error))


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        errors.print(str(finding), soft_wrap=True, highlight=False, markup=False)
    errors.print(f"{len(findings)} finding{'s' * (len(findings) != 1)}.")


def _stop(message: str) -> NoReturn:
    errors.print(message, soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A spinner with the time elapsed; what it yields says what is being done."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=not errors.is_terminal) as progress:
        task = progress.add_task("Reading the course")
        yield lambda text: progress.update(task, description=text)
