"""A translation says the same, with the same numbers, sources and links; and it keeps up with the book."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup
from support import ROOT, shell

from equipoise.book import translations
from equipoise.book.translations import COMPONENTS, TranslationError, component_words, update
from equipoise.content import load_course

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
KEPT = re.compile(r"\{[\w:]+\}`[^`]+`|\]\([^)]*\)|\{\w+\}|`[^`]+`")
CATALOGUES = sorted((ROOT / "book" / "locale").rglob("*.po"))
LANGUAGES = translations.languages(ROOT)


def messages(path: Path) -> list:
    with path.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def kept(text: str) -> list[str]:
    """What no translation may change: roles and what they name, links, holes and code; a term may be inflected."""
    return sorted(re.sub(r"(\{term\}`).*", r"\1", found) for found in KEPT.findall(text))


def test_there_is_a_translation():
    assert LANGUAGES and CATALOGUES


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.relative_to(ROOT / "book" / "locale").as_posix())
def test_translation_is_whole_and_says_the_same(path):
    for message in messages(path):
        assert message.string and not message.fuzzy, message.id
        assert sorted(NUMBER.findall(message.string)) == sorted(NUMBER.findall(message.id)), message.id
        assert kept(message.string) == kept(message.id), message.id


def test_command_finds_the_catalogues_in_line_with_the_book(built_course):
    def all_catalogues() -> dict[Path, str]:
        return {path: path.read_text() for path in (built_course / "book" / "locale").rglob("*.po")}

    for language in LANGUAGES:
        before = all_catalogues()
        told = shell("equipoise", "translate", language, cwd=built_course)
        assert told.returncode == 0, told.stderr
        changed = [path for path, text in all_catalogues().items() if before[path] != text]
        assert changed == [], f"the book has changed: run equipoise translate {language}, and translate what is new"
        rows = dict(re.findall(r"(\S+) +\S (\d+ +\S \d+)", told.stdout))
        covered = {page: [int(number) for number in re.findall(r"\d+", row)] for page, row in rows.items()}
        assert set(covered) == {*load_course(built_course).pages, COMPONENTS}
        assert all(covered[page][0] == covered[page][1] > 0 for page in translations.begun(ROOT, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_say_their_language_and_lead_to_the_others(built_course, language):
    site, course = built_course / "_build" / "book", load_course(built_course)
    for page in course.pages:
        for here, there in (("en", language), (language, "en")):
            file = site / ("" if here == "en" else here) / f"{page}.html"
            parsed = BeautifulSoup(file.read_text(), "html.parser")
            assert parsed.html["lang"] == here
            [link] = parsed.select(".languages a")
            assert (link["hreflang"], link["lang"]) == (there, there)
            assert (file.parent / link["href"]).resolve() == site / ("" if there == "en" else there) / f"{page}.html"
            assert bool(parsed.select(".translation-notice")) == (here != "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_translated_is_marked_as_english(built_course, language):
    site, course = built_course / "_build" / "book" / language, load_course(built_course)
    told = set(translations.words(ROOT, language).values())
    for page in course.pages:
        article = BeautifulSoup((site / f"{page}.html").read_text(), "html.parser").article
        assert bool(article.select("article > div[lang=en]")) == (page not in translations.begun(ROOT, language)), page
        assert [part.get_text() for part in article.select(".untranslated[lang=en]")] == [], page
        assert {image["alt"] for image in article.select("img[alt]") if image["alt"]} <= told, page


def template(*texts: str) -> dict[str, Catalog]:
    catalog = Catalog()
    for text in texts:
        catalog.add(text)
    return {"book/page": catalog}


def test_update_keeps_what_did_not_change_and_marks_what_resembles_it(tmp_path):
    assert update(tmp_path, "es", template("One.", "Two birds sit."), []) == [translations.Coverage("book/page", 0, 2)]
    assert not list(tmp_path.rglob("*.po")), "a page was begun that nobody named"
    update(tmp_path, "es", template("One.", "Two birds sit."), ["book/page"])
    [path] = tmp_path.rglob("*.po")
    path.write_text(path.read_text().replace('"One."\nmsgstr ""', '"One."\nmsgstr "Uno."', 1))
    path.write_text(path.read_text().replace('sit."\nmsgstr ""', 'sit."\nmsgstr "Dos aves posan."', 1))
    assert update(tmp_path, "es", template("One.", "Two birds sat.", "New"), [])[0].translated == 1
    now = {message.id: (message.string, message.fuzzy) for message in messages(path)}
    assert now == {"One.": ("Uno.", False), "Two birds sat.": ("Dos aves posan.", True), "New": ("", False)}
    update(tmp_path, "es", template("New"), [])
    assert "Uno." not in path.read_text(), "a message that is no longer in the book"
    update(tmp_path, "es", {}, [])
    assert not path.exists(), "a page that is no longer in the book"


def test_unknown_languages_and_pages_are_refused_by_name(tmp_path):
    with pytest.raises(TranslationError, match="klingon is not the code of a language"):
        update(tmp_path, "klingon", {}, [])
    with pytest.raises(TranslationError, match=r"There is no page cases/x/case. There are: book/page"):
        update(tmp_path, "es", template("One."), ["cases/x/case"])


def test_words_of_scripts_data_and_alternative_texts_are_found(tmp_path):
    script, page = tmp_path / "part.js", tmp_path / "page.html"
    script.write_text('show(t("Begin"), `${t("Saved")} ${date}`, t("By {n}.", { n }), t(group.label));')
    island = '{"label": "light skin", "at": [1, 2], "image": "data:image/png;base64,QUJD", "codes": "UU77"}'
    page.write_text(f'<img alt="A &lt; B"><img alt=""><script type="application/json">{island}</script>')
    found = {message.id for message in component_words([script], [page]) if message.id}
    notices = {translations.NOTICE, translations.UNTRANSLATED}
    assert found == notices | {"Begin", "Saved", "By {n}.", "light skin", "A < B"}
