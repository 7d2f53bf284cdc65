"""Pages for people, made of what students wrote: the one place where untrusted text becomes safe to look at.

A page is a single file without any script, and its Content-Security-Policy lets a browser load nothing. That is the
second wall. The first is here: text is escaped by the templates, markup passes an allow-list, and characters that turn
a line round or hide in it are shown by their number. Markup is parsed only if it is well formed and modest.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from bleach.html5lib_shim import Filter
from bleach.sanitizer import Cleaner
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from equipoise.grading.outputs import TURNING, well_formed

LONGEST_MARKDOWN, LONGEST_CODE = 20_000, 50_000  # characters; what is longer is shown as plain text
# Control characters, the ones that change the direction of writing, and halves of characters that no file can hold.
TREACHEROUS = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{TURNING}\ud800-\udfff]")
WORDS = {"a", "abbr", "b", "br", "code", "del", "em", "i", "img", "ins", "kbd", "mark", "q", "s", "samp", "small"}
BLOCKS = {"blockquote", "dd", "details", "div", "dl", "dt", "hr", "li", "ol", "p", "pre", "summary", "ul"}
TABLES = {"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
TAGS = WORDS | {"span", "strong", "sub", "sup", "u", "var"} | BLOCKS | TABLES | HEADINGS
STYLE = re.compile(r"<(style|script)\b[^<>]*>[^<]*</\1\s*>", re.IGNORECASE)
LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")


def visible(text: str) -> str:
    """Text with every treacherous character replaced by its number, such as ``[U+202E]``; lines end in ``\\n``."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return TREACHEROUS.sub(lambda found: f"[U+{ord(found[0]):04X}]", lines)


def plain(text: str) -> str:
    """What a terminal would have shown, without colours."""
    return visible(strip_ansi(text))


def render(template: str, **view: object) -> str:
    """Fill in one of our templates. Everything that is not Markup is escaped and made visible."""
    return _environment().get_template(template).render(view)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("equipoise.grading"),
        autoescape=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["number"] = number
    return environment


def number(value: float) -> str:
    """A number with at most two decimals, and no more of them than it has."""
    return f"{round(value, 2) + 0:.2f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=256)  # most code of a class is the lab's, and the same on every page
def code(source: str) -> Markup:
    """Python source with its parts marked for the style sheet."""
    if len(source) > LONGEST_CODE:
        return escape(visible(source))
    return Markup(highlight(visible(source), PythonLexer(), HtmlFormatter(nowrap=True)))


class Fragments:
    """Makes safe fragments of the Markdown and HTML of one page, in the order in which it will show them.

    It keeps the outline of the page: no heading of a fragment stands more than one level below the one before.
    """

    def __init__(self, level: int):
        """``level`` is that of the heading under which the fragments stand."""
        self.top = self.level = level

    def markdown(self, source: str, where: str, attachments: Mapping | None = None) -> Markup:
        """Rendered Markdown; raw HTML in it counts if it is well formed, and is shown as it was typed if not."""
        source = visible(source)
        if len(source) <= LONGEST_MARKDOWN:
            for as_typed in (False, True):
                html = _rendered(source, as_typed, attachments or {})
                if html is not None and (fragment := self.html(html, where)) is not None:
                    return fragment
        return Markup("<pre>{}</pre>").format(source)

    def html(self, source: str, where: str) -> Markup | None:
        """Sanitised HTML, or None where it is not well formed or too large.

        ``where`` says what a table or a picture belongs to, such as "cell 5".
        """
        source = visible(source)
        if not well_formed(source):
            return None
        cleaner = Cleaner(
            tags=TAGS,
            attributes=_allowed,
            protocols={"http", "https", "mailto", "data"},  # data: of pictures only, see _allowed
            strip=True,
            filters=[lambda source: _Frame(source, self, where)],
        )
        return Markup(cleaner.clean(STYLE.sub("", source)))


def _rendered(source: str, as_typed: bool, attachments: Mapping) -> str | None:
    renderer = IPythonRenderer(escape=as_typed, exclude_anchor_links=True, attachments=attachments)
    try:
        return MarkdownWithMath(renderer=renderer).render(source)
    except Exception:  # a missing attachment, or deep nesting: the text itself can still be shown
        return None


def _allowed(tag: str, name: str, value: str) -> bool:
    if tag == "a" and name == "href":
        return bool(LINK.match(value))
    if tag == "img":
        return name == "alt" or (name == "src" and bool(PICTURE.fullmatch(value)))
    if tag in ("td", "th") and name in ("colspan", "rowspan"):
        return value.isdecimal() and len(value) < 4
    return tag == "ol" and name == "start" and value.isdecimal() and len(value) < 6


class _Frame(Filter):
    """Fits sanitised markup into the page: headings, tables that scroll, header cells, pictures, links."""

    def __init__(self, source: object, fragments: Fragments, where: str):
        super().__init__(source)
        self.fragments, self.where = fragments, where
        self.renamed: list[str] = []  # the new names of open headings and header cells
        self.in_head = False

    def __iter__(self) -> Iterator[dict]:
        tokens = list(super().__iter__())
        for token, following in zip(tokens, [*tokens[1:], {"type": None}], strict=True):
            name = token["name"] if token["type"] in ("StartTag", "EndTag", "EmptyTag") else None
            if name == "table":
                yield from self._table(token)
            elif name == "img":
                yield self._picture(token)
            else:
                yield self._renamed(token, following) if name else token

    def _renamed(self, token: dict, following: dict) -> dict:
        name, starts = token["name"], token["type"] == "StartTag"
        if name == "thead":
            self.in_head = starts
        if name == "a" and starts:
            token["data"][None, "rel"] = "noopener noreferrer nofollow"
        if name != "th" and name not in HEADINGS:
            return token
        if starts:
            self.renamed.append(self._header(token, following) if name == "th" else self._heading(name))
        return token | {"name": self.renamed[-1] if starts else self.renamed.pop()}

    def _heading(self, name: str) -> str:
        outline = self.fragments
        outline.level = min(outline.top + int(name[1]), outline.level + 1, 6)
        return f"h{outline.level}"

    def _header(self, token: dict, following: dict) -> str:
        """An empty header cell, as in the corner of a data frame, is none."""
        if following["type"] in ("EndTag", "SpaceCharacters") or following.get("name") == "nbsp":
            return "td"
        token["data"][None, "scope"] = "col" if self.in_head else "row"
        return "th"

    def _table(self, token: dict) -> Iterator[dict]:
        box = {"class": "scroll", "role": "group", "tabindex": "0", "aria-label": f"Table in {self.where}"}
        if token["type"] == "StartTag":
            yield _tag("StartTag", "div", box)
            yield token
        else:
            yield token
            yield _tag("EndTag", "div", {})

    def _picture(self, token: dict) -> dict:
        words = token["data"].setdefault((None, "alt"), "") or f"Picture in {self.where}"
        token["data"][None, "alt"] = words
        return token if (None, "src") in token["data"] else {"type": "Characters", "data": f"[not shown: {words}]"}


def _tag(kind: str, name: str, attributes: Mapping[str, str]) -> dict:
    data = OrderedDict(((None, key), value) for key, value in attributes.items())
    return {"type": kind, "namespace": None, "name": name, "data": data}
