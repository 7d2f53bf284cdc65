"""What a page must satisfy of which neither a browser nor axe complains.

Each check yields findings: page, element, repair.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from posixpath import join, normpath
from urllib.parse import unquote, urldefrag, urlsplit

import html5lib
import pytest
from bs4 import BeautifulSoup, Tag
from html5lib.constants import E as MEANINGS

SHORTEST_ALTERNATIVE = 20
FILE_NAME = re.compile(r"[^\s]+\.(png|jpe?g|svg|gif|webp)$|^(image|figure|picture|chart|plot)\W*\d*$", re.IGNORECASE)
EMPTY_WORDS = {
    "",
    "click",
    "click here",
    "details",
    "here",
    "link",
    "more",
    "page",
    "read more",
    "see here",
    "this",
    "this link",
}
ADDRESS = re.compile(r"^(https?://|www\.)", re.IGNORECASE)
ELSEWHERE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
STYLE_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)
LOADING = {"src": "*", "data": "object", "poster": "video", "action": "form", "href": "link, use, image", "srcset": "*"}
REFERRING = ("aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "for")


@dataclass(frozen=True)
class Finding:
    page: str
    element: str
    repair: str

    def __str__(self) -> str:
        return f"{self.page}\n    {self.element}\n    repair: {self.repair}"


@dataclass(frozen=True)
class Page:
    """A page of the site; its name is its path in the site's folder."""

    name: str
    html: str

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def anchors(self) -> set[str]:
        named = {tag["name"] for tag in self.soup.select("a[name]")}
        return {tag["id"] for tag in self.soup.select("[id]")} | named

    def finding(self, element: Tag | str, repair: str) -> Finding:
        shown = " ".join(str(element).split())
        return Finding(self.name, shown if len(shown) <= 160 else f"{shown[:157]}...", repair)


Check = Callable[[Page], Iterator[Finding]]


def expect_none(findings: Iterable[Finding]) -> None:
    """Fail with every finding, and without a traceback, which would say nothing."""
    found = [str(finding) for finding in findings]
    if found:
        pytest.fail(f"{len(found)} to mend:\n" + "\n".join(found), pytrace=False)


# ---- one page -------------------------------------------------------------------------------------------------------


def alternative_texts(page: Page) -> Iterator[Finding]:
    for image in page.soup.select("img, [role=img], input[type=image], area[href]"):
        text = image.get("alt", image.get("aria-label"))
        if text is None and not image.get("aria-labelledby"):
            yield page.finding(image, 'say in alt="" what the picture shows; alt="" alone if it only decorates')
        elif text == "" and image.find_parent(class_="cell_output"):
            yield page.finding(image, "this is a figure: say what it shows (mystnb: image: alt: in the cell's options)")
        elif text and (FILE_NAME.search(text.strip()) or len(text.strip()) < SHORTEST_ALTERNATIVE):
            yield page.finding(image, f"the text {text!r} does not say what the picture shows")


def headings(page: Page) -> Iterator[Finding]:
    found = [heading for heading in page.soup.select("h1, h2, h3, h4, h5, h6") if not heading.find_parent("dialog")]
    tops = [heading for heading in found if heading.name == "h1"]
    if len(tops) != 1:
        yield page.finding("".join(map(str, tops)) or "no h1", f"a page has one title (h1), this one has {len(tops)}")
    level = 0
    for heading in found:
        if int(heading.name[1]) > level + 1:
            yield page.finding(heading, f"follows h{level}: make it h{level + 1}" if level else "begin with the h1")
        level = int(heading.name[1])


def link_texts(page: Page) -> Iterator[Finding]:
    targets = defaultdict(set)
    for link in page.soup.select("a[href]:not(.headerlink)"):
        words = _words(link)
        if words.lower().strip(" .,:;") in EMPTY_WORDS:
            yield page.finding(link, "say in the link's text where it leads")
        elif ADDRESS.match(words) and not link.find_parent(
            class_="citation"
        ):  # a reference list gives addresses as such
            yield page.finding(link, "give the link words in place of the bare address")
        if link.find_parent("article"):
            targets[words.lower()].add(_target(page, link["href"]))
    for words, different in targets.items():
        if len(different) > 1:
            where = f"'{words}' leads to {' and to '.join(sorted(different))}"
            yield page.finding(where, "two links that read alike lead to different places: tell them apart in words")


def _words(link: Tag) -> str:
    alternatives = " ".join(image.get("alt", "") for image in link.select("img"))
    return " ".join(f"{link.get('aria-label') or link.get_text()} {alternatives} {link.get('title', '')}".split())


def identities(page: Page) -> Iterator[Finding]:
    for name, times in Counter(tag["id"] for tag in page.soup.select("[id]")).items():
        if times > 1:
            yield page.finding(f'id="{name}"', f"stands {times} times on the page; an id is unique")
    for attribute in REFERRING:
        for tag in page.soup.select(f"[{attribute}]"):
            for name in tag[attribute].split() if isinstance(tag[attribute], str) else tag[attribute]:
                if name not in page.anchors:
                    yield page.finding(tag, f"{attribute} names an id that the page does not have: {name}")


def loads_elsewhere(page: Page) -> Iterator[Finding]:
    """What the browser fetches from another host unasked; a link that a reader may follow is not among it."""
    repair = "ship the file in book/static; the site must work without the internet"
    for attribute, tags in LOADING.items():
        for tag in page.soup.select(", ".join(f"{name.strip()}[{attribute}]" for name in tags.split(","))):
            if ELSEWHERE.match(tag[attribute]) or (attribute == "srcset" and "//" in tag[attribute]):
                yield page.finding(tag, repair)
    styles = [tag.get_text() for tag in page.soup.select("style")] + [
        tag["style"] for tag in page.soup.select("[style]")
    ]
    yield from (page.finding(address, repair) for style in styles for address in _style_addresses(style, ELSEWHERE))


def style_loads_elsewhere(style: Page) -> Iterator[Finding]:
    """The same for a style sheet."""
    for address in _style_addresses(style.html, ELSEWHERE):
        yield style.finding(address, "ship the file in book/static; the site must work without the internet")


def _style_addresses(style: str, kind: re.Pattern) -> Iterator[str]:
    addresses = (quoted or plain for quoted, plain in STYLE_ADDRESS.findall(style))
    return (address for address in addresses if kind.match(address))


def validity(page: Page) -> Iterator[Finding]:
    """Errors by the HTML standard's own parser, which a browser would mend silently, each browser in its way or not."""
    parser = html5lib.HTMLParser()
    parser.parse(page.html)
    lines = page.html.splitlines()
    for (line, column), code, values in parser.errors:
        near = lines[line - 1][max(0, column - 100) : column + 20] if line <= len(lines) else "the end of the page"
        yield page.finding(near, f"line {line}: {MEANINGS[code] % values}")
    for style in page.soup.select("body style"):
        yield page.finding(
            style, "HTML allows a style sheet in the head only: use one of book/static, or a style attribute"
        )


# ---- the site -------------------------------------------------------------------------------------------------------


def links(pages: Iterable[Page], folder: Path) -> Iterator[Finding]:
    """Links within the site that lead nowhere: to a file that is not there, or to an anchor that its page lacks."""
    known = {page.name: page for page in pages}
    for page in known.values():
        for tag in page.soup.select("[href], [src]"):
            address = tag.get("href", tag.get("src"))
            if urlsplit(address).scheme or ELSEWHERE.match(address):
                continue
            path, _, anchor = _target(page, address).partition("#")
            if not (folder / path).is_file():
                yield page.finding(tag, f"there is no {path} in the site")
            elif anchor and path in known and anchor not in known[path].anchors:
                yield page.finding(tag, f"{path} has no element with the id {anchor}")


def _target(page: Page, address: str) -> str:
    """An address as a path in the site's folder, with its anchor; an address elsewhere as it is."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return address
    path = normpath(join(page.name, "..", unquote(parts.path))) if parts.path else page.name
    anchor = unquote(urldefrag(address).fragment)
    return f"{path}#{anchor}" if anchor else path
