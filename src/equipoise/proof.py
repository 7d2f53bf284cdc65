"""Proof that a lab marks fairly: it is run as solved, as released, and once with each planted mistake.

The solution must earn full marks, the untouched notebook none, and every mistake must lose exactly the points
that it names, through an assertion that says why. That must hold in every class, whatever its hidden tests draw, so
the solution is run under a few secrets and every other run has a secret of its own.

The first solved run is the student's: one Jupyter kernel, whose time and memory are measured against the ration that a
Hub usually gives. All others are marked as a class is, by the engine, whose kernels have the lab's libraries imported;
an author without its sandbox waits longer, for the same in plain kernels.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import nbformat
import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from equipoise import labs
from equipoise.content import COURSE_VARIABLE, Course, Finding, Lab
from equipoise.datasets import SECRET_VARIABLE, write_data
from equipoise.grading.execute import Engine, Job
from equipoise.grading.kernels import beside
from equipoise.grading.run import course_files, engine_for, modules
from equipoise.grading.sandbox import ENVIRONMENT, Limits, Sandbox, SandboxError

MOST_SECONDS = 60
MOST_BYTES = 1_000_000_000
WORKERS = 2
MARKING_VARIABLE = "NBGRADER_EXECUTION"  # by which nbgrader tells a notebook that it is being marked
CLASSES = 2  # secrets under which the solution is run, beside none at all
# An assertion that was written for the student, and not the engine's sentence about an error in the student's code.
EXPLAINED = re.compile(r"AssertionError: (?!`[^`]+`.* stopped with \w+).{20,}", re.DOTALL)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Run:
    """What one run of a lab gave: points by test, the error of each cell that failed, cost in s and bytes."""

    scores: Mapping[str, float]
    errors: Mapping[str, str]  # "AssertionError: message", by cell id
    outputs: frozenset[str]  # tests that printed or returned something
    seconds: float
    peak_bytes: int
    secret: str | None  # of the class in which it ran; None: as the environment has it

    @property
    def under(self) -> str:
        """How to see the same again, to be put behind a problem."""
        return f", with {SECRET_VARIABLE}={self.secret}" if self.secret else ""


@dataclass(frozen=True)
class Proof:
    findings: list[Finding]
    solved: Run


def prove(lab: Lab, course: Course) -> Proof:
    """Run ``lab`` in every way that matters. It must have passed ``labs.check``."""
    with tempfile.TemporaryDirectory(prefix="equipoise-") as scratch:
        folder = Path(scratch)
        for dataset in lab.facts.datasets:
            write_data(course.dataset(dataset), folder / "data")
        solution = labs.solutions(lab)
        # Alone on the machine, so that its cost means something.
        solved = run(labs.marked_notebook(lab, solution), folder, course.root)
        if findings := list(_solved(lab, solved)):
            return Proof(findings, solved)  # a lab that its author cannot pass proves nothing else
        planted = labs.mistakes(lab)
        attempts = [*[solution] * CLASSES, {}, *(solution | {m.replaces: m.source} for m in planted)]
        with _marker(lab, course, folder) as mark, ThreadPoolExecutor(WORKERS) as workers:
            results = list(workers.map(mark, attempts))
    again, untouched, wrong = results[:CLASSES], results[CLASSES], results[CLASSES + 1 :]
    findings = [finding for result in again for finding in _earned(lab, result)]
    findings += _untouched(lab, untouched)
    for mistake, result in zip(planted, wrong, strict=True):
        findings += _mistaken(lab, mistake, result)
    return Proof(findings, solved)


@contextmanager
def _marker(lab: Lab, course: Course, folder: Path) -> Iterator[Callable[[Mapping[str, str]], Run]]:
    """What marks answers, by cell id, each time in a class of its own."""
    with ExitStack() as stack:
        try:
            engine, wait = stack.enter_context(engine_for(Sandbox.BUBBLEWRAP, Limits(), modules(lab)))
            wait()
        except SandboxError:  # which an author's own code does not need
            yield partial(_in_one_kernel, lab, course, folder)
        else:
            key, files = nbformat.writes(labs.marked_notebook(lab, {})), beside(str(folder))
            blank = Job(lab.slug, "author", "", key, None, files, course_files(course, lab))
            yield partial(_as_in_a_class, lab, engine, blank)


def _in_one_kernel(lab: Lab, course: Course, folder: Path, answers: Mapping[str, str]) -> Run:
    return run(labs.marked_notebook(lab, answers), folder, course.root, secret=secrets.token_hex(4))


def _as_in_a_class(lab: Lab, engine: Engine, blank: Job, answers: Mapping[str, str]) -> Run:
    handed_in, secret = nbformat.writes(labs.submission(lab, answers)).encode(), secrets.token_hex(4)
    marked = engine.mark(replace(blank, handed_in=handed_in, secret=secret))
    notebook = nbformat.reads(marked.notebook, as_version=4)
    cost = notebook.metadata["equipoise"]["cost"]
    return Run(
        scores=marked.scores,
        errors=dict(_errors(notebook)),
        outputs=frozenset(),  # a checker's outputs count for nothing
        seconds=cost["seconds"],
        peak_bytes=cost["peak_bytes"],
        secret=secret,
    )


def run(notebook: NotebookNode, folder: Path, root: Path, secret: str | None = None) -> Run:
    """Execute ``notebook`` in ``folder`` and mark it by nbgrader's own rule, cell by cell."""
    told = {COURSE_VARIABLE: str(root), MARKING_VARIABLE: ENVIRONMENT[MARKING_VARIABLE]}
    environment = os.environ | told | ({SECRET_VARIABLE: secret} if secret else {})
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="equipoise-") as private:
        client = NotebookClient(
            notebook,
            timeout=2 * MOST_SECONDS,
            allow_errors=True,
            interrupt_on_timeout=True,
            error_on_timeout={"ename": "CellTimeoutError", "evalue": "takes too long", "traceback": []},
            shutdown_kernel="immediate",
            extra_arguments=["--log-level=ERROR"],
            km=AsyncKernelManager(transport="ipc", ip=f"{private}/kernel"),
            resources={"metadata": {"path": str(folder)}},
        )
        peak_bytes = asyncio.run(_execute(client, environment))
    tests = [cell for cell in notebook.cells if labs.is_test(cell)]
    return Run(
        scores={labs.grade_id(cell): _score(cell) for cell in tests},
        errors=dict(_errors(notebook)),
        outputs=frozenset(labs.grade_id(cell) for cell in tests if _is_noisy(cell)),
        seconds=time.perf_counter() - start,
        peak_bytes=peak_bytes,
        secret=secret,
    )


async def _execute(client: NotebookClient, environment: Mapping[str, str]) -> int:
    """Run every cell, or as many as the kernel lives through; return the peak memory in bytes."""
    async with client.async_setup_kernel(cleanup_kc=True, env=environment):
        with _PeakMemory(client) as peak, suppress(DeadKernelError):
            for number, cell in enumerate(client.nb.cells):
                await client.async_execute_cell(cell, number)
    return peak.bytes


class _PeakMemory(threading.Thread):
    """Samples the resident memory of a client's kernel and its children, for as long as the ``with`` lasts."""

    def __init__(self, client: NotebookClient):
        super().__init__(daemon=True)
        self.client, self.bytes, self.done = client, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.05):
            try:
                kernel = psutil.Process(self.client.km.provisioner.pid)
                family = [kernel, *kernel.children(recursive=True)]
                self.bytes = max(self.bytes, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                continue

    def __enter__(self) -> _PeakMemory:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.done.set()
        self.join()


def _score(cell: NotebookNode) -> float:
    """Points by nbgrader's rule, by which a test without output is passed; one that never ran is not."""
    return determine_grade(cell)[0] if cell.execution_count else 0


def _errors(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield labs.grade_id(cell) or cell.id, ANSI.sub("", f"{output.ename}: {output.evalue}")


def _is_noisy(cell: NotebookNode) -> bool:
    return any(output.output_type != "error" for output in cell.outputs)


def _solved(lab: Lab, solved: Run) -> Iterator[Finding]:
    yield from _earned(lab, solved)
    for test in sorted(solved.outputs):
        problem = "the test prints or returns something, which nbgrader reads as a mark or an error"
        yield _finding(lab, f"cell {test}", problem, "Use assert only, and silence warnings")
    if solved.seconds > MOST_SECONDS:
        yield _finding(lab, "time", f"takes {solved.seconds:.0f} s", f"At most {MOST_SECONDS} s are allowed")
    if solved.peak_bytes > MOST_BYTES:
        problem = f"needs {solved.peak_bytes / 1e9:.2f} GB"
        yield _finding(lab, "memory", problem, f"At most {MOST_BYTES / 1e9:.0f} GB is allowed")


def _earned(lab: Lab, solved: Run) -> Iterator[Finding]:
    """Wherever the solution does not earn all points."""
    for cell, error in solved.errors.items():
        problem = f"the solution fails with {error}{solved.under}"
        yield _finding(lab, f"cell {cell}", problem, "Mend solution or test")
    for test, worth in labs.points(lab).items():
        if solved.scores[test] != worth and test not in solved.errors:
            problem = f"the solution earns {solved.scores[test]} of {worth}{solved.under}"
            yield _finding(lab, f"cell {test}", problem, "Mend solution or test")


def _untouched(lab: Lab, untouched: Run) -> Iterator[Finding]:
    for test, score in untouched.scores.items():
        if score:
            problem = f"the untouched notebook earns {score}{untouched.under}"
            yield _finding(lab, f"cell {test}", problem, "The test must fail until the task is done")


def _mistaken(lab: Lab, mistake: labs.Mistake, result: Run) -> Iterator[Finding]:
    where, file = f"mistake {mistake.name}", "wrong_answers.py"
    lost = {
        test: worth - result.scores[test] for test, worth in labs.points(lab).items() if result.scores[test] != worth
    }
    if lost != dict(mistake.loses):
        problem = f"loses {_named(lost)}, should lose {_named(mistake.loses)}"
        if reasons := [result.errors[test] for test in lost if test in result.errors]:
            problem += f" ({'; '.join(reasons)})"
        problem += result.under
        yield _finding(lab, where, problem, "Mend the tests, or the points it names", file)
    for test in set(lost) & set(mistake.loses):
        error = result.errors.get(test, "")
        if not EXPLAINED.match(error):
            problem = f"'{test}' fails with {error or 'no error'} instead of a message{result.under}"
            yield _finding(lab, where, problem, "Assert what a student can understand", file)


def _named(points: Mapping[str, float]) -> str:
    return ", ".join(f"{test} ({lost:g})" for test, lost in points.items()) or "nothing"


def _finding(lab: Lab, where: str, problem: str, repair: str, file: str = "lab.py") -> Finding:
    return Finding(file=f"labs/{lab.slug}/{file}", where=where, problem=problem, repair=repair)
