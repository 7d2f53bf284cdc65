"""A case's page: what its front matter says, below the title, and the questions of its quiz, at the end."""

from __future__ import annotations

from equipoise.book.markup import below_title
from equipoise.book.notes import with_notes
from equipoise.book.quiz import quiz
from equipoise.content import FRONT_MATTER, Case, Lab, Verification

SEEN = {
    Verification.PRIMARY: "",
    Verification.SECONDARY: " *(second-hand)*",
    Verification.COMPUTED: " *(computed by us)*",
}


def complete_case(case: Case, lab: Lab, text: str) -> str:
    """The Markdown of a case page with its header below the title, places for notes, and its quiz at the end."""
    front_matter = FRONT_MATTER.match(text)[0]
    body = with_notes(text[len(front_matter) :])
    return front_matter + below_title(body, _header(case, lab)) + quiz(case)


def _header(case: Case, lab: Lab) -> str:
    facts = case.facts
    rows = {
        "For": ", ".join(facts.levels),
        "Time": f"{facts.minutes} minutes for the case, {lab.facts.minutes} for the tasks of the lab",
        "Specialties": ", ".join(facts.specialty),
        "Principles": ", ".join(facts.principles),
        "Competencies": ", ".join(competency.meaning for competency in facts.competencies),
        "Published harm": f"{facts.harm.summary} {{cite:p}}`{facts.harm.citation}`{SEEN[facts.harm.verified]}",
        "Not in this case": "; ".join(facts.out_of_scope),
        "Lab": f"[{lab.facts.title}](../../labs/{lab.slug}/lab)",
    }
    lines = [f"- **{name}:** {value}" for name, value in rows.items()]
    return "\n".join([":::{admonition} At a glance", ":class: case-facts", *lines, ":::"])
