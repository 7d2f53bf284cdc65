"""Translations of the book: what there is to translate, page by page, and how much of it is done.

A language is a folder below ``book/locale``, in gettext's own layout, so that translators may use the tools that they
know. A page's catalogue holds its text as Sphinx reads it, with header and quiz; ``components`` holds the words of the
interactive parts, from their scripts and from the data that pages hand them.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from equipoise.files import write_whole

SOURCE = "en"
COMPONENTS = "components"
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
NOTICE = (
    "This page was translated by machine and awaits the review of a clinician who speaks the language."
    " Figures and labs are in English."
)
UNTRANSLATED = "What is not translated yet is shown in English."
NESTED = {"parse_template_string": True}  # words within ${...}
ALT = re.compile(r'alt="([^"]+)"')
DATA = re.compile(r'<script type="application/json">(.+?)</script>', re.DOTALL)


class TranslationError(Exception):
    """What was asked for cannot be translated; the message says what can."""


@dataclass(frozen=True)
class Coverage:
    """How much of a page's catalogue is translated; a fuzzy message, made from a similar one, is not."""

    page: str
    translated: int
    messages: int


def languages(root: Path) -> list[str]:
    return sorted(path.parent.name for path in (root / "book" / "locale").glob("*/LC_MESSAGES"))


def folder(root: Path, language: str) -> Path:
    return root / "book" / "locale" / language / "LC_MESSAGES"


def begun(root: Path, language: str) -> list[str]:
    """The pages of which there is a catalogue."""
    paths = (path.relative_to(folder(root, language)) for path in sorted(folder(root, language).rglob("*.po")))
    return [page for path in paths if (page := path.with_suffix("").as_posix()) != COMPONENTS]


def update(root: Path, language: str, templates: Mapping[str, Catalog], begin: Collection[str]) -> list[Coverage]:
    """Bring the catalogues of ``language``, and new ones for the pages ``begin``, in line with ``templates``.

    What did not change keeps its translation; what is no longer in the book goes.
    """
    _check(language, templates, begin)
    report = []
    for page, template in templates.items():
        path = folder(root, language) / f"{page}.po"
        catalog = _read(path, language)
        catalog.update(template)
        catalog.obsolete.clear()
        if path.is_file() or page in begin:
            _write(path, catalog)
        report.append(_coverage(page, catalog))
    for path in folder(root, language).rglob("*.po"):
        if path.relative_to(folder(root, language)).with_suffix("").as_posix() not in templates:
            path.unlink()
    return report


def _check(language: str, templates: Mapping[str, Catalog], begin: Collection[str]) -> None:
    try:
        Locale.parse(language)
    except (ValueError, UnknownLocaleError):
        raise TranslationError(f"{language} is not the code of a language, such as es or pt_BR") from None
    if unknown := sorted(set(begin) - set(templates)):
        raise TranslationError(f"There is no page {', '.join(unknown)}. There are: {', '.join(templates)}")


def templates(extracted: Path, static: Path, site: Path) -> dict[str, Catalog]:
    """What there is to translate, by page: from gettext templates, the scripts in ``static`` and the built ``site``."""
    pages = {path.relative_to(extracted).with_suffix("").as_posix(): path for path in sorted(extracted.rglob("*.pot"))}
    found = {page: _read(path, SOURCE) for page, path in pages.items()}
    found[COMPONENTS] = component_words(sorted(static.glob("*.js")), [site / f"{page}.html" for page in pages])
    return found


def words(root: Path, language: str, page: str = COMPONENTS) -> dict[str, str]:
    """English text and its translation: of what pages say beside their text, or of one page."""
    catalog = _read(folder(root, language) / f"{page}.po", language)
    return {message.id: message.string for message in catalog if message.id and message.string and not message.fuzzy}


def component_words(scripts: Iterable[Path], pages: Iterable[Path]) -> Catalog:
    """What pages say beside their text: words that scripts hand to ``t``, those in their data, alternative texts."""
    catalog = Catalog()
    for text in (NOTICE, UNTRANSLATED):
        catalog.add(text)
    for script in scripts:
        for _, text, _, _ in extract_from_file("javascript", script, keywords={"t": None}, options=NESTED):
            catalog.add(text)
    for page in pages:
        built = page.read_text(encoding="utf-8")
        for island in DATA.findall(built):
            for text in _texts(json.loads(island)):
                catalog.add(text)
        for text in ALT.findall(built):
            catalog.add(html.unescape(text))
    return catalog


def _texts(value: Any) -> Iterator[str]:
    """Every text in ``value`` that a person may read."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str) and not value.startswith("data:") and re.search(r"[a-z]{2}", value):
        yield value


def _coverage(page: str, catalog: Catalog) -> Coverage:
    messages = [message for message in catalog if message.id]
    return Coverage(page, sum(bool(message.string) and not message.fuzzy for message in messages), len(messages))


def _read(path: Path, language: str) -> Catalog:
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def _write(path: Path, catalog: Catalog) -> None:
    """Without dates and versions, which would make a difference where nothing is different."""
    text = io.BytesIO()
    write_po(text, catalog, width=0, omit_header=True)
    write_whole(path, HEADER.format(language=catalog.locale_identifier) + text.getvalue().decode("utf-8"))
