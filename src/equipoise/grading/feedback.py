"""What a student reads after marking: one page that can be opened anywhere, and shows nothing it should not.

nbgrader's own page prints hidden tests, lets scripts in outputs run, and fetches its parts from the internet. This
exporter takes its place through nbgrader's configuration::

    c.GenerateFeedback.exporter_class = "equipoise.grading.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = ["equipoise.grading.feedback.GetMarks"]

so that ``nbgrader generate_feedback``, formgrader's button and our own command write the same page. It refuses a
notebook that our engine did not mark, because such a mark may be forged.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import default

from equipoise import labs
from equipoise.grading import marked, pages
from equipoise.grading.marked import Marking, Task
from equipoise.grading.matching import released
from equipoise.grading.outputs import IMAGES, image

# Markup that is nothing without its script and style, such as scikit-learn's picture of a pipeline.
LIVE = re.compile(r"<(?:script|input|details|svg|iframe|object|video|audio)\b", re.IGNORECASE)
LONGEST_TEXT, MOST_OUTPUTS = 20_000, 50  # characters of one output, outputs of one cell
FOLDED_LINES, FOLDED_TEXT, FOLDED_HTML = 30, 3_000, 30_000  # an output with more is folded
ALMOST = 1e-9  # points that differ by less are the same


class FeedbackError(Exception):
    """This notebook must not be shown to its student; the message says why and what to do."""


class GetMarks(GetGrades):
    """nbgrader's marks, what a person wrote about them, and whether a person still has to look."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        cell, resources = super().preprocess_cell(cell, resources, index)
        if is_grade(cell):
            name = cell.metadata.nbgrader.grade_id
            grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
            cell.metadata.nbgrader.update(
                by_machine=grade.auto_score,
                by_person=grade.manual_score,
                waiting=grade.needs_manual_grade and grade.manual_score is None,
            )
        if is_solution(cell):  # nbgrader itself comments on what was left empty
            name = cell.metadata.nbgrader.grade_id
            comment = self.gradebook.find_comment(name, self.notebook_id, self.assignment_id, self.student_id)
            cell.metadata.nbgrader["comment"] = comment.manual_comment
        return cell, resources


class FeedbackExporter(Exporter):
    """Turns a marked notebook into its student's page."""

    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: NotebookNode, resources: dict | None = None, **kw: object) -> tuple[str, dict]:
        """The page as one self-contained HTML file. Raises FeedbackError if our engine did not mark this notebook."""
        notebook, resources = super().from_notebook_node(nb, resources, **kw)
        try:
            return page(notebook, resources["nbgrader"]), resources
        except FeedbackError as error:
            self.log.critical("%s", error)  # nbgrader passes the exception on as a log entry of a lower level only
            raise


@dataclass(frozen=True)
class Item:
    """A task's line in the results, and its mark in the notebook."""

    task: Task
    anchor: str
    score: float
    state: str  # passed, partly, failed, waiting, marked, empty
    message: str | None
    again: str | None  # the anchor of the answer to look at again
    changed: bool  # a person has overruled the machine
    commented: bool  # a person has written something about the answer


@dataclass(frozen=True)
class Output:
    """One thing that a cell showed."""

    kind: str  # text, stderr, error, html, picture, missing
    content: str | Markup
    folded: str = ""  # why it is folded: its length, in words


@dataclass(frozen=True)
class CellView:
    number: int
    anchor: str
    kind: str  # text, given, answer, essay, test
    content: str | Markup
    cut: bool  # something was left out of the content
    outputs: tuple[Output, ...]
    item: Item | None
    comment: Markup | None


@dataclass(frozen=True)
class Summary:
    """The student's points, and where they come from."""

    total: float
    of: float
    late: float
    machine: float
    machine_of: float
    waiting: float


def page(notebook: NotebookNode, marks: Mapping) -> str:
    """The HTML page. ``marks`` is what nbgrader knows: student, assignment, score, max_score, late_penalty.

    Raises FeedbackError.
    """
    marking = _checked(notebook, marks)
    fragments = pages.Fragments(level=2)
    items = _items(notebook, marking)
    return pages.render(
        "feedback.html.j2",
        title=marked.title(notebook) or marking.lab,
        student=marks["student"],
        marking=marking,
        summary=_summary(items.values(), marks),
        items=list(items.values()),
        competencies=_competencies(items.values()),
        notes=[(note, _where(notebook, note.cell)) for note in marking.notes],
        cells=[
            _cell_view(cell, number, items.get(labs.grade_id(cell)), fragments)
            for number, cell in enumerate(notebook.cells, 1)
        ],
    )


def _checked(notebook: NotebookNode, marks: Mapping) -> Marking:
    """The engine's record, if it belongs to this lab and agrees with the gradebook."""
    lab, student = marks["assignment"], marks["student"]
    again = f"Mark it again: equipoise grade {lab} --student {shlex.quote(student)}"
    marking = marked.marking(notebook.metadata.get("equipoise"))
    if marking is None:
        raise FeedbackError(f"{student}'s {lab} was not marked in the sandbox, so its feedback is withheld. {again}")
    if marking.lab != lab:
        raise FeedbackError(f"{student}'s {lab} holds a marked notebook of {marking.lab}. {again}")
    for cell in filter(is_grade, notebook.cells):
        grade = cell.metadata.nbgrader
        if "by_machine" not in grade:
            raise FeedbackError("Feedback needs the gradebook: c.GenerateFeedback.preprocessors must hold GetMarks")
        if labs.is_test(cell) and not _agree(marking, grade):
            raise FeedbackError(f"{student}'s {lab}: notebook and gradebook disagree about {grade.grade_id}. {again}")
    return marking


def _agree(marking: Marking, grade: Mapping) -> bool:
    found = marking.tests.get(grade["grade_id"])
    return found is not None and abs(found.points - (grade["by_machine"] or 0)) < ALMOST


def _items(notebook: NotebookNode, marking: Marking) -> dict[str, Item]:
    cells = {labs.grade_id(cell): (number, cell) for number, cell in enumerate(notebook.cells, 1)}
    answers = {cell.get("id"): (number, cell) for number, cell in enumerate(notebook.cells, 1)}
    items = {}
    for task in marked.tasks(notebook):
        number, cell = cells[task.id]
        grade, test = cell.metadata.nbgrader, marking.tests.get(task.id)
        answered, answer = answers.get(task.answer, (None, {}))
        items[task.id] = Item(
            task=task,
            anchor=_anchor(number),
            score=grade.score,
            state=_state(task, grade),
            message=test.message if test else None,
            again=_anchor(answered) if answer else None,
            changed=not task.written and grade.by_person is not None,
            commented=bool(_comment(answer)),
        )
    return items


def _anchor(number: int) -> str:
    return f"cell-{number}"


def _state(task: Task, grade: Mapping) -> str:
    if task.written:
        return "waiting" if grade["waiting"] else "empty" if grade["by_person"] is None else "marked"
    if grade["score"] > task.of - ALMOST:
        return "passed"
    return "partly" if grade["score"] > 0 else "failed"


def _summary(items: Iterable[Item], marks: Mapping) -> Summary:
    tests = [item for item in items if not item.task.written]
    return Summary(
        total=marks["score"],
        of=marks["max_score"],
        late=marks["late_penalty"],
        machine=sum(item.score for item in tests),
        machine_of=sum(item.task.of for item in tests),
        waiting=sum(item.task.of for item in items if item.state == "waiting"),
    )


def _competencies(items: Iterable[Item]) -> list[tuple[str, float, float]]:
    """Name, points and points to be had by competency, in the order of the lab; what waits does not count yet."""
    sums: dict[str, list[float]] = {}
    for item in items:
        if item.task.competency and item.state != "waiting":
            entry = sums.setdefault(item.task.competency, [0, 0])
            entry[0], entry[1] = entry[0] + item.score, entry[1] + item.task.of
    return [(name, score, of) for name, (score, of) in sums.items()]


def _where(notebook: NotebookNode, name: str | None) -> int | None:
    """The number of the cell that a note is about."""
    numbers = (number for number, cell in enumerate(notebook.cells, 1) if name and labs.grade_id(cell) == name)
    return next(numbers, None)


def _comment(cell: Mapping) -> str:
    """A grader's words about a cell, empty if there are none."""
    return (cell.get("metadata", {}).get("nbgrader", {}).get("comment") or "").strip()


def _cell_view(cell: NotebookNode, number: int, item: Item | None, fragments: pages.Fragments) -> CellView:
    kind, where = _kind(cell), f"cell {number}"
    source = released(cell) if is_locked(cell) else cell.source
    if cell.cell_type == "markdown":
        content = fragments.markdown(source, where, cell.get("attachments"))
    else:
        content = pages.code(source.rstrip())
    outputs = () if kind == "test" else tuple(_outputs(cell.get("outputs", []), where, fragments))
    words = _comment(cell)
    comment = fragments.markdown(words, f"the comment on {where}") if words else None
    return CellView(number, _anchor(number), kind, content, source != cell.source, outputs, item, comment)


def _kind(cell: NotebookNode) -> str:
    if labs.is_test(cell):
        return "test"
    if is_solution(cell):
        return "essay" if cell.cell_type == "markdown" else "answer"
    return "text" if cell.cell_type == "markdown" else "given"


def _outputs(outputs: Iterable[NotebookNode], where: str, fragments: pages.Fragments) -> Iterator[Output]:
    merged = list(_merged(outputs))
    for output in merged[:MOST_OUTPUTS]:
        yield _output(output, where, fragments)
    if len(merged) > MOST_OUTPUTS:
        yield Output("missing", f"{len(merged) - MOST_OUTPUTS} more outputs of this cell are left out here.")


def _merged(outputs: Iterable[NotebookNode]) -> Iterator[Mapping]:
    """Neighbouring pieces of one stream become one output."""
    for name, group in groupby(outputs, key=lambda output: output.get("name")):
        if name is None:
            yield from group
        else:
            yield {"output_type": "stream", "name": name, "text": "".join(output["text"] for output in group)}


def _output(output: Mapping, where: str, fragments: pages.Fragments) -> Output:
    if output["output_type"] == "stream":
        return _text("stderr" if output["name"] == "stderr" else "text", output["text"])
    if output["output_type"] == "error":
        return _text("error", "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}")
    return _display(output["data"], where, fragments)


def _display(data: Mapping, where: str, fragments: pages.Fragments) -> Output:
    """The richest form that can be shown safely."""
    for kind in IMAGES:
        if picture := image(kind, data.get(kind)):
            return Output("picture", f"data:{kind};base64,{picture}")
    html = data.get("text/html")
    if html and not LIVE.search(html) and (content := fragments.html(html, where)) is not None:
        return Output("html", content, "a long table" if len(html) > FOLDED_HTML else "")
    if "text/plain" in data:
        return _text("text", data["text/plain"])
    return Output("missing", "An output of this cell cannot be shown here.")


def _text(kind: str, text: str) -> Output:
    lines = text.count("\n") + 1
    long = lines > FOLDED_LINES or len(text) > FOLDED_TEXT
    shown = pages.plain(text[:LONGEST_TEXT])
    if len(text) > LONGEST_TEXT:
        shown += f"\n[{len(text) - LONGEST_TEXT:,} more characters are left out here]"
    return Output(kind, shown, f"{lines:,} lines, {len(text):,} characters" if long else "")
