"""Places in a case for what its reader writes down: votes, guesses, a surprise, and a file of them for the memo.

A case says them in plain Markdown: what may be voted for is the numbered list of "First vote", what is to be guessed
the list of "Predict the numbers". Each place is an empty element, which ``notes.js`` fills; without JavaScript it shows
nothing, and a reader writes on paper.
"""

from __future__ import annotations

from equipoise.book.markup import html
from equipoise.content import first_list, section

PARTS_AT_THE_END = {"What surprised you?": "surprise", "Decision memo": "memo", "Second vote": "second-vote"}


def with_notes(body: str) -> str:
    """A case's text with a place for notes below the two lists and at the end of three sections."""
    places = {
        first_list(body, "First vote").end: "first-vote",
        first_list(body, "Predict the numbers").end: "predictions",
        **{section(body, heading)[1]: part for heading, part in PARTS_AT_THE_END.items()},
    }
    lines = body.splitlines()
    for line in sorted(places, reverse=True):
        lines[line:line] = ["", html(f'<case-notes data-part="{places[line]}"></case-notes>'), ""]
    return "\n".join(lines) + "\n"
