"""One source for a lab: from ``lab.py`` come the instructor's notebook, the student's, and every answer.

An author writes one solved notebook in plain Python cells. What each cell is follows from what it holds, so
that nobody writes nbgrader's metadata by hand:

    id + a solution region          the student answers here
    id + points                     a test cell, locked
    id + points + solution region   an essay, marked by a person with the rubric
    id alone                        locked: set-up, or text that must not change
    id + display                    locked code that only shows something; marking does not run it again
    level                           text that begins an extension: for that level and above, without points
    display alone                   code to try things with; marking runs it only if the student changed it
    none of them                    free text or code

``wrong_answers.py`` holds plausible mistakes as cells that replace one solution each.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import jupytext
import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from nbgrader.utils import is_grade, is_locked, is_solution
from pydantic import BaseModel, Field, ValidationError

from equipoise.content import Competency, Finding, Frozen, Lab, Level, Text, explain
from equipoise.grading.inside.names import bound_names, free_names, independent

SOLUTION = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
REGION = re.compile(r"### (BEGIN|END) (SOLUTION|HIDDEN TESTS)")
FEWEST_MISTAKES = 4
# Functions that draw, and where their seed stands among the arguments.
DRAWS = {"generate": 2, "default_rng": 0, "RandomState": 0, "SeedSequence": 0, "Random": 0, "seed": 0}
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What nbgrader does to a released notebook, less the steps that write to the gradebook.
RELEASE_STEPS = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ClearHiddenTests,
    ComputeChecksums,
)


Points = Annotated[float, Field(gt=0)]


class CellHeader(Frozen):
    """What may stand behind ``# %%`` in lab.py."""

    id: Text | None = None
    points: Points | None = None
    competency: Competency | None = None
    rubric: bool = False  # the rubric is shown in this cell
    display: bool = False  # only shows the student something: marking does not run it again
    level: Level | None = None  # an extension begins here, for this level and above


class MistakeHeader(Frozen):
    """What must stand behind ``# %%`` in wrong_answers.py."""

    mistake: Text
    replaces: Text
    loses: Annotated[dict[str, Points], Field(min_length=1)]


@dataclass(frozen=True)
class Mistake:
    """A plausible wrong answer: the solution it replaces and the points that it must cost, by test."""

    name: str
    replaces: str
    loses: Mapping[str, float]
    source: str


def instructor_notebook(lab: Lab) -> NotebookNode:
    """The solved notebook with nbgrader's metadata, solutions and hidden tests included."""
    cells = [_cell(number, cell, lab) for number, cell in enumerate(_written(lab.source))]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def student_notebook(lab: Lab) -> NotebookNode:
    """What nbgrader releases: no solution, no hidden test, no output."""
    return _released(instructor_notebook(lab))


def submission(lab: Lab, answers: Mapping[str, str]) -> NotebookNode:
    """The student's notebook with ``answers`` (source by cell id) filled in; other cells stay untouched."""
    notebook = student_notebook(lab)
    _fill(notebook, answers)
    return notebook


def marked_notebook(lab: Lab, answers: Mapping[str, str]) -> NotebookNode:
    """The same with the hidden tests put back: what runs when a submission is marked."""
    notebook = submission(lab, answers)
    originals = {grade_id(cell): cell for cell in instructor_notebook(lab).cells if grade_id(cell)}
    for cell in notebook.cells:
        if is_test(cell):
            cell.source = originals[grade_id(cell)].source
    return notebook


def solutions(lab: Lab) -> dict[str, str]:
    """The full answer to each task, by cell id, as a student would have typed it."""
    return {
        grade_id(cell): SOLUTION.sub("", cell.source) for cell in instructor_notebook(lab).cells if is_solution(cell)
    }


def mistakes(lab: Lab) -> list[Mistake]:
    """The planted wrong answers. Call ``check`` first: this trusts the headers of their cells."""
    return [
        Mistake(
            name=cell.metadata["mistake"],
            replaces=cell.metadata["replaces"],
            loses=cell.metadata["loses"],
            source=cell.source,
        )
        for cell in _written(lab.mistakes)
        if cell.cell_type == "code"
    ]


def points(lab: Lab) -> dict[str, float]:
    """Points by id of each test cell: what a machine marks."""
    return {grade_id(cell): cell.metadata.nbgrader.points for cell in instructor_notebook(lab).cells if is_test(cell)}


def tested(lab: Lab) -> dict[Competency | None, float]:
    """Points of the tests by competency; None stands for tests of none in particular."""
    sums: dict[Competency | None, float] = {}
    for cell in instructor_notebook(lab).cells:
        if is_test(cell):
            sums[_competency(cell)] = sums.get(_competency(cell), 0) + cell.metadata.nbgrader.points
    return sums


def written(lab: Lab) -> frozenset[Competency | None]:
    """The competencies of what students write and a person marks."""
    return frozenset(
        _competency(cell) for cell in instructor_notebook(lab).cells if is_grade(cell) and not is_test(cell)
    )


def _competency(cell: NotebookNode) -> Competency | None:
    named = cell.metadata.get("equipoise", {}).get("competency")
    return Competency(named) if named else None


def extensions(lab: Lab) -> frozenset[Level]:
    """The levels for which the lab has an extension."""
    begun = [Level(cell.metadata["level"]) for cell in _written(lab.source) if "level" in cell.metadata]
    return frozenset(level for first in begun for level in _and_above(first))


def grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_test(cell: NotebookNode) -> bool:
    """Whether a machine marks this cell."""
    return is_grade(cell) and not is_solution(cell)


def is_display(cell: NotebookNode) -> bool:
    """Whether this cell only shows the student something, so that no mark can depend on it."""
    return bool(cell.metadata.get("equipoise", {}).get("display"))


def set_up(notebook: NotebookNode) -> list[NotebookNode]:
    """The locked code cells that depend on nothing of the student's: marking runs them once more beside the tests."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and is_locked(c) and not (is_test(c) or is_display(c))]
    return [cell for cell, alone in zip(cells, independent(c.source for c in cells), strict=True) if alone]


def stub(cell: NotebookNode) -> str:
    """What the released notebook holds in place of a solution."""
    notebook = nbformat.v4.new_notebook(cells=[deepcopy(cell)], metadata={"kernelspec": KERNEL})
    return ClearSolutions().preprocess(notebook, {})[0].cells[0].source


def rubric_table(lab: Lab) -> str:
    """The rubric as a Markdown table, for the student and the marker alike."""
    lines = ["| | 0 | 1 | 2 | 3 |", "|---|---|---|---|---|"]
    for row in lab.rubric.dimensions.values():
        lines.append(f"| **{row.title}** | " + " | ".join(row.levels) + " |")
    return "\n".join(lines)


@lru_cache(maxsize=64)
def _written(source: str) -> tuple[NotebookNode, ...]:
    """The cells of a file in percent format, as their author wrote them. Shared: do not change them."""
    cells = jupytext.reads(source, fmt="py:percent").cells
    for cell in cells:
        cell.metadata.pop("lines_to_next_cell", None)  # a layout hint of jupytext, not the author's
    return tuple(cells)


def _cell(number: int, written: NotebookNode, lab: Lab) -> NotebookNode:
    source = written.source
    if written.metadata.get("rubric"):
        source = f"{source}\n\n{rubric_table(lab)}".lstrip()
    if level := written.metadata.get("level"):
        heading, _, text = source.partition("\n")
        source = f"{heading}\n\n*{_audience(Level(level))} No points.*\n{text}"
    new = nbformat.v4.new_code_cell if written.cell_type == "code" else nbformat.v4.new_markdown_cell
    name = written.metadata.get("id")
    cell = new(source, id=f"cell-{number}")
    if name:
        cell.metadata["nbgrader"] = _nbgrader(name, written)
    if ours := {key: written.metadata[key] for key in ("competency", "display") if written.metadata.get(key)}:
        cell.metadata["equipoise"] = ours
    return cell


def _audience(level: Level) -> str:
    return f"An extension for {' and '.join(_and_above(level))} training."


def _and_above(level: Level) -> list[Level]:
    levels = list(Level)
    return levels[levels.index(level) :]


def _nbgrader(name: str, written: NotebookNode) -> dict:
    answered = bool(SOLUTION.search(written.source))
    graded = "points" in written.metadata
    metadata = {
        "cell_type": written.cell_type,
        "grade": graded,
        "grade_id": name,
        "locked": not answered,
        "schema_version": 3,
        "solution": answered,
        "task": False,
    }
    return metadata | ({"points": written.metadata["points"]} if graded else {})


def _released(notebook: NotebookNode) -> NotebookNode:
    notebook, resources = deepcopy(notebook), {}
    for step in RELEASE_STEPS:
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def _fill(notebook: NotebookNode, answers: Mapping[str, str]) -> None:
    for cell in notebook.cells:
        if is_solution(cell) and grade_id(cell) in answers:
            cell.source = answers[grade_id(cell)]


def check(lab: Lab) -> list[Finding]:
    """All that is wrong with a lab and can be seen without running it."""
    malformed = [*_headers(lab, lab.source, CellHeader, "lab.py"), *_regions(lab)]
    malformed += _headers(lab, lab.mistakes, MistakeHeader, "wrong_answers.py")
    if malformed:
        return malformed  # what the cells are cannot be told before this is mended
    findings = [*_cell_findings(lab), *_mistake_findings(lab)]
    return findings or [*_leaks(lab), *_name_findings(lab)]


def _headers(lab: Lab, source: str, kind: type[BaseModel], file: str) -> Iterator[Finding]:
    for number, cell in enumerate(_written(source), 1):
        if kind is MistakeHeader and cell.cell_type != "code":
            continue
        try:
            kind.model_validate(cell.metadata)
        except ValidationError as error:
            name = cell.metadata.get("id") or cell.metadata.get("mistake") or number
            for key, problem, repair in explain(error, kind):
                yield _finding(lab, f"cell {name}: {key}", problem, repair, file)


def _regions(lab: Lab) -> Iterator[Finding]:
    """Every region that begins must end, before another begins."""
    for number, cell in enumerate(_written(lab.source), 1):
        marks = REGION.findall(cell.source)
        pairs = list(zip(marks[::2], marks[1::2], strict=False))
        if len(marks) % 2 or any((b, e) != ("BEGIN", "END") or x != y for (b, x), (e, y) in pairs):
            where = f"cell {cell.metadata.get('id', number)}"
            yield _finding(lab, where, "a region begins or ends without the other", "Pair ### BEGIN with ### END")


def _cell_findings(lab: Lab) -> Iterator[Finding]:
    seen: set[str] = set()
    essays, extension = {}, False
    for number, cell in enumerate(_written(lab.source), 1):
        name, graded = cell.metadata.get("id"), "points" in cell.metadata
        where, answered = f"cell {name or number}", bool(SOLUTION.search(cell.source))
        if name in seen:
            yield _finding(lab, where, "the id is taken", "Give each cell an id of its own")
        if name:
            seen.add(name)
        elif graded or answered:
            yield _finding(lab, where, "a solution or a test without an id", 'Write # %% id="..."')
        if cell.cell_type == "code" and (problem := _syntax_problem(cell.source)):
            yield _finding(lab, where, problem, "Mend the code")
        if cell.metadata.get("display") and (cell.cell_type != "code" or graded or answered):
            yield _finding(lab, where, "is for display, but text or marked", "Display needs code without points")
        extension = bool(cell.metadata.get("level")) or (extension and not cell.source.startswith("## "))
        if extension and cell.cell_type == "code" and not cell.metadata.get("display"):
            yield _finding(lab, where, "would run for every submission, though it is an extension", "Add display=true")
        if cell.metadata.get("level") and (name or cell.cell_type == "code" or not cell.source.startswith("## ")):
            yield _finding(lab, where, "an extension begins elsewhere", "Put level on plain text that begins with ##")
        if graded and answered:
            essays[name] = cell.metadata["points"]
        elif graded and cell.cell_type == "code":
            yield from _test_findings(lab, where, cell.source)
            yield from _seed_findings(lab, where, cell.source)
        elif graded:
            yield _finding(lab, where, "text with points but no solution", "Add ### BEGIN SOLUTION and its end")
    for name, worth in essays.items():
        if worth != lab.rubric.points:
            problem = f"is worth {worth:g} points, the rubric {lab.rubric.points}"
            yield _finding(lab, f"cell {name}", problem, "Make the two agree")
    if not essays:
        yield _finding(lab, "memo", "there is none", "Add a [markdown] cell with points and a solution")


def _test_findings(lab: Lab, where: str, source: str) -> Iterator[Finding]:
    """A test cell that ends in a value earns part of the points, or all of them, by accident."""
    tree = _tree(source)
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        yield _finding(lab, where, "ends in an expression", "nbgrader reads its value as a mark: use assert")
    if not asserts:
        yield _finding(lab, where, "tests nothing", "Add an assert with a message")
    for node in asserts:
        if node.msg is None:
            yield _finding(lab, where, f"line {node.lineno} has no message", "Say what was expected")


def _seed_findings(lab: Lab, where: str, source: str) -> Iterator[Finding]:
    """The lab is public: what a hidden test draws must not follow from what is written in it."""
    hidden = _hidden_lines(source)
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Call) and node.lineno in hidden and _draws_what_is_known(node):
            problem = f"line {node.lineno} draws with a seed that everybody can read, or with none"
            yield _finding(lab, where, problem, "Import unseen from equipoise.datasets; write unseen(a number) there")


def _hidden_lines(source: str) -> frozenset[int]:
    """The numbers of the lines in hidden regions, counted from 1."""
    regions = ((source.count("\n", 0, found.start()), found[0].count("\n")) for found in HIDDEN.finditer(source))
    return frozenset(number for above, lines in regions for number in range(above + 1, above + lines + 2))


def _draws_what_is_known(call: ast.Call) -> bool:
    name, seeds = _called(call), [keyword.value for keyword in call.keywords if keyword.arg == "seed"]
    if name not in DRAWS:  # perhaps a student's function, which may be given any seed but not one from the page
        return any(isinstance(seed, ast.Constant) for seed in seeds)
    seeds += call.args[DRAWS[name] :][:1]
    inner = [node for seed in seeds for node in ast.walk(seed) if isinstance(node, ast.Call)]
    return "unseen" not in map(_called, inner)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _tree(source: str) -> ast.Module:
    """The cell as Python, empty if it is none, which is a finding of its own."""
    return ast.Module(body=[], type_ignores=[]) if _syntax_problem(source) else ast.parse(source)


def _syntax_problem(source: str) -> str | None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        return f"line {error.lineno} is not Python ({error.msg})"
    return None


def _name_findings(lab: Lab) -> Iterator[Finding]:
    """Marking runs tests in a process apart, and displays not at all: what they bind must not be used elsewhere.

    A test sees what it binds itself, what the set-up cells bind, and the student's values.
    """
    notebook = instructor_notebook(lab)
    set_up_ids = {grade_id(cell) for cell in set_up(notebook)}
    last: dict[str, NotebookNode] = {}  # the cell above that bound a name last
    fixed: dict[str, str] = {}  # the set-up cell that binds a name
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        name = grade_id(cell)
        where, bound = f"cell {name or number}", bound_names(cell.source)
        for used in sorted(free_names(cell.source) & last.keys()):
            yield from _use_findings(lab, where, used, last[used])
        anew = set() if is_test(cell) or name in set_up_ids else bound & fixed.keys()
        for again in sorted(anew):
            problem = f"binds '{again}' anew; tests go on seeing the value of cell {fixed[again]}"
            yield _finding(lab, where, problem, "Choose another name")
        if name in set_up_ids:
            fixed |= dict.fromkeys(bound, name)
        last |= dict.fromkeys(bound - anew, cell)


def _use_findings(lab: Lab, where: str, used: str, binder: NotebookNode) -> Iterator[Finding]:
    if is_test(binder):
        problem = f"uses '{used}' as the test {grade_id(binder)} binds it"
        yield _finding(lab, where, problem, "Bind it here: in marking nobody sees the names of a test")
    elif is_display(binder):
        shown = grade_id(binder) or "without an id"
        problem = f"uses '{used}' as the display cell {shown} binds it"
        yield _finding(lab, where, problem, "Bind it here, or remove display from that cell")


def _mistake_findings(lab: Lab) -> Iterator[Finding]:
    file, planted = "wrong_answers.py", mistakes(lab)
    cells = {cell.metadata.get("id"): cell for cell in _written(lab.source)}
    answers = [name for name, cell in cells.items() if name and SOLUTION.search(cell.source)]
    tests = {name: cell.metadata["points"] for name, cell in cells.items() if name and "points" in cell.metadata}
    if len(planted) < FEWEST_MISTAKES:
        yield _finding(lab, "file", f"plants {len(planted)} mistakes", f"Plant at least {FEWEST_MISTAKES}", file)
    for mistake in planted:
        where = f"mistake {mistake.name}"
        if mistake.replaces not in answers:
            problem = f"there is no solution '{mistake.replaces}'"
            yield _finding(lab, where, problem, f"Name one of: {', '.join(answers)}", file)
        for test, lost in mistake.loses.items():
            if lost > tests.get(test, 0):
                there = ", ".join(f"{name} ({value})" for name, value in tests.items())
                yield _finding(lab, where, f"cannot lose {lost} points in '{test}'", f"Tests are: {there}", file)


def _leaks(lab: Lab) -> Iterator[Finding]:
    """Anything of the solution that the released notebook would show."""
    notebook = student_notebook(lab)
    text = "\n".join(cell.source for cell in notebook.cells)
    for cell in instructor_notebook(lab).cells:
        for hidden in HIDDEN.findall(cell.source):
            if hidden.strip() and hidden.strip() in text:
                yield _finding(lab, f"cell {grade_id(cell)}", "its hidden test is released", "Move it")
    for word in ("SOLUTION", "HIDDEN TESTS", "equipoise"):
        if word in text:
            yield _finding(lab, "released notebook", f"contains '{word}'", "Move it into a hidden region")
    if any(cell.get("outputs") for cell in notebook.cells):
        yield _finding(lab, "released notebook", "holds outputs", "Remove them")


def _finding(lab: Lab, where: str, problem: str, repair: str, file: str = "lab.py") -> Finding:
    return Finding(file=f"labs/{lab.slug}/{file}", where=where, problem=problem, repair=repair)
