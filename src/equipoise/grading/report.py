"""What a grader wants to know of a class: how it went, which tests are poor, and who needs a person.

The page and its table are made from what is there already, the marked notebooks, the gradebook and the reasons why
marking failed, so that they can be made again at any time and never disagree with the marks.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from equipoise import labs
from equipoise.content import Lab
from equipoise.files import write_whole
from equipoise.grading import marked, pages, submissions
from equipoise.grading.harden import Kind
from equipoise.grading.marked import Marking, Task
from equipoise.grading.plan import failure
from equipoise.grading.records import marks
from equipoise.grading.submissions import FORMULA

GRADES = """
    SELECT submitted_assignment.student_id, base_cell.name, COALESCE(grade.manual_score, grade.auto_score, 0.0),
        grade.needs_manual_grade AND grade.manual_score IS NOT NULL
    FROM assignment
    JOIN notebook ON notebook.assignment_id = assignment.id AND notebook.name = assignment.name
    JOIN submitted_notebook ON submitted_notebook.notebook_id = notebook.id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN grade ON grade.notebook_id = submitted_notebook.id
    JOIN base_cell ON base_cell.id = grade.cell_id
    WHERE assignment.name = :lab
"""
NUMBER = re.compile(r"(?<!\w)[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", re.IGNORECASE)
SEVERAL = re.compile(r"#(?:[\s,]+#)+")
MOST_MESSAGES = 5  # of one test
MOST_BARS = 12
FEWEST_FOR_OUTLIERS = 8
FENCE = 3  # interquartile ranges above the third quartile: Tukey's "far out"
WEAK = 0.2  # discrimination below this tells little
Z = statistics.NormalDist().inv_cdf(0.975)
MEGABYTE = 1e6
AMOUNTS = {  # what may be far out, by what is said then
    "Took {:,.1f} s, where half of the class took at most {:,.1f} s.": lambda cost: cost.seconds,
    "Used {:,.0f} MB, where half of the class used at most {:,.0f} MB.": lambda cost: cost.peak_bytes / MEGABYTE,
}


@dataclass(frozen=True)
class Submission:
    """One student's work as it stands. ``marking`` is None where there is no result of the engine."""

    student: str
    marking: Marking | None = None
    points: Mapping[str, float] | None = None  # by grade_id, as in the gradebook; None: not in it
    total: float | None = None  # as exported
    waiting: float = 0  # points that a person still has to give
    look_again: bool = False  # a person's mark is older than the work
    failure: str = ""  # why the last attempt to mark it failed, if it did


@dataclass(frozen=True)
class Message:
    """What a test told ``count`` students, but for the numbers in it; ``text`` is the commonest form."""

    text: str
    count: int
    forms: int


@dataclass(frozen=True)
class TaskRow:
    """How a class did in one test. Shares lie between 0 and 1; ``low`` and ``high`` are Wilson's 95 % interval."""

    task: Task
    passed: int
    n: int
    low: float
    high: float
    discrimination: float | None
    messages: list[Message]
    kinds: int  # how many different messages there are


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram: whoever has at least ``first`` points and less than the next bar's."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float


def write_report(lab: Lab, root: Path, gradebook: Connection, folder: Path) -> tuple[Path, Path]:
    """Write ``LAB.html`` and ``LAB.csv`` to ``folder`` and return their paths. ``root`` is the classroom."""
    submissions = read_submissions(lab.slug, root, gradebook)
    html, table = folder / f"{lab.slug}.html", folder / f"{lab.slug}.csv"
    write_whole(html, page(lab, submissions))
    write_whole(table, csv_table(lab, submissions))
    return html, table


def read_submissions(lab: str, root: Path, gradebook: Connection) -> list[Submission]:
    """Everybody who handed in or was marked, by name."""
    grades: dict[str, dict[str, float]] = defaultdict(dict)
    look_again = set()
    for student, name, points, changed in gradebook.execute(text(GRADES), {"lab": lab}):
        grades[student][name] = points
        if changed:
            look_again.add(student)
    totals = marks(gradebook, lab)
    folders = [path for step in ("submitted", "autograded") for path in (root / step).glob(f"[!.]*/{lab}")]
    return [
        Submission(
            student=student,
            marking=_marking(root / "autograded" / student / lab / f"{lab}.ipynb", lab),
            points=grades.get(student),
            total=totals[student].points if student in totals else None,
            waiting=totals[student].waiting if student in totals else 0,
            look_again=student in look_again,
            failure=_failure(root, lab, student),
        )
        for student in sorted({folder.parent.name for folder in folders})
    ]


def _failure(root: Path, lab: str, student: str) -> str:
    """What marking left as its reason, or what would stop it before it begins."""
    try:
        return failure(root, lab, student).read_text(encoding="utf-8")
    except (OSError, ValueError):
        folder = root / "submitted" / student / lab
        return submissions.problem(folder) if os.path.lexists(folder) else ""


def _marking(path: Path, lab: str) -> Marking | None:
    try:
        recorded = json.loads(path.read_bytes())["metadata"]["equipoise"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    found = marked.marking(recorded)
    return found if found and found.lab == lab else None


# ---- the page


def page(lab: Lab, submissions: Sequence[Submission]) -> str:
    """The report as one self-contained HTML file."""
    done = [one for one in submissions if one.marking and one.points is not None]
    tests = _tests(lab)
    scores = [_machine(one, tests) for one in done]
    most = sum(task.of for task in tests)
    return pages.render(
        "report.html.j2",
        title=lab.facts.title,
        submissions=submissions,
        marked=done,
        unmarked=[one for one in submissions if one not in done],
        waiting=[one for one in done if one.waiting],
        most=most,
        scores=sorted(scores),
        median=statistics.median(scores) if scores else None,
        bars=histogram(scores, most),
        tests=[_task_row(task, done, tests) for task in tests],
        weak=WEAK,
        needs=needs_a_person(submissions),
        notes=_notes(done),
        sandboxes=Counter(one.marking.sandbox for one in done).most_common(),
        costs=_costs(done),
    )


def _tests(lab: Lab) -> list[Task]:
    return [task for task in marked.tasks(labs.instructor_notebook(lab)) if not task.written]


def _machine(one: Submission, tests: Iterable[Task]) -> float:
    """The points of all tests."""
    return math.fsum(one.points.get(task.id, 0) for task in tests)


def _task_row(task: Task, done: Sequence[Submission], tests: Sequence[Task]) -> TaskRow:
    points = [one.points.get(task.id, 0) for one in done]
    passed = sum(value >= task.of for value in points)
    missed = [one for one, value in zip(done, points, strict=True) if value < task.of]
    words = [found.message for one in missed if (found := one.marking.tests.get(task.id)) and found.message]
    grouped = group_messages(words)
    rest = [_machine(one, tests) - value for one, value in zip(done, points, strict=True)]
    return TaskRow(
        task=task,
        passed=passed,
        n=len(done),
        low=wilson(passed, len(done))[0],
        high=wilson(passed, len(done))[1],
        discrimination=discrimination(points, rest),
        messages=grouped[:MOST_MESSAGES],
        kinds=len(grouped),
    )


def wilson(passed: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share, ``passed`` of ``n``; all of [0, 1] if there is nobody.

    Source: Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = passed / n, Z**2 / n
    middle = (share + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / n / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def discrimination(item: Sequence[float], rest: Sequence[float]) -> float | None:
    """The corrected item-total correlation: of a test's points with the points of all *other* tests.

    For a test that is passed or failed this is the point-biserial correlation, between -1 and 1. With the test in the
    total, it would correlate with itself. None where it is undefined: everybody has the same points in one of the two.

    Source: Guilford, Educational and Psychological Measurement 13 (1953), 87-93.
    """
    try:
        return statistics.correlation(item, rest)
    except statistics.StatisticsError:
        return None


def group_messages(messages: Iterable[str]) -> list[Message]:
    """Messages that differ only in their numbers count as one; the commonest first."""
    groups: dict[str, Counter] = defaultdict(Counter)
    for message in messages:
        groups[SEVERAL.sub("#", NUMBER.sub("#", message))][message] += 1
    ordered = sorted(groups.values(), key=lambda forms: (-forms.total(), forms.most_common(1)[0][0]))
    return [Message(forms.most_common(1)[0][0], forms.total(), len(forms)) for forms in ordered]


def histogram(scores: Sequence[float], most: float, width: float = 640, height: float = 200) -> list[Bar]:
    """Bars of equal width in points, the last of which holds those with ``most`` points."""
    step = max(1, math.ceil((most + 1) / MOST_BARS))
    counts = Counter(int(score // step) for score in scores)
    number = int(most // step) + 1
    tallest, wide = max(counts.values(), default=1), width / number
    return [
        Bar(
            label=_range(index * step, min((index + 1) * step - 1, most)),
            count=counts[index],
            x=index * wide,
            y=height * (1 - counts[index] / tallest),
            width=wide * 0.86,
            height=height * counts[index] / tallest,
        )
        for index in range(number)
    ]


def _range(first: float, last: float) -> str:
    return f"{first:g}" if last <= first else f"{first:g}\u2013{last:g}"


# ---- who needs a person


def needs_a_person(submissions: Sequence[Submission]) -> list[tuple[str, list[str]]]:
    """Students and the reasons, in words, why a person should look. Essays that merely wait are not listed here."""
    reasons = {one.student: list(_reasons(one)) for one in submissions}
    for sentence, amount in AMOUNTS.items():
        amounts = {one.student: amount(one.marking.cost) for one in submissions if one.marking}
        for student, median in _far_out(amounts):
            reasons[student].append(sentence.format(amounts[student], median))
    return [(student, why) for student, why in reasons.items() if why]


def _reasons(one: Submission) -> Iterator[str]:
    if one.failure:
        yield one.failure
    elif one.marking is None:
        yield "Handed in, but not marked in the sandbox. Mark again."
    elif one.points is None:
        yield "Marked, but not in the gradebook. Mark again."
    if one.look_again:
        yield "A person's mark belongs to an earlier version. Look at it again."
    for note in one.marking.notes if one.marking else ():
        if note.kind != Kind.REPAIRED:
            yield note.text


def _far_out(amounts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Who is far above the rest (Tukey, Exploratory Data Analysis, 1977, chapter 2), and the median."""
    if len(amounts) < FEWEST_FOR_OUTLIERS:
        return []
    first, median, third = statistics.quantiles(amounts.values(), n=4)
    fence = max(third + FENCE * (third - first), 2 * median)  # in a class of equals, a little more is not far
    return [(student, median) for student, amount in amounts.items() if amount > fence]


def _notes(done: Iterable[Submission]) -> list[tuple[str, list[tuple[str, int, list[str]]]]]:
    """By kind: the text, how often, and for whom, the commonest first."""
    kinds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in done:
        for note in one.marking.notes:
            kinds[note.kind][f"{note.cell}: {note.text}" if note.cell else note.text].append(one.student)
    return [
        (kind, sorted(((words, len(who), sorted(set(who))) for words, who in texts.items()), key=lambda row: -row[1]))
        for kind, texts in sorted(kinds.items())
    ]


def _costs(done: Sequence[Submission]) -> dict[str, tuple[float, float]]:
    """Median and highest seconds, CPU seconds and megabytes."""
    if not done:
        return {}
    columns = zip(*(_cost(one.marking) for one in done), strict=True)
    names = ("Seconds", "CPU seconds", "Memory, MB")
    return {name: (statistics.median(column), max(column)) for name, column in zip(names, columns, strict=True)}


def _cost(marking: Marking) -> tuple[float, float, float]:
    """Seconds, CPU seconds, megabytes."""
    cost = marking.cost
    return round(cost.seconds, 2), round(cost.cpu_seconds, 2), round(cost.peak_bytes / MEGABYTE, 1)


# ---- the table


def csv_table(lab: Lab, submissions: Iterable[Submission]) -> str:
    """One row a student. Points are those of the gradebook; empty where there are none."""
    tests = [task.id for task in _tests(lab)]
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["student", "total", *map(harmless, tests), "seconds", "cpu_seconds", "peak_mb", "notes"])
    for one in submissions:
        points = [(one.points or {}).get(test, "") for test in tests]
        cost = _cost(one.marking) if one.marking else ("", "", "")
        total = "" if one.total is None else one.total
        writer.writerow([harmless(one.student), total, *points, *cost, harmless(" | ".join(_noted(one)))])
    return output.getvalue()


def _noted(one: Submission) -> Iterator[str]:
    if one.marking is None:
        yield "not marked"
    if one.failure:
        yield f"failed: {one.failure}"
    for note in one.marking.notes if one.marking else ():
        yield f"{note.kind}{f' ({note.cell})' if note.cell else ''}: {note.text}"


def harmless(words: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV Injection), in one line."""
    words = " ".join(pages.visible(words).split())
    return f"'{words}" if words.startswith(FORMULA) else words
