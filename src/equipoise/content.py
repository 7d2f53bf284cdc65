"""Folders become objects: cases, labs, datasets and quizzes, read once and frozen.

A course is edited by people who are not programmers, in plain text, one folder at a time. So this module
never stops at the first slip: it reads everything, collects every ``Finding`` (which file, which key, what
is wrong, how to mend it) and shows them at once. The rest of the engine only ever sees a course without
findings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pybtex.database import BibliographyData, PybtexError, parse_string
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

COURSE_VARIABLE = "EQUIPOISE_COURSE"
MARKER = "TODO"  # what `equipoise new` leaves where an author has to write
CITATION = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
FRONT_MATTER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
FRONT_COMMENT = re.compile(r"\A# ---\n(.*?)^# ---\n", re.DOTALL | re.MULTILINE)

CASE_SECTIONS = (
    "The case",
    "First vote",
    "Facts and unknowns",
    "Stakeholders",
    "Predict the numbers",
    "The trade-off in one figure",
    "The lab",
    "What surprised you?",
    "Four topics, and a fifth",
    "Two positions",
    "Decision memo",
    "Second vote",
    "What has changed since",
    "Further reading",
)
TEACHING_SECTIONS = ("Plan", "Expected answers", "Common misconceptions")
DATASHEET_SECTIONS = (  # gebru2021
    "Motivation",
    "Composition",
    "Collection process",
    "Preprocessing",
    "Uses",
    "Distribution",
    "Maintenance",
)


class Level(StrEnum):
    UNDERGRADUATE = "undergraduate"
    POSTGRADUATE = "postgraduate"
    SPECIALTY = "specialty"


class Principle(StrEnum):
    """Beauchamp and Childress's four, with explicability added for AI."""

    AUTONOMY = "autonomy"
    BENEFICENCE = "beneficence"
    NON_MALEFICENCE = "non-maleficence"
    JUSTICE = "justice"
    EXPLICABILITY = "explicability"


class Competency(StrEnum):
    """The six domains of Russell 2023 (russell2023) and the six FUTURE-AI principles (lekadir2025)."""

    BASIC_KNOWLEDGE = "R1"
    SOCIAL_AND_ETHICAL = "R2"
    CLINICAL_ENCOUNTERS = "R3"
    EVALUATION = "R4"
    WORKFLOW = "R5"
    IMPROVEMENT = "R6"
    FAIRNESS = "fairness"
    UNIVERSALITY = "universality"
    TRACEABILITY = "traceability"
    USABILITY = "usability"
    ROBUSTNESS = "robustness"
    EXPLAINABILITY = "explainability"

    @property
    def meaning(self) -> str:
        """What the code stands for, as the source calls it; the principles name themselves."""
        return RUSSELL_DOMAINS.get(self.value, self.value)


RUSSELL_DOMAINS = {
    "R1": "basic knowledge of AI",
    "R2": "social and ethical implications",
    "R3": "AI-enhanced clinical encounters",
    "R4": "evidence-based evaluation",
    "R5": "workflow analysis",
    "R6": "practice-based learning and improvement",
}


class Verification(StrEnum):
    """Where a figure was seen: in the source itself, in a secondary source, or computed by us."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    COMPUTED = "computed"


class Dimension(StrEnum):
    """The six dimensions on which every memo is marked."""

    ISSUE = "issue"
    FACTS = "facts"
    STAKEHOLDERS = "stakeholders"
    PRINCIPLES = "principles"
    ALTERNATIVES = "alternatives"
    DECISION = "decision"


class Finding(BaseModel):
    """One thing that is wrong, in words that say where it is and how to mend it."""

    model_config = ConfigDict(frozen=True)

    file: str  # relative to the course's root
    where: str  # a key, a cell or a line
    problem: str
    repair: str

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.problem}. {self.repair}"


class ContentError(Exception):
    """The course has findings; ``findings`` lists every one."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Harm(Frozen):
    """A published harm, not a hypothetical one."""

    summary: Text
    citation: Text
    verified: Verification


class CaseFacts(Frozen):
    """The front matter of ``case.md``."""

    title: Text
    harm: Harm
    specialty: Texts
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    minutes: Annotated[int, Field(gt=0)]
    regions: Texts
    principles: Annotated[tuple[Principle, ...], Field(min_length=1)]
    competencies: Annotated[tuple[Competency, ...], Field(min_length=1)]
    stakeholders: Texts
    prerequisites: tuple[Text, ...]
    lab: Text
    datasets: Texts
    out_of_scope: Texts
    # What makes the page executable for MyST-NB; Sphinx reads them, we only allow them.
    file_format: Literal["mystnb"] | None = None
    kernelspec: Mapping[str, str] | None = None


class Option(Frozen):
    text: Text
    correct: bool
    feedback: Text


class Question(Frozen):
    question: Text
    competency: Competency
    options: Annotated[tuple[Option, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _answerable(self) -> Question:
        if not any(option.correct for option in self.options):
            raise ValueError("no option is correct; set `correct: true` on at least one")
        return self


class Quiz(Frozen):
    """``quiz.yml``: feedback for every option, right or wrong."""

    items: Annotated[tuple[Question, ...], Field(min_length=6)]


class Case(Frozen):
    slug: str
    folder: Path
    facts: CaseFacts
    body: str
    quiz: Quiz


class RubricRow(Frozen):
    title: Text
    levels: Annotated[tuple[Text, ...], Field(min_length=4, max_length=4)]  # 0, 1, 2, 3 points


class Rubric(Frozen):
    """``rubric.yml``: six dimensions, four levels each, worth 0 to 3 points."""

    dimensions: dict[Dimension, RubricRow]

    @model_validator(mode="after")
    def _complete(self) -> Rubric:
        missing = [d.value for d in Dimension if d not in self.dimensions]
        if missing:
            raise ValueError(f"no row for {', '.join(missing)}; add one for each")
        return self

    @property
    def points(self) -> int:
        return sum(len(row.levels) - 1 for row in self.dimensions.values())


class LabFacts(Frozen):
    """The front matter of ``lab.py``."""

    title: Text
    minutes: Annotated[int, Field(gt=0)]
    datasets: Texts


class Lab(Frozen):
    slug: str
    folder: Path
    facts: LabFacts
    source: str  # lab.py without its front matter: cells in jupytext's percent format
    mistakes: str  # wrong_answers.py, in the same format
    rubric: Rubric


class Column(Frozen):
    description: Text
    unit: Text | None = None
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    protected: bool = False

    @model_validator(mode="after")
    def _bounded(self) -> Column:
        if self.values is None and (self.low is None or self.high is None):
            raise ValueError("no range; give `low` and `high`, or `values` for a text column")
        return self


class DatasetFacts(Frozen):
    """The front matter of ``datasheet.md``."""

    title: Text
    licence: Text
    rows: Annotated[int, Field(gt=0)]  # of the table that students get
    seed: int
    columns: dict[str, Column]


class Target(Frozen):
    """A published figure that the generator has to reproduce."""

    statistic: Text
    target: float
    tolerance: Annotated[float, Field(gt=0)]
    citation: Text
    verified: Verification


class Calibration(Frozen):
    """``calibration.yml``: the cohort to draw and what it must show."""

    rows: Annotated[int, Field(ge=50_000)]
    seed: int
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]


class Dataset(Frozen):
    slug: str
    folder: Path
    facts: DatasetFacts
    body: str
    calibration: Calibration


class Course(Frozen):
    """Everything under one root, with every link between the parts resolved."""

    root: Path
    cases: dict[str, Case]
    labs: dict[str, Lab]
    datasets: dict[str, Dataset]
    citations: frozenset[str]
    pages: tuple[str, ...]  # the entries of _toc.yml, in order

    def lab(self, slug: str) -> Lab:
        """The lab called ``slug``; an unknown name raises a ContentError that lists the known ones."""
        return _pick(self.labs, "labs", slug)

    def dataset(self, slug: str) -> Dataset:
        """The dataset called ``slug``; an unknown name raises a ContentError as for ``lab``."""
        return _pick(self.datasets, "datasets", slug)


Part = TypeVar("Part", Case, Lab, Dataset)


def _pick(parts: Mapping[str, Part], kind: str, slug: str) -> Part:
    if slug in parts:
        return parts[slug]
    known = ", ".join(parts) or "none yet"
    raise ContentError([Finding(file=kind, where=slug, problem="no such folder", repair=f"There are: {known}")])


def find_root() -> Path:
    """The course in use: named by $EQUIPOISE_COURSE, else around the working directory, else our own."""
    if named := os.environ.get(COURSE_VARIABLE):
        return Path(named).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").is_file() and (folder / "cases").is_dir():
            return folder
    packaged = Path(__file__).parent / "course"
    return packaged if packaged.is_dir() else Path(__file__).parents[2]


def load_course(root: Path | None = None) -> Course:
    """Read the course at ``root``. Raises ContentError with every finding if there is any."""
    course, findings = read_course(root or find_root())
    if findings:
        raise ContentError(findings)
    return course


def load_dataset(root: Path, slug: str) -> Dataset:
    """Read one dataset and nothing else: a test cell that draws a cohort must not wait for a course."""
    reader = _Reader(root)
    folder = root / "datasets" / slug
    if not folder.is_dir():
        reader.note(folder, "folder", "there is no such dataset", "Check the name")
    dataset = reader.dataset(folder) if folder.is_dir() else None
    if reader.findings or dataset is None:
        raise ContentError(reader.findings)
    return dataset


def read_course(root: Path) -> tuple[Course, list[Finding]]:
    """What could be read of the course at ``root``, and all that is wrong with it."""
    reader = _Reader(root)
    course = Course(
        root=root,
        cases=reader.folders("cases", reader.case),
        labs=reader.folders("labs", reader.lab),
        datasets=reader.folders("datasets", reader.dataset),
        citations=reader.citations(),
        pages=reader.pages(),
    )
    return course, [*reader.findings, *_broken_links(course, reader.unreadable)]


class _Reader:
    """Reads the files of one course and keeps a list of what is wrong with them."""

    def __init__(self, root: Path):
        self.root = root
        self.findings: list[Finding] = []
        self.unreadable: set[str] = set()  # "labs/x": links to it are not dangling, only its files are bad

    def note(self, path: Path, where: str, problem: str, repair: str) -> None:
        file = str(path.relative_to(self.root))
        self.findings.append(Finding(file=file, where=where, problem=problem, repair=repair))

    def folders(self, kind: str, read) -> dict[str, Any]:
        parts = {}
        for folder in sorted((self.root / kind).glob("[!._]*/")):
            part = read(folder)
            if part is None:
                self.unreadable.add(f"{kind}/{folder.name}")
            else:
                parts[folder.name] = part
        return parts

    def text(self, path: Path) -> str | None:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.note(path, "file", "is missing", "Write it; `equipoise new` shows its shape")
        except UnicodeDecodeError as error:
            self.note(path, f"byte {error.start}", "is not UTF-8", "Save the file as UTF-8")
        else:
            for number, line in enumerate(text.splitlines(), 1):
                if MARKER in line:
                    self.note(path, f"line {number}", line.strip(" #*>-"), "Write this part")
            return text
        return None

    def mapping(self, path: Path, source: str | None) -> dict | None:
        if source is None:
            return None
        try:
            value = yaml.safe_load(source)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}" if mark else "YAML"
            problem = getattr(error, "problem", None) or "cannot be read"
            self.note(path, where, f"is not valid YAML ({problem})", "Check indentation and quotes")
            return None
        if not isinstance(value, dict):
            self.note(path, "YAML", "is not a list of keys and values", "Write `key: value` lines")
            return None
        return value

    def model(self, path: Path, kind: type[BaseModel], values: dict | None) -> Any:
        if values is None:
            return None
        try:
            return kind.model_validate(values)
        except ValidationError as error:
            for problem in error.errors():
                self.note(path, *_explain(problem, kind))
            return None

    def yaml_model(self, path: Path, kind: type[BaseModel]) -> Any:
        return self.model(path, kind, self.mapping(path, self.text(path)))

    def markdown(self, path: Path, kind: type[BaseModel], sections: tuple[str, ...]) -> tuple[Any, str]:
        text = self.text(path)
        if text is None:
            return None, ""
        found = FRONT_MATTER.match(text)
        if not found:
            self.note(path, "front matter", "is missing", "Begin the file with keys between two --- lines")
            return None, text
        facts = self.model(path, kind, self.mapping(path, found[1]))
        body = text[found.end() :]
        self.sections(path, body, sections)
        return facts, body

    def sections(self, path: Path, body: str, wanted: tuple[str, ...]) -> None:
        headings = tuple(HEADING.findall(body))
        if headings == wanted:
            return
        missing = [h for h in wanted if h not in headings]
        extra = [h for h in headings if h not in wanted]
        problem = "; ".join(
            f"{name} {', '.join(values)}" for name, values in (("no", missing), ("unknown", extra)) if values
        )
        order = " → ".join(wanted)
        self.note(path, "## headings", problem or "are in another order", f"Use, in this order: {order}")

    def case(self, folder: Path) -> Case | None:
        facts, body = self.markdown(folder / "case.md", CaseFacts, CASE_SECTIONS)
        quiz = self.yaml_model(folder / "quiz.yml", Quiz)
        teaching = self.text(folder / "teaching.md")
        if teaching is not None:
            self.sections(folder / "teaching.md", teaching, TEACHING_SECTIONS)
        if not (facts and quiz):
            return None
        return Case(slug=folder.name, folder=folder, facts=facts, body=body, quiz=quiz)

    def lab(self, folder: Path) -> Lab | None:
        facts, source = self.lab_page(folder / "lab.py")
        mistakes = self.text(folder / "wrong_answers.py")
        rubric = self.yaml_model(folder / "rubric.yml", Rubric)
        if not (facts and mistakes and rubric):
            return None
        return Lab(slug=folder.name, folder=folder, facts=facts, source=source, mistakes=mistakes, rubric=rubric)

    def lab_page(self, path: Path) -> tuple[LabFacts | None, str]:
        text = self.text(path)
        if text is None:
            return None, ""
        found = FRONT_COMMENT.match(text)
        if not found:
            repair = "Begin the file with keys between two # --- lines"
            self.note(path, "front matter", "is missing", repair)
            return None, text
        keys = re.sub(r"^# ?", "", found[1], flags=re.MULTILINE)
        return self.model(path, LabFacts, self.mapping(path, keys)), text[found.end() :].lstrip("\n")

    def dataset(self, folder: Path) -> Dataset | None:
        facts, body = self.markdown(folder / "datasheet.md", DatasetFacts, DATASHEET_SECTIONS)
        calibration = self.yaml_model(folder / "calibration.yml", Calibration)
        generator = self.text(folder / "generate.py")
        if not (facts and calibration and generator):
            return None
        return Dataset(slug=folder.name, folder=folder, facts=facts, body=body, calibration=calibration)

    def citations(self) -> frozenset[str]:
        path = self.root / "book" / "references.bib"
        text = self.text(path)
        try:
            entries = parse_string(text or "", "bibtex")
        except PybtexError as error:
            self.note(path, "BibTeX", f"cannot be read ({error})", "Mend the entry")
            entries = BibliographyData()
        return frozenset(entries.entries)

    def pages(self) -> tuple[str, ...]:
        path = self.root / "_toc.yml"
        return tuple(_files_in(self.mapping(path, self.text(path)) or {}))


def _files_in(toc: Any) -> Iterator[str]:
    """Every ``root:`` and ``file:`` in a table of contents, from top to bottom."""
    if isinstance(toc, dict):
        yield from (toc[key] for key in ("root", "file") if key in toc)
        toc = list(toc.values())
    if isinstance(toc, list):
        for entry in toc:
            yield from _files_in(entry)


def _explain(problem: Any, kind: type[BaseModel]) -> tuple[str, str, str]:
    """A pydantic error as (key, problem, repair)."""
    key = ".".join(map(str, problem["loc"])) or "file"
    if problem["type"] == "missing":
        return key, "is missing", f"Add `{problem['loc'][-1]}:`"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(kind.model_fields) if len(problem["loc"]) == 1 else "those of its neighbours"
        return key, "is not a known key", f"Remove it, or use one of: {known}"
    if problem["type"] == "value_error":
        what, _, repair = str(problem["ctx"]["error"]).partition("; ")
        return key, what, repair.capitalize() or "Correct the value"
    return key, problem["msg"][0].lower() + problem["msg"][1:], f"It is now {problem['input']!r}"


def _broken_links(course: Course, unreadable: set[str]) -> list[Finding]:
    """Links between the parts that lead nowhere, circles among prerequisites, parts that nobody uses."""
    findings: list[Finding] = []

    def note(file: str, where: str, problem: str, repair: str) -> None:
        findings.append(Finding(file=file, where=where, problem=problem, repair=repair))

    def link(file: str, key: str, kind: str, slug: str) -> None:
        known = getattr(course, kind)
        if slug not in known and f"{kind}/{slug}" not in unreadable:
            there = ", ".join(known) or "none"
            note(file, key, f"there is no {kind}/{slug}", f"Make that folder, or name one of: {there}")

    def cite(file: str, where: str, key: str) -> None:
        if key not in course.citations:
            note(file, where, f"there is no citation '{key}'", "Add it to book/references.bib")

    for slug, case in course.cases.items():
        file = f"cases/{slug}/case.md"
        link(file, "lab", "labs", case.facts.lab)
        for dataset in case.facts.datasets:
            link(file, "datasets", "datasets", dataset)
        for prerequisite in case.facts.prerequisites:
            link(file, "prerequisites", "cases", prerequisite)
        cite(file, "harm.citation", case.facts.harm.citation)
        for keys in CITATION.findall(case.body):
            for key in keys.split(","):
                cite(file, "text", key.strip())
        for page in (f"cases/{slug}/case", f"labs/{case.facts.lab}/lab"):
            if page not in course.pages:
                note("_toc.yml", page, "is not in the table of contents", f"Add `- file: {page}`")
    used = {case.facts.lab for case in course.cases.values()}
    a_case_is_unread = any(part.startswith("cases/") for part in unreadable)
    for slug, lab in course.labs.items():
        for dataset in lab.facts.datasets:
            link(f"labs/{slug}/lab.py", "datasets", "datasets", dataset)
        if slug not in used and MARKER not in lab.source and not a_case_is_unread:
            note(f"labs/{slug}", "folder", "is the lab of no case", "Name it under `lab:` in a case")
    for slug, dataset in course.datasets.items():
        for target in dataset.calibration.targets:
            cite(f"datasets/{slug}/calibration.yml", target.statistic, target.citation)
    for page in course.pages:
        if not any((course.root / f"{page}{suffix}").is_file() for suffix in (".md", ".py", "")):
            note("_toc.yml", page, "there is no such page", "Remove the line, or write the page")
    findings += _circles(course)
    return findings


def _circles(course: Course) -> list[Finding]:
    needs = {slug: set(case.facts.prerequisites) for slug, case in course.cases.items()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = error.args[1]
        return [
            Finding(
                file=f"cases/{circle[0]}/case.md",
                where="prerequisites",
                problem=f"form a circle: {' → '.join(circle)}",
                repair="Remove one of these prerequisites",
            )
        ]
    return []
