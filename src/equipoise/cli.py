"""The command ``equipoise``: it reads options, calls the engine and prints. No logic lives here."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from math import ceil
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

import equipoise.lean  # noqa: F401  (before anything that imports nbformat)
from equipoise.content import ContentError, Finding, find_root, load_course, load_dataset, pick_lab, read_course
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
def book(
    instructor: Annotated[
        bool, typer.Option("--instructor", help="The edition with teaching notes, solved labs and planted mistakes.")
    ] = False,
    course: CourseFolder = None,
) -> None:
    """Build the book: the students' edition, or the instructor's, each in a folder of its own."""
    from equipoise.book.build import MARK, BuildError, Edition, build

    with _stops_on(ContentError, BuildError):
        content = load_course(_root(course))
        with _progress() as report:
            report("Building the book")
            first = build(content, Edition.INSTRUCTOR if instructor else Edition.STUDENTS)
    console.print(f"{MARK if instructor else 'The book'}: {first}", soft_wrap=True, highlight=False)


@app.command()
def translate(
    language: Annotated[str, typer.Argument(help="Its code, such as es.")],
    begin: Annotated[list[str] | None, typer.Argument(help="Pages to begin with, such as cases/NAME/case.")] = None,
    course: CourseFolder = None,
) -> None:
    """Bring a translation in line with the book, and show how much of each page is translated."""
    from equipoise.book import translations
    from equipoise.book.build import BuildError, build, extract

    with _stops_on(ContentError, BuildError, translations.TranslationError):
        content = load_course(_root(course))
        with _progress() as report:
            report("Building the book, for what its pages hold")
            site = build(content).parent
            report("Extracting the text of every page")
            templates = translations.templates(extract(content), content.root / "book" / "static", site)
        covered = translations.update(content.root, language, templates, begin or [])
    table = Table("page", "translated", "of")
    for page in covered:
        table.add_row(page.page, str(page.translated), str(page.messages))
    console.print(table)
    console.print(
        f"The catalogues are in {translations.folder(content.root, language)}", soft_wrap=True, highlight=False
    )


@app.command()
def fetch(
    slug: Annotated[str, typer.Argument(help="The dataset whose real table is wanted.")],
    yes: Annotated[bool, typer.Option("--yes", help="Agree to the licence, which is shown all the same.")] = False,
    to: Annotated[Path | None, typer.Option(help="A folder to put the table into, over the synthetic one.")] = None,
    course: CourseFolder = None,
) -> None:
    """Download the real table behind a synthetic one, once you have seen its licence."""
    from equipoise import fetch as fetching

    with _stops_on(ContentError, fetching.FetchError):
        dataset = load_dataset(_root(course), slug)
        if source := dataset.source:
            for line in (source.title, f"{source.rows:,} rows", f"Licence: {source.licence}, {source.licence_url}"):
                console.print(line, soft_wrap=True, highlight=False, markup=False)
            if not (yes or typer.confirm("Do you agree to the licence?")):
                _stop("Nothing was fetched.")
        with _progress() as report:
            fetched = fetching.fetch(dataset, to, report=report)
    for line in (*fetched.surprises, f"{fetched.rows:,} rows: {fetched.path}", f"Checksum: {fetched.file.checksum}"):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if not to:
        console.print(f"To work with it: equipoise fetch {slug} --to FOLDER, the folder data of a copy of the lab.")


@app.command()
def grade(
    lab: Annotated[str | None, typer.Argument(help="The lab to mark.")] = None,
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be given several times.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Mark every lab that was released and handed in.")] = False,
    force: Annotated[bool, typer.Option(help="Mark again what did not change.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that mark; by default one a core.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Mark on the workers of this scheduler of Dask's.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain-sandbox", help="Try what students' code could do here, and mark nothing.")
    ] = False,
    course: CourseFolder = None,
) -> None:
    """Mark every submission of LAB that is new or changed; one that cannot be marked stops no other."""
    if not explain and (lab is None) != every:
        raise typer.BadParameter("name one lab, or say --all")
    if explain:
        return _explain_sandbox(_root(course))
    from equipoise.grading.run import Classroom, GradingError

    with _stops_on(ContentError, GradingError):
        content, findings = read_course(_root(course))
        if lab:
            pick_lab(content, findings, lab)
        classroom = Classroom(content)
        slugs = [lab] if lab else classroom.with_submissions()
        labs = [pick_lab(content, findings, slug)[1] for slug in slugs]
        outcomes = [_grade(classroom, one, student or [], force, jobs, scheduler) for one in labs]
    if not all(outcomes):
        raise typer.Exit(1)


def _grade(classroom, lab, students: list[str], force: bool, jobs: int | None, scheduler: str | None) -> bool:
    """Mark one lab and print what became of it; whether every submission has a mark now."""
    from equipoise.grading.run import GradingError, State

    results, problem = [], ""
    try:
        with _progress() as report:
            report(f"{lab.slug}: looking for what changed")
            plan = classroom.plan(lab, students, force)
        results += plan.settled
        with closing(classroom.mark(plan, jobs, scheduler)) as marked, _marking(plan) as show:
            for result in marked:
                results.append(result)
                show(result)
    except GradingError as error:
        problem = str(error)
    except KeyboardInterrupt:
        _stop(f"Stopped. What was marked is kept; the same command marks the others of {lab.slug}.", code=130)
    if results:
        _print_results(sorted(results, key=lambda result: result.student), lab.slug)
    if any(result.waiting for result in results):
        console.print("Mark the essays in formgrader before you generate feedback.")
    if not (results or problem):
        problem = f"Nothing was handed in: there is no {classroom.root}/submitted/STUDENT/{lab.slug}"
    if problem:
        errors.print(problem, soft_wrap=True, highlight=False, markup=False)
    return not problem and not any(result.state is State.FAILED for result in results)


@app.command()
def report(lab: str, course: CourseFolder = None) -> None:
    """Write a page and a table about a marked class: marks, tests, messages, repairs, and who needs a person."""
    from equipoise.grading.run import Classroom, GradingError

    with _stops_on(ContentError, GradingError):
        content, findings = read_course(_root(course))
        _, chosen = pick_lab(content, findings, lab)
        written = Classroom(content).report(chosen)
    for path in written:
        console.print(str(path), soft_wrap=True, highlight=False)


@app.command()
def export(
    to: Annotated[
        Literal["canvas", "moodle", "blackboard", "csv", "lti"],
        typer.Option(help="The platform; csv for the whole table; lti to send them, without a file."),
    ],
    lab: Annotated[list[str] | None, typer.Argument(help="The labs; by default all that have marks.")] = None,
    onto: Annotated[
        Path | None, typer.Option(help="A gradebook downloaded from the platform, to put marks in.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write; by default in grading/exports.")] = None,
    course: CourseFolder = None,
) -> None:
    """Write final marks to a file for the learning platform, or send them, and say whose are missing, and why."""
    if to == "lti":
        return _send_marks(_root(course), lab or [], file=onto or output)
    from equipoise.grading import export as exporting
    from equipoise.grading.records import Unreachable
    from equipoise.grading.run import Classroom, GradingError

    with _stops_on(GradingError, exporting.ExportError, Unreachable):
        classroom = Classroom(read_course(_root(course))[0])
        outcome = exporting.export(classroom, exporting.Target(to), lab or [], onto, output)
    if outcome.remarks:
        table = Table("", "who", "lab", "why")
        for remark in outcome.remarks:
            table.add_row(remark.kind, *map(Text, (remark.who, remark.lab, remark.why)))
        console.print(table)
    console.print(f"{outcome.marks} marks: {outcome.path}", soft_wrap=True, highlight=False, markup=False)
    if not outcome.complete:
        _stop(f"Some marks are not in it. They are listed in {outcome.beside}")


def _send_marks(root: Path, labs: list[str], file: Path | None) -> None:
    """Send final marks by the platform's grade service."""
    from equipoise.grading import lti
    from equipoise.grading.launches import LaunchError
    from equipoise.grading.records import Unreachable
    from equipoise.grading.run import Classroom, GradingError

    if file:
        _stop("--to lti sends marks, and has no file: leave out --onto and --output")
    with _stops_on(GradingError, lti.LTIError, LaunchError, Unreachable), _progress() as report:
        report("Sending marks")
        passed = list(lti.send(Classroom(read_course(root)[0]), labs))
    table = Table("", "student", "lab", "why")
    for one in passed:
        if one.why:
            table.add_row(one.state, *map(Text, (one.student, one.lab, one.why)))
    if table.rows:
        console.print(table)
    counted = Counter(one.state for one in passed)
    console.print(", ".join(f"{number} {state}" for state, number in counted.items()) or "There are no marks.")
    if any(one.lost for one in passed):
        _stop("Some final marks are not in the platform. Run the same command again when their cause is mended.")


@app.command()
def demo(
    lab: Annotated[str | None, typer.Argument(help="The lab; by default that of the book's first case.")] = None,
    course: CourseFolder = None,
) -> None:
    """Go once round: build the book, release a lab, mark an example class, write feedback and grades."""
    from equipoise import demo as circle
    from equipoise.book.build import BuildError
    from equipoise.grading.run import GradingError

    root = _root(course)
    with _stops_on(ContentError, BuildError, GradingError):
        content = load_course(root)
        chosen = content.lab(lab or content.in_order()[0].facts.lab)
        with _progress() as report:
            outcome = circle.run(content, chosen, root / "_build" / "demo", report)
    _print_results(outcome.results, f"{chosen.slug}: an example class")
    console.print("One submission is broken on purpose: it was cut off half-way, and stopped nobody else.\n")
    places = [("The book", outcome.book), ("What students get", outcome.released)]
    places += [(f"Feedback for {student}", page) for student, page in outcome.feedback.items()]
    for name, path in [*places, ("Grades", outcome.grades)]:
        console.print(f"{name}: {path}", soft_wrap=True, highlight=False)


@app.command()
def roster(
    file: Annotated[Path, typer.Argument(help="A CSV file: id, first_name, last_name, email, lms_user_id.")],
    remove: Annotated[bool, typer.Option("--remove", help="Students who are not in the file lose access.")] = False,
    course: CourseFolder = None,
) -> None:
    """Enrol a class: its students may fetch and hand in, and have names in the gradebook. Run it again at will."""
    from nbgrader.exchange import ExchangeError

    from equipoise.grading.run import Classroom, GradingError
    from equipoise.hub import roster as rosters

    with _stops_on(ContentError, GradingError, ExchangeError, rosters.RosterError):
        students = rosters.read(file)
        done = rosters.enrol(Classroom(read_course(_root(course))[0]), students, remove)
    for what in ("added", "changed", "unchanged"):
        console.print(f"{what}: {len(getattr(done, what))}")
    for student in done.missing:
        became = "has no access now" if remove else "is not in the file and keeps access (--remove ends it)"
        console.print(f"{student} {became}", soft_wrap=True, highlight=False, markup=False)
    if not done.on_exchange:
        console.print("There is no exchange here, so only the gradebook knows them.")


@app.command()
def practice(course: CourseFolder = None) -> None:
    """Make a repository of labs to practise on, without marks; push it where your hub can fetch it."""
    with _stops_on(ContentError):
        content = load_course(_root(course))
    from equipoise.hub import practice as practising

    folder = content.root / "_build" / "practice"
    with _progress() as report, _stops_on(practising.PracticeError):
        report("Writing the labs")
        changed = practising.write(content, folder)
    console.print(f"{folder}: {'changed' if changed else 'as it was'}", soft_wrap=True, highlight=False)


@app.command()
def hub(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of this machine that it listens on.")] = 8000,
    course: CourseFolder = None,
) -> None:
    """Try it all in a browser: a JupyterHub on this machine, with the book, formgrader and two students."""
    with _stops_on(ContentError):
        from equipoise.book.build import PRACTICE, BuildError, build
        from equipoise.hub import practice, trial
        from equipoise.hub.walls import WallsError

    root = _root(course)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it so ends what it started, too
    with _stops_on(ContentError, BuildError, WallsError, trial.HubError, practice.PracticeError), ExitStack() as stack:
        content = load_course(root)
        with _progress() as report:
            report("Building the book")
            book = build(content, hub=trial.address(port))
            practice.write(content, root / "_build" / "practice")
            practice.publish(root / "_build" / "practice", book.parent / PRACTICE)
            report("Starting JupyterHub")
            started = stack.enter_context(trial.running(content, port, book.parent))
        for name, page in started.pages.items():
            console.print(f"{name}: {page}", soft_wrap=True, highlight=False)
        console.print(f"Password of all of them, for now: {started.password}", soft_wrap=True, highlight=False)
        console.print(f"Their files: {started.state}. Ctrl-C stops everything.", soft_wrap=True, highlight=False)
        with suppress(KeyboardInterrupt):
            started.process.wait()
            _stop(f"JupyterHub ended by itself; all that it said is in {started.state / 'hub.log'}")


def _explain_sandbox(root: Path) -> None:
    """Print what the sandbox of this course enforces on this machine, by trying."""
    from equipoise.grading.run import Classroom, GradingError
    from equipoise.grading.sandbox import SandboxError

    with _stops_on(GradingError, SandboxError), _progress() as report:
        sandbox = Classroom(read_course(root)[0]).sandbox
        report(f"Trying what can be done in the sandbox '{sandbox}'")
        from equipoise.grading.explain import explain

        probes = explain(sandbox)
    table = Table("", "enforced", "what happened when it was tried", title=f"The sandbox '{sandbox}' on this machine")
    for probe in probes:
        table.add_row(probe.what, "yes" if probe.enforced else "NO", escape(probe.said))
    console.print(table)
    if not all(probe.enforced for probe in probes):
        raise typer.Exit(1)


@contextmanager
def _marking(plan) -> Iterator[Callable]:
    """A bar with rate, time left and how the points are distributed; what it yields takes each result."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}")
    columns += TimeRemainingColumn(), TextColumn("{task.fields[points]}")
    shares: list[float] = []
    with Progress(*columns, console=errors, transient=True, disable=not plan.students) as progress:
        task = progress.add_task(plan.lab.slug, total=len(plan.students), rate="", points="")

        def show(result) -> None:
            if result.points is not None and plan.worth:
                shares.append(result.points / plan.worth)
            progress.advance(task)
            rate = f"{60 * progress.tasks[0].speed:.0f} a minute" if progress.tasks[0].speed else ""
            progress.update(task, rate=rate, points=f"0 {sparkline(shares)} {plan.worth:g} points")

        yield show


def sparkline(shares: Sequence[float]) -> str:
    """How numbers from 0 to 1 are distributed over ten intervals, as ten characters."""
    bins = Counter(min(9, int(10 * max(0.0, share))) for share in shares)
    most = max(bins.values(), default=1)
    return "".join(" ▁▂▃▄▅▆▇█"[ceil(8 * bins[number] / most)] for number in range(10))


def _print_results(results: list, title: str | None = None) -> None:
    table = Table("student", "result", "points", "left for a person", "notes", title=title)
    for result in results:
        points = "" if result.points is None else f"{result.points:g}"
        rest = [f"{number:g}" if number else "" for number in (result.waiting, result.notes)]
        table.add_row(Text(result.student), result.state, points, *rest)
    console.print(table)
    for result in results:
        if result.reason:
            console.print(f"{result.student}: {result.reason}", soft_wrap=True, highlight=False, markup=False)


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
        _stop(f"{error.name} is not installed. Install all that a course needs: pip install 'equipoise[hub]'")
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


def _stop(message: str, code: int = 1) -> NoReturn:
    errors.print(message, soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(code)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A spinner with the time elapsed; what it yields says what is being done."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=not errors.is_terminal) as progress:
        task = progress.add_task("Reading the course")
        yield lambda text: progress.update(task, description=text)
