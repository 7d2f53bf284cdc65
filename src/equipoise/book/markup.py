"""Markdown that several kinds of page need: MyST text wherever possible, so that it is translated with the page."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from equipoise.content import TITLE, Course, Verification

SEEN = {
    Verification.PRIMARY: "read in the source",
    Verification.SECONDARY: "second-hand",
    Verification.COMPUTED: "computed by us",
}
NO_BREAK = "\N{NO-BREAK SPACE}"
FENCE = re.compile(r"^\s*(:{3,})", re.MULTILINE)


class PageError(Exception):
    """A page lacks what the folders complete; the message says which page, and what."""


def below_title(text: str, addition: str) -> str:
    title = TITLE.search(text)
    return f"{text[: title.end()]}\n\n{addition}\n{text[title.end() :]}"


def html(markup: str) -> str:
    """Markup that only the pages of the site get, and that nobody translates."""
    return f"```{{raw}} html\n{markup}\n```"


def in_section(text: str, heading: str, addition: str) -> str:
    """``text`` with an addition at the end of its section ``## heading``. Raises PageError if it has none."""
    found = re.search(rf"^## {re.escape(heading)}\s*$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        title = TITLE.search(text)
        raise PageError(f"{title[0] if title else text[:40]}: there is no '## {heading}', which the folders complete")
    return f"{text[: found.end()].rstrip()}\n\n{addition}\n\n{text[found.end() :]}"


def block(name: str, *parts: str, argument: str = "", **options: str) -> str:
    """A directive as text; its fence is longer than any within it. ``class_`` is the option class."""
    body = "\n\n".join(part for part in parts if part)
    fence = ":" * (1 + max((len(inner) for inner in FENCE.findall(body)), default=2))
    keys = [f":{key.rstrip('_').replace('_', '-')}: {value}" for key, value in options.items()]
    return "\n".join([f"{fence}{{{name}}} {argument}".rstrip(), *keys, "", body, fence])


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str) -> str:
    """A table whose first row and first column are headings."""
    cells = "\n".join(_row(row) for row in (heads, *rows))
    return block("list-table", cells, argument=caption, header_rows="1", stub_columns="1", class_=kind)


def _row(cells: Sequence[str]) -> str:
    first, *others = (cell.replace("\n", "\n    ") for cell in cells)
    return "\n".join([f"* - {first}", *(f"  - {cell}" for cell in others)])


def link(text: str, start: str, page: str) -> str:
    """A link from one page of the book to another; both are named as in the table of contents."""
    return f"[{text}]({posixpath.relpath(page, posixpath.dirname(start))})"


def link_if_there(course: Course, text: str, start: str, page: str) -> str:
    """The same, or the bare text if the table of contents leaves that page out."""
    return link(text, start, page) if page in (course.pages or ()) else text


def listed(values: Iterable[str]) -> str:
    """Values in a sentence: one, another and a third."""
    *others, last = [*values] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def duration(minutes: int) -> str:
    """Minutes as people say them, never broken over two lines: 90 min, 2 h, 2 h 30."""
    hours, rest = divmod(minutes, 60)
    words = f"{minutes} min" if minutes < 100 else f"{hours} h {rest:02}" if rest else f"{hours} h"
    return words.replace(" ", NO_BREAK)


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def facts_list(facts: dict[str, str]) -> str:
    """Short facts, each with its name; one without words is left out."""
    return "\n".join(f"- **{name}** {capital(words)}" for name, words in facts.items() if words)


def quiet(words: str) -> str:
    """Words that stand back, so that what matters is seen."""
    return block("div", words, argument="eq-quiet")
