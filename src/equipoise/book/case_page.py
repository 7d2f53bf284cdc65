"""A case's page: what its front matter says, below the title, and the questions of its quiz, at the end.

The header is read in two glances: for whom, how long and what happened; then, folded, what a planner wants to know.
"""

from __future__ import annotations

import re

from equipoise.book.lab_page import start_in_jupyter
from equipoise.book.markup import SEEN, below_title, block, facts_list, link, link_if_there, listed
from equipoise.book.notes import with_notes
from equipoise.book.quiz import quiz
from equipoise.content import FRONT_MATTER, Case, Course, Lab, Verification

QUESTION = re.compile(r"^## First vote\s+([^?]+\?)", re.MULTILINE)


def complete_case(case: Case, course: Course, text: str, hub: str = "") -> str:
    """The Markdown of a case page with its header below the title, places for notes, and its quiz at the end.

    ``hub`` is the address of the course's JupyterHub, if it has one.
    """
    front_matter = FRONT_MATTER.match(text)[0]
    body = with_notes(text[len(front_matter) :])
    return front_matter + below_title(body, _header(case, course, hub)) + quiz(case)


def case_page(case: Case) -> str:
    """The name of a case's page in the table of contents."""
    return f"cases/{case.slug}/case"


def to_case(case: Case, start: str) -> str:
    """A link to the case's page from the page ``start``."""
    return link(case.facts.title, start, case_page(case))


def to_lab(case: Case, text: str, start: str) -> str:
    """A link to the page of the case's lab."""
    return link(text, start, f"labs/{case.facts.lab}/lab")


def question(case: Case) -> str:
    """What the reader decides: the question of the first vote."""
    found = QUESTION.search(case.body)
    return " ".join(found[1].split()) if found else ""


def harm(case: Case) -> str:
    """The published harm with its citation, and how we saw it unless in the source."""
    told = case.facts.harm
    seen = "" if told.verified is Verification.PRIMARY else f" *({SEEN[told.verified]})*"
    return f"{told.summary} {{cite:p}}`{told.citation}`{seen}"


def times(case: Case, lab: Lab) -> str:
    return f"{case.facts.minutes} minutes, and {lab.facts.minutes} for the lab"


def _header(case: Case, course: Course, hub: str) -> str:
    lab = course.lab(case.facts.lab)
    glance = facts_list(
        {
            "For": f"{listed(case.facts.levels)} training",
            "Time": times(case, lab),
            "Field": listed(case.facts.specialty),
        }
    )
    return block(
        "div",
        block("div", glance, argument="eq-facts"),
        f"**Published harm** {harm(case)}.",
        block("div", _ways_in(case, lab, hub), argument="eq-ways"),
        block("dropdown", block("div", _details(case, course), argument="eq-facts"), argument="More about this case"),
        argument="eq-glance",
    )


def _ways_in(case: Case, lab: Lab, hub: str) -> str:
    """To the lab: where it is done if the course says where, and its page in any case."""
    there = to_lab(case, f"{'Read' if hub else 'Open'} the lab: {lab.facts.title}", case_page(case))
    return f"{start_in_jupyter(hub, lab)} {there}" if hub else there


def _details(case: Case, course: Course) -> str:
    facts, here = case.facts, case_page(case)
    needed = [course.cases[slug] for slug in facts.prerequisites]
    data = [course.dataset(slug) for slug in facts.datasets]
    return facts_list(
        {
            "Principles": listed(facts.principles),
            "Competencies": listed(competency.meaning for competency in facts.competencies),
            "Regions": listed(facts.regions),
            "Who is affected": "; ".join(facts.stakeholders),
            "First read": listed(to_case(other, here) for other in needed) or "no other case",
            "Data": listed(link_if_there(course, d.facts.title, here, f"datasets/{d.slug}/datasheet") for d in data),
            "Not in this case": "; ".join(facts.out_of_scope),
        }
    )
