"""What an attack achieved, read from what marking left behind: gradebook, notebooks, feedback pages and files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from attacks.attack import Attack
from attacks.world import SECRETS, World
from equipoise import labs
from equipoise.content import Lab

REACHED = re.compile(r"REACHED: ([a-z_ ]+)")  # printed by an attack that did what it must not be able to do
OUTSIDE = re.compile(rb"OUTSIDE:([a-z_]+)")  # written by an attack to a file that is not its own
SCRIPT = "EQUIPOISE_SCRIPT"  # in every script that an attack tries to bring into a feedback page
MOST_STORED = 20_000_000  # bytes that marking may store for one submission
LARGEST_READ = 50_000_000  # bytes; larger files are only weighed


@dataclass(frozen=True)
class Outcome:
    """One row of the table. Everything in it should be zero or empty."""

    forged: float = 0  # points above what the submission honestly earns
    secrets: tuple[str, ...] = ()  # what got out, or got in where it must not
    lost: tuple[str, ...] = ()  # tests without a recorded score
    denied: float = 0  # points that an honest submission earns and did not get
    stopped: bool = False  # marking died or hung, or zoe did not get her marks
    left: tuple[str, ...] = ()  # processes that still run, and storage used up

    @property
    def harmless(self) -> bool:
        return self == Outcome()


@dataclass(frozen=True)
class Result:
    """What became of one submission: what its feedback and its row in the gradebook are made of."""

    scores: Mapping[str, float | None]  # by test; None: no score
    total: float  # of the whole submission, with what a person gave
    notebook: NotebookNode | None  # as autograded
    feedback: str  # the page, or nothing
    stored: int  # bytes in autograded and feedback

    @property
    def reasons(self) -> list[str]:
        """What our engine says in words to student and grader: what was repaired or refused, and failed tests."""
        marked = self.notebook.metadata.get("equipoise", {}) if self.notebook else {}
        messages = [test.get("message") for test in marked.get("tests", {}).values()]
        return [note["text"] for note in marked.get("notes", [])] + [text for text in messages if text]

    def outputs(self) -> str:
        """All that the submission's cells put out, as text."""
        cells = self.notebook.cells if self.notebook else []
        return "\n".join(str(output) for cell in cells for output in cell.get("outputs", []))


def read_result(world: World, lab: Lab, student: str) -> Result:
    folders = [world.classroom / step / student / lab.slug for step in ("autograded", "feedback")]
    autograded, feedback = folders[0] / f"{lab.slug}.ipynb", folders[1] / f"{lab.slug}.html"
    notebook = None
    if autograded.is_file():
        with suppress(Exception):  # whatever a hostile file makes nbformat raise, it is no notebook
            notebook = nbformat.read(autograded, as_version=4)
    page = feedback.read_text(encoding="utf-8", errors="replace") if feedback.is_file() else ""
    stored = sum(path.lstat().st_blocks * 512 for folder in folders for path in folder.rglob("*"))
    return Result(*_recorded(world, lab, student), notebook, page, stored)


def _recorded(world: World, lab: Lab, student: str) -> tuple[dict[str, float | None], float]:
    scores: dict[str, float | None] = dict.fromkeys(labs.points(lab))
    with suppress(MissingEntry), Gradebook(world.database) as gradebook:
        notebook = gradebook.find_submission_notebook(lab.slug, lab.slug, student)
        for grade in notebook.grades:
            if grade.name in scores and not grade.needs_manual_grade and math.isfinite(grade.score):
                scores[grade.name] = grade.score if grade.auto_score is not None else None
        return scores, notebook.score
    return scores, 0


def full_marks(world: World, lab: Lab, student: str) -> bool:
    """Whether a student has all that a machine can give."""
    return read_result(world, lab, student).scores == labs.points(lab)


def all_grades(world: World, lab: Lab, student: str) -> list[tuple]:
    """Every mark of a student, to be compared with what it was."""
    with suppress(MissingEntry), Gradebook(world.database) as gradebook:
        grades = gradebook.find_submission_notebook(lab.slug, lab.slug, student).grades
        return sorted((g.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade) for g in grades)
    return []


def outcome(
    attack: Attack,
    world: World,
    lab: Lab,
    *,
    stopped: bool = False,
    heard: Sequence[bytes] = (),
    survivors: Sequence[str] = (),
    spoilt: Sequence[str] = (),
) -> Outcome:
    """Weigh what is left of one attack.

    ``heard`` by the listeners, ``survivors`` of the marking as command lines, ``spoilt``: what others lost.
    """
    result = read_result(world, lab, attack.student)
    secrets = set(_shown(world, lab, attack.student, result)) | set(spoilt)
    secrets |= {"network" for message in heard if message.decode("utf-8", "replace") == attack.name}
    if attack.name.encode() in written_outside(world):
        secrets.add("files outside")
    left = [f"{len(survivors)} processes"] if survivors else []
    if result.stored > MOST_STORED:
        left.append(f"{result.stored / 1e6:.0f} MB")
    return Outcome(
        forged=max(0.0, result.total - attack.points),
        secrets=tuple(sorted(secrets)),
        lost=tuple(name for name, score in result.scores.items() if score is None),
        denied=max(0.0, attack.points - result.total) if attack.honest else 0,
        stopped=stopped,
        left=tuple(left),
    )


def _shown(world: World, lab: Lab, student: str, result: Result) -> Iterator[str]:
    """Secrets in the outputs, in the feedback page, and in files that go back to the student."""
    outputs = result.outputs()
    yield from REACHED.findall(outputs)
    files = b"".join(_files(world, lab, student))
    for name, canary in SECRETS.items():
        if canary in outputs or canary.encode() in files or (canary in result.feedback and name != "hidden tests"):
            yield name
    if SECRETS["hidden tests"] in result.feedback:
        yield "hidden tests in feedback"
    if has_script(result.feedback):
        yield "script in feedback"


def _files(world: World, lab: Lab, student: str) -> Iterator[bytes]:
    """What a student finds beside notebook and page."""
    for step in ("autograded", "feedback"):
        for path in (world.classroom / step / student / lab.slug).rglob("*"):
            if path.suffix not in (".ipynb", ".html"):
                yield _content(path)


def _content(path: Path) -> bytes:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST_READ:
            return path.read_bytes()
    return b""


def written_outside(world: World) -> set[bytes]:
    """The attacks that wrote to a file of the class, of another student, or of the grader's home."""
    own = tuple(str(world.classroom / step / "mal-") for step in ("submitted", "autograded", "feedback"))
    paths = [path for folder in (world.classroom, world.home) for path in folder.rglob("*")]
    return {name for path in paths if not str(path).startswith(own) for name in OUTSIDE.findall(_content(path))}


class _Scripts(HTMLParser):
    """Looks for the attacks' script wherever a browser would run it."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.found = False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"
        for name, value in attrs:
            runs = name.startswith("on") or name == "srcdoc" or (value or "").strip().lower().startswith("javascript:")
            self.found |= runs and SCRIPT in (value or "")

    def handle_data(self, data: str) -> None:
        self.found |= self.inside and SCRIPT in data

    def handle_endtag(self, tag: str) -> None:
        self.inside = False


def has_script(page: str) -> bool:
    """Whether a browser that opens the page runs a script of an attack."""
    scripts = _Scripts()
    scripts.feed(page)
    return scripts.found
