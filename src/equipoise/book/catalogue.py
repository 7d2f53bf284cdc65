"""Pages that find a case for a reader: the catalogue, which can be filtered, and the pathways, in teaching order.

A card's classes say what its case is about in codes that no translation changes; its lists say the same, in the same
order, in words. ``catalogue.js`` makes its filters of both. Without it, the page shows every case.
"""

from __future__ import annotations

from collections.abc import Iterable

from docutils.nodes import make_id
from sphinx.application import Sphinx

from equipoise.book.case_page import question, times, to_case, to_lab
from equipoise.book.markup import block, capital, duration, listed, quiet
from equipoise.content import Case, Course, Level
from equipoise.labs import extensions

CATALOGUE, PATHWAYS = "book/catalogue", "book/pathways"


def catalogue(course: Course) -> str:
    """Every case as a card, in the order of the book."""
    cards = [_card(case, course) for case in course.in_order()]
    return "\n\n" + block("grid", *cards, argument="1 1 2 2", gutter="3", class_container="eq-catalogue")


def add_filter(app: Sphinx, page: str, *_: object) -> None:
    if page == CATALOGUE:
        app.add_js_file("catalogue.js", type="module")


def _facets(case: Case) -> dict[str, list[tuple[str, str]]]:
    """By what a reader may choose: code and words of each value of a case."""
    facts = case.facts
    return {
        "level": _coded(facts.levels),
        "specialty": _coded(facts.specialty),
        "principle": _coded(facts.principles),
        "competency": [(competency, capital(competency.meaning)) for competency in facts.competencies],
        "region": _coded(facts.regions),
    }


def _coded(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, capital(value)) for value in values]


def _card(case: Case, course: Course) -> str:
    facets = _facets(case)
    codes = [f"{facet}-{make_id(code)}" for facet, values in facets.items() for code, _ in values]
    lists = [
        block("div", "\n".join(f"- {words}" for _, words in values), argument=f"eq-tags {facet}")
        for facet, values in facets.items()
    ]
    return block(
        "grid-item-card",
        # As a title of the card, a link would be lost in a translation.
        block("div", to_case(case, CATALOGUE), argument="sd-card-title sd-font-weight-bold"),
        f"{case.facts.harm.summary}.",
        f"*{question(case)}*" if question(case) else "",
        *lists,
        block("card-footer", times(case, course.lab(case.facts.lab))),
        class_item=" ".join(["eq-case", *codes]),
    )


def pathways(course: Course) -> str:
    """A section for each level: its cases in teaching order."""
    return "".join(_pathway(course, level) for level in Level)


def _pathway(course: Course, level: Level) -> str:
    cases = course.pathway(level)
    heading = f"\n\n## {level.capitalize()} training\n\n"
    if not cases:
        return f"{heading}No case yet."
    minutes = sum(case.facts.minutes + course.lab(case.facts.lab).facts.minutes for case in cases)
    total = f"{len(cases)} cases, {duration(minutes)} with their labs."
    steps = "\n".join(_step(number, case, course, level) for number, case in enumerate(cases, 1))
    return heading + total + "\n\n" + block("div", steps, argument="eq-path")


def _step(number: int, case: Case, course: Course, level: Level) -> str:
    lab, needed = course.lab(case.facts.lab), [course.cases[slug] for slug in case.facts.prerequisites]
    facts = [capital(listed(case.facts.specialty)), capital(times(case, lab))]
    if needed:
        facts.append(f"First read {listed(to_case(other, PATHWAYS) for other in needed)}")
    if level in extensions(lab):
        facts.append("The lab has an extension for this level")
    lines = [
        f"**{to_case(case, PATHWAYS)}**",
        f"*{question(case)}*" if question(case) else "",
        quiet(". ".join(facts) + "."),
        to_lab(case, f"Lab: {lab.facts.title}", PATHWAYS),
    ]
    return f"{number}. " + "\n\n".join(filter(None, lines)).replace("\n", "\n   ")
