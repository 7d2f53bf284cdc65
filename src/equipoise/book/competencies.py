"""What is taught where: cases against competencies, and the documents that students fill; gaps are said, not hidden.

A case teaches a competency if its front matter says so. What its lab marks and its quiz asks is counted beside it, also
where the front matter is silent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from equipoise import labs
from equipoise.book.case_page import to_case
from equipoise.book.markup import NO_BREAK, in_section, listed, quiet, table
from equipoise.content import RUSSELL_DOMAINS, Case, Competency, Course, Lab

PAGE = "book/competencies"
DOMAINS = tuple(competency for competency in Competency if competency in RUSSELL_DOMAINS)
PRINCIPLES = tuple(competency for competency in Competency if competency not in RUSSELL_DOMAINS)
NOT_TAUGHT, NOT_ASKED = "not taught", "not asked for"
Marked = tuple[dict[Competency | None, float], frozenset[Competency | None]]  # points of tests, and what the memo asks
DISCLOSURE = re.compile(r"disclosure statement", re.IGNORECASE)


def competencies(course: Course, text: str) -> str:
    """The page with a matrix in each of its sections."""
    marked = {case.slug: _marked(course.lab(case.facts.lab)) for case in course.in_order()}
    text = in_section(text, "Domains of competence", _matrix("Cases and domains", DOMAINS, course, marked))
    principles = _matrix("Cases and principles", PRINCIPLES, course, marked)
    text = in_section(text, "Principles for trustworthy AI", principles)
    return in_section(text, "What students fill in", _documents(course, marked))


def _marked(lab: Lab) -> Marked:
    return labs.tested(lab), labs.written(lab)


def _matrix(caption: str, columns: tuple[Competency, ...], course: Course, marked: Mapping[str, Marked]) -> str:
    heads = ["Case", *(_head(competency) for competency in columns)]
    rows = [[to_case(case, PAGE), *_cells(case, marked[case.slug], columns)] for case in course.in_order()]
    taught = Counter(competency for case in course.in_order() for competency in case.facts.competencies)
    total = ["Taught in", *(_cases(taught[competency]) for competency in columns)]
    return f"{_gaps(columns, taught)}\n\n{table(caption, heads, [*rows, total], 'eq-matrix')}"


def _head(competency: Competency) -> str:
    return f"{competency.value} {competency.meaning}" if competency in DOMAINS else competency.meaning


def _cells(case: Case, marked: Marked, columns: tuple[Competency, ...]) -> Iterator[str]:
    points, memo = marked
    questions = Counter(item.competency for item in case.quiz.items)
    for competency in columns:
        asked = [
            f"lab{NO_BREAK}{points[competency]:g}" if competency in points else "",
            "memo" if competency in memo else "",
            f"quiz{NO_BREAK}{questions[competency]}" if questions[competency] else "",
        ]
        yield _cell(competency in case.facts.competencies, ", ".join(filter(None, asked)))


def _cell(taught: bool, asked: str) -> str:
    if taught:
        return f"**Taught**\\\n{asked}" if asked else "**Taught**"
    return quiet(f"asked: {asked}" if asked else NOT_TAUGHT)


def _cases(number: int) -> str:
    return "1 case" if number == 1 else f"{number} cases" if number else "**no case**"


def _gaps(columns: tuple[Competency, ...], taught: Counter) -> str:
    """A sentence on what is missing, or else on what is taught least."""
    if gaps := [competency for competency in columns if not taught[competency]]:
        return f"**No case teaches {listed(map(_head, gaps))}.**"
    least = min(taught[competency] for competency in columns)
    thin = [competency for competency in columns if taught[competency] == least]
    return f"Every column is taught by at least one case. Least often: {listed(map(_head, thin))}, in {_cases(least)}."


def _documents(course: Course, marked: Mapping[str, Marked]) -> str:
    heads = ["Case", "Quiz", "Tasks of the lab", "Decision memo", "Disclosure statement"]
    rows = [_filled(case, course.lab(case.facts.lab), marked[case.slug]) for case in course.in_order()]
    return table("Cases and documents", heads, rows, "eq-matrix")


def _filled(case: Case, lab: Lab, marked: Marked) -> list[str]:
    points, _ = marked
    return [
        to_case(case, PAGE),
        f"{len(case.quiz.items)} questions",
        f"{sum(points.values()):g} points, marked by machine",
        f"{lab.rubric.points} points, by a rubric of {len(lab.rubric.dimensions)} rows",
        "**asked for**" if DISCLOSURE.search(case.body + lab.source) else quiet(NOT_ASKED),
    ]
