"""Folders become objects: cases, labs, datasets and quizzes, read once and frozen.

A course is edited by people who are not programmers, in plain text, one folder at a time. So this module
never stops at the first slip: it reads everything, collects every ``Finding`` (which file, which key, what
is wrong, how to mend it) and shows them at once. The rest of the engine only ever sees a course without
findings.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pybtex.database import PybtexError, parse_string
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

COURSE_VARIABLE = "EQUIPOISE_COURSE"
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MARKER = "TODO"  # what `equipoise new` leaves where an author has to write
CITATION = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
TITLE = re.compile(r"^# +.+$", re.MULTILINE)
SECURE = re.compile(r"https://\S+|http://(127\.0\.0\.1|localhost)[:/]\S*")  # nothing needs securing on this machine
CHECKSUM = re.compile(r"md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}")
FENCED = re.compile(r"^(```+|:::+)\{code-cell\}.*?^\1\s*$", re.DOTALL | re.MULTILINE)
FRONT_MATTER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
FRONT_COMMENT = re.compile(r"\A# ---\n(.*?)^# ---\n", re.DOTALL | re.MULTILINE)

CASE_SECTIONS = (
    "The case",
    "First vote",
    "Predict the numbers",
    "Facts and unknowns",
    "Stakeholders",
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
ASKED = {  # what a reader answers: the section, the kind of list, its least length, and its repair
    "First vote": ("ordered_list", 2, "Write what may be voted for as lines that begin with 1. 2. 3."),
    "Predict the numbers": ("bullet_list", 1, "Write each number to be guessed as a line that begins with -"),
}
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
    """What a column holds: numbers from ``low`` to ``high``, some of ``values``, or free text."""

    description: Text
    unit: Text | None = None
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    longest: Annotated[int, Field(gt=0)] | None = None  # characters of free text
    protected: bool = False

    @model_validator(mode="after")
    def _bounded(self) -> Column:
        if self.values is None and self.longest is None and (self.low is None or self.high is None):
            raise ValueError("no range; give `low` and `high`, `values` for a text column, or `longest` for free text")
        return self


class DatasetFacts(Frozen):
    """The front matter of ``datasheet.md``."""

    title: Text
    licence: Text
    size: Annotated[int, Field(gt=0)]  # units (patients, stays, films) that students get
    seed: int
    columns: dict[str, Column]
    images: Text | None = None  # what an image shows, and its size


class Target(Frozen):
    """A published figure that the generator has to reproduce."""

    statistic: Text
    label: Text  # the figure in words
    target: float
    tolerance: Annotated[float, Field(gt=0)]
    citation: Text
    verified: Verification
    note: Text | None = None  # what one has to know to compare the two


class Calibration(Frozen):
    """``calibration.yml``: the cohort to draw and what it must show."""

    note: Text | None = None  # where the figures come from, and how we saw them
    size: Annotated[int, Field(ge=50_000)]
    seed: int
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]


def _secure(address: str) -> str:
    if not SECURE.match(address):
        raise ValueError("is no secure address; begin it with https://")
    return address


def _checksum(text: str) -> str:
    if not CHECKSUM.fullmatch(text):
        raise ValueError("is no checksum; write sha256:, sha1: or md5: and the sum in small letters")
    return text


Address = Annotated[str, AfterValidator(_secure)]


class Source(Frozen):
    """``source.yml``: the real table that a synthetic one stands in for, fetched by whoever wants it, never shipped.

    Either ``url`` and ``checksum`` say which file it is, or ``description`` does: the address of OpenML's description
    of a dataset, a JSON document that holds both.
    """

    title: Text
    licence: Text
    licence_url: Address
    citation: Text
    rows: Annotated[int, Field(gt=0)]
    format: Literal["arff", "csv"]
    url: Address | None = None
    checksum: Annotated[str, AfterValidator(_checksum)] | None = None
    description: Address | None = None
    columns: Mapping[str, Text] = Field(default_factory=dict)  # our name: theirs, where the two differ

    @model_validator(mode="after")
    def _found(self) -> Source:
        given = [name for name in ("url", "checksum", "description") if getattr(self, name)]
        if given not in (["url", "checksum"], ["description"]):
            raise ValueError("does not say which file it is; give `url` and `checksum`, or `description`")
        return self


class Dataset(Frozen):
    slug: str
    folder: Path
    facts: DatasetFacts
    body: str
    calibration: Calibration
    source: Source | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that students get: the table, then the images in the same order if there are any."""
        return (f"{self.slug}.csv", f"{self.slug}.npy") if self.facts.images else (f"{self.slug}.csv",)


class Course(Frozen):
    """Everything under one root, with every link between the parts resolved."""

    root: Path
    cases: dict[str, Case]
    labs: dict[str, Lab]
    datasets: dict[str, Dataset]
    pages: tuple[str, ...] | None  # the entries of _toc.yml, in order; None if it cannot be read

    def in_order(self) -> tuple[Case, ...]:
        """The cases in the order of the book, which teaches every case after its prerequisites."""
        there = {f"cases/{slug}/case": case for slug, case in self.cases.items()}
        return tuple(there[page] for page in self.pages or () if page in there)

    def pathway(self, level: Level) -> tuple[Case, ...]:
        """The cases for ``level``, in teaching order."""
        return tuple(case for case in self.in_order() if level in case.facts.levels)

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
    """Read one dataset and nothing else: a case that draws a figure must not wait for a course.

    A draft with open TODOs loads; one that cannot be read raises ContentError.
    """
    reader = _Reader(root)
    folder = root / "datasets" / slug
    if not folder.is_dir():
        reader.note(folder, "folder", "there is no such dataset", "Check the name")
    dataset = reader.dataset(folder) if folder.is_dir() else None
    if dataset is None:
        raise ContentError(reader.findings)
    return dataset


def load_lab(root: Path, slug: str) -> tuple[Course, Lab]:
    """The lab called ``slug`` and its course. Raises ContentError as ``pick_lab`` does."""
    return pick_lab(*read_course(root), slug)


def pick_lab(course: Course, findings: list[Finding], slug: str) -> tuple[Course, Lab]:
    """A lab in which nothing is wrong, whatever is wrong elsewhere in the course.

    Raises ContentError with the findings about the lab and its datasets, or if there is no such lab.
    """
    folders = [f"labs/{slug}/"]
    if slug in course.labs:
        folders += [f"datasets/{name}/" for name in course.labs[slug].facts.datasets]
    if about := [finding for finding in findings if finding.file.startswith(tuple(folders))]:
        raise ContentError(about)
    return course, course.lab(slug)


def read_course(root: Path) -> tuple[Course, list[Finding]]:
    """What could be read of the course at ``root``, and all that is wrong with it."""
    reader = _Reader(root)
    course = Course(
        root=root,
        cases=reader.folders("cases", reader.case),
        labs=reader.folders("labs", reader.lab),
        datasets=reader.folders("datasets", reader.dataset),
        pages=reader.pages(),
    )
    reader.check_links()
    reader.check_circles()
    reader.check_contents(course)
    return course, reader.findings


class FoundList(NamedTuple):
    """A list of a page: how many entries it has, and the number of the line below it."""

    entries: int
    end: int


def first_list(body: str, heading: str) -> FoundList | None:
    """The list in which a case asks its reader below ``heading``, one of ASKED; None if there is none."""
    opening = f"{ASKED[heading][0]}_open"
    tokens, _ = section(body, heading)
    start = next((n for n, token in enumerate(tokens) if token.type == opening and token.level == 0), None)
    if start is None:
        return None
    inside = itertools.takewhile(lambda token: token.level > 0, tokens[start + 1 :])
    return FoundList(sum(token.type == "list_item_open" and token.level == 1 for token in inside), tokens[start].map[1])


def section(body: str, heading: str) -> tuple[list[Token], int]:
    """What stands below the second-level ``heading``, as Markdown tokens, and the number of the line below it."""
    tokens = MarkdownIt().disable("inline").parse(body)  # what stands inside a paragraph does not matter here
    heads = [n for n, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    ends = [*heads[1:], len(tokens)]
    for head, end in zip(heads, ends, strict=True):
        if tokens[head + 1].content == heading:
            return tokens[head:end], tokens[end].map[0] if end < len(tokens) else len(body.splitlines())
    return [], 0


def folder_names(root: Path, kind: str) -> list[str]:
    """The names of the folders under ``cases``, ``labs`` or ``datasets``, whether or not they can be read."""
    return sorted(folder.name for folder in (root / kind).glob("[!._]*/"))


class _Link(NamedTuple):
    """A name in one file that must lead somewhere: to a folder of ``kind``, or to a citation."""

    path: Path
    key: str
    kind: str
    name: str


class _Reader:
    """Reads the files of one course and keeps a list of what is wrong with them.

    Links are noted as each file is read, and followed at the end: so a file that is broken hides no broken link
    in the file beside it.
    """

    def __init__(self, root: Path):
        self.root = root
        self.findings: list[Finding] = []
        self.links: list[_Link] = []

    def note(self, path: Path, where: str, problem: str, repair: str) -> None:
        file = str(path.relative_to(self.root))
        self.findings.append(Finding(file=file, where=where, problem=problem, repair=repair))

    def names(self, kind: str) -> list[str]:
        return folder_names(self.root, kind)

    def folders(self, kind: str, read: Callable[[Path], Any]) -> dict[str, Any]:
        for name in self.names(kind):
            if not SLUG.fullmatch(name):
                repair = "Use small letters, digits and single hyphens"
                self.note(self.root / kind / name, "folder", "its name is no slug", repair)
        parts = {name: read(self.root / kind / name) for name in self.names(kind)}
        return {name: part for name, part in parts.items() if part is not None}

    def text(self, path: Path) -> str | None:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.note(path, "file", "is missing", "Write it; `equipoise new` shows its shape")
        except UnicodeDecodeError as error:
            self.note(path, f"byte {error.start}", "is not UTF-8", "Save the file as UTF-8")
        except OSError as error:
            self.note(path, "file", f"cannot be read ({error.strerror})", "Make it a file that you may read")
        else:
            for number, line in enumerate(text.splitlines(), 1):
                if MARKER in line:
                    self.note(path, f"line {number}", line.strip(" #*>-"), "Write this part")
            if text.strip():
                return text
            self.note(path, "file", "is empty", "Write it; `equipoise new` shows its shape")
        return None

    def mapping(self, path: Path, source: str | None, first_line: int = 1) -> dict | None:
        if source is None:
            return None
        try:
            value = yaml.safe_load(source)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + first_line}" if mark else "YAML"
            problem = getattr(error, "problem", None) or "cannot be read"
            self.note(path, where, f"is not valid YAML ({problem})", "Check indentation and quotes")
            return None
        except ValueError as error:  # such as a date that does not exist
            self.note(path, "YAML", f"holds a value that cannot be read ({error})", "Put the value in quotes")
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
            for problem in explain(error, kind):
                self.note(path, *problem)
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
        facts = self.model(path, kind, self.mapping(path, found[1], first_line=2))
        body = text[found.end() :]
        self.sections(path, body, sections)
        return facts, body

    def sections(self, path: Path, body: str, wanted: tuple[str, ...]) -> None:
        text = FENCED.sub("", body)
        if len(TITLE.findall(text)) != 1:
            self.note(path, "# title", f"there are {len(TITLE.findall(text))}", "Write one line that begins with #")
        headings = tuple(HEADING.findall(text))
        if headings == wanted:
            return
        missing = [h for h in wanted if h not in headings]
        extra = [h for h in headings if h not in wanted]
        problem = "; ".join(
            f"{name} {', '.join(values)}" for name, values in (("no", missing), ("unknown", extra)) if values
        )
        order = " → ".join(wanted)
        self.note(path, "## headings", problem or "are in another order", f"Use, in this order: {order}")

    def asked(self, page: Path, body: str) -> None:
        """A reader needs something to vote for and to guess. Where sections are missing, that is reported already."""
        if tuple(HEADING.findall(FENCED.sub("", body))) != CASE_SECTIONS:
            return
        for heading, (_, least, repair) in ASKED.items():
            found = first_list(body, heading)
            if not found or found.entries < least:
                problem = f"has no list of at least {least} {'entries' if least > 1 else 'entry'}"
                self.note(page, f"## {heading}", problem, repair)

    def case(self, folder: Path) -> Case | None:
        page = folder / "case.md"
        facts, body = self.markdown(page, CaseFacts, CASE_SECTIONS)
        self.asked(page, body)
        quiz = self.yaml_model(folder / "quiz.yml", Quiz)
        teaching = self.text(folder / "teaching.md")
        if teaching is not None:
            self.sections(folder / "teaching.md", teaching, TEACHING_SECTIONS)
        for file, text in ((page, body), (folder / "teaching.md", teaching or "")):
            keys = (key.strip() for role in CITATION.findall(text) for key in role.split(","))
            self.links += [_Link(file, "text", "citations", key) for key in keys]
        if facts:
            self.links.append(_Link(page, "harm.citation", "citations", facts.harm.citation))
            self.links.append(_Link(page, "lab", "labs", facts.lab))
            self.links += [_Link(page, "datasets", "datasets", name) for name in facts.datasets]
            self.links += [_Link(page, "prerequisites", "cases", name) for name in facts.prerequisites]
        if not (facts and quiz):
            return None
        return Case(slug=folder.name, folder=folder, facts=facts, body=body, quiz=quiz)

    def lab(self, folder: Path) -> Lab | None:
        facts, source = self.lab_page(folder / "lab.py")
        mistakes = self.text(folder / "wrong_answers.py")
        rubric = self.yaml_model(folder / "rubric.yml", Rubric)
        if facts:
            self.links += [_Link(folder / "lab.py", "datasets", "datasets", name) for name in facts.datasets]
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
        return self.model(path, LabFacts, self.mapping(path, keys, first_line=2)), text[found.end() :].lstrip("\n")

    def dataset(self, folder: Path) -> Dataset | None:
        facts, body = self.markdown(folder / "datasheet.md", DatasetFacts, DATASHEET_SECTIONS)
        plan = folder / "calibration.yml"
        calibration = self.yaml_model(plan, Calibration)
        generator = self.text(folder / "generate.py")
        if calibration:
            targets = calibration.targets
            self.links += [_Link(plan, target.statistic, "citations", target.citation) for target in targets]
        real = folder / "source.yml"
        source = self.yaml_model(real, Source) if real.exists() else None
        if source:
            self.links.append(_Link(real, "citation", "citations", source.citation))
        if not (facts and calibration and generator):
            return None
        for name in source.columns if source else ():
            if name not in facts.columns:
                self.note(real, f"columns.{name}", "is no column of the datasheet", "Use the datasheet's name for it")
        return Dataset(slug=folder.name, folder=folder, facts=facts, body=body, calibration=calibration, source=source)

    def pages(self) -> tuple[str, ...] | None:
        path = self.root / "_toc.yml"
        contents = self.mapping(path, self.text(path))
        if contents is None:
            return None
        pages = []
        for entry in _files_in(contents):
            if isinstance(entry, str):
                pages.append(entry)
            else:
                self.note(path, f"file: {entry}", "names no page", "Write the page's path without its ending")
        return tuple(pages)

    def citations(self) -> list[str] | None:
        path = self.root / "book" / "references.bib"
        text = self.text(path)
        try:
            return None if text is None else list(parse_string(text, "bibtex").entries)
        except PybtexError as error:
            self.note(path, "BibTeX", f"cannot be read ({error})", "Mend the entry")
            return None

    def check_links(self) -> None:
        there = {kind: self.names(kind) for kind in ("cases", "labs", "datasets")}
        there["citations"] = self.citations()
        for path, key, kind, name in self.links:
            if there[kind] is None or name in there[kind]:
                continue
            if kind == "citations":
                self.note(path, key, f"there is no citation '{name}'", "Add it to book/references.bib")
            else:
                known = ", ".join(there[kind]) or "none"
                self.note(path, key, f"there is no {kind}/{name}", f"Make that folder, or name one of: {known}")

    def check_circles(self) -> None:
        needs: dict[str, set[str]] = {}
        for path, key, _, name in self.links:
            if key == "prerequisites":
                needs.setdefault(path.parent.name, set()).add(name)
        while circle := _circle(needs):
            path = self.root / "cases" / circle[1] / "case.md"
            problem = f"form a circle: {' → '.join(circle)}"
            self.note(path, "prerequisites", problem, "Remove one of these prerequisites")
            needs[circle[1]].remove(circle[0])

    def check_contents(self, course: Course) -> None:
        """Labs that no case uses, and the table of contents against the folders."""
        if len(course.cases) == len(self.names("cases")):
            used = {case.facts.lab for case in course.cases.values()}
            for slug, lab in course.labs.items():
                if slug not in used and MARKER not in lab.source:
                    self.note(lab.folder, "folder", "is the lab of no case", "Name it under `lab:` in a case")
        if course.pages is None:
            return
        contents = self.root / "_toc.yml"
        wanted = [f"cases/{slug}/case" for slug in self.names("cases")]
        wanted += [f"labs/{case.facts.lab}/lab" for case in course.cases.values() if case.facts.lab in course.labs]
        for page in wanted:
            if page not in course.pages:
                self.note(contents, page, "is not in the table of contents", f"Add `- file: {page}`")
        order = [case.slug for case in course.in_order()]
        for number, slug in enumerate(order):
            for later in sorted(set(course.cases[slug].facts.prerequisites) & set(order[number + 1 :])):
                repair = f"Move cases/{later}/case above it, or remove the prerequisite from cases/{slug}/case.md"
                self.note(contents, f"cases/{slug}/case", f"comes before its prerequisite '{later}'", repair)
        for page in course.pages:
            if not any((self.root / f"{page}{suffix}").is_file() for suffix in (".md", ".py", "")):
                self.note(contents, page, "there is no such page", "Remove the line, or write the page")


def _files_in(toc: Any) -> Iterator[Any]:
    """Every ``root:`` and ``file:`` in a table of contents, from top to bottom."""
    if isinstance(toc, dict):
        yield from (toc[key] for key in ("root", "file") if key in toc)
        toc = list(toc.values())
    if isinstance(toc, list):
        for entry in toc:
            yield from _files_in(entry)


def explain(error: ValidationError, kind: type[BaseModel]) -> list[tuple[str, str, str]]:
    """What pydantic refused, as (key, problem, repair), each problem once."""
    problems = error.errors()
    return [_explain(problem, kind) for problem in problems if not _follows_from_another(problem, problems)]


def _follows_from_another(problem: Any, problems: list) -> bool:
    """Whether a list is only too short because an entry of it was refused, which is reported already."""
    place = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in problems
    )


def _explain(problem: Any, kind: type[BaseModel]) -> tuple[str, str, str]:
    """A pydantic error as (key, problem, repair)."""
    key = ".".join(map(str, problem["loc"])) or "file"
    match problem["type"]:
        case "missing":
            return key, "is missing", f"Add `{problem['loc'][-1]}:`"
        case "extra_forbidden":
            known = ", ".join(kind.model_fields) if len(problem["loc"]) == 1 else "those of its neighbours"
            return key, "is not a known key", f"Remove it, or use one of: {known}"
        case "value_error":
            what, _, repair = str(problem["ctx"]["error"]).partition("; ")
            return key, what, repair.capitalize() or "Correct the value"
        case "too_short":
            has, least = problem["ctx"]["actual_length"], problem["ctx"]["min_length"]
            return key, f"has {has} entries, at least {least} are needed", "Add what is missing"
        case "too_long":
            has, most = problem["ctx"]["actual_length"], problem["ctx"]["max_length"]
            return key, f"has {has} entries, at most {most} are allowed", "Remove what is too much"
    value = repr(problem["input"])
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    return key, problem["msg"][0].lower() + problem["msg"][1:], f"It is now {shown}"


def _circle(needs: Mapping[str, set[str]]) -> list[str] | None:
    """Cases of which each needs the one before it, and the first the last; None if there is no such circle."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return error.args[1]
    return None
