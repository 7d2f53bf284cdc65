"""A page in another language: what it needs beyond its translated text, and the way from one language to the other.

The site in English is the root; each other language is a folder in it that holds the same pages under the same names.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import yaml
from babel import Locale
from sphinx.application import Sphinx
from sphinx.config import Config

from equipoise.book.translations import ALT, NOTICE, SOURCE, UNTRANSLATED, folder, words
from equipoise.files import write_whole

ENGLISH = re.compile(r'(<(?!img\b)[^>]*)(?=class="[^"]*\buntranslated\b)')  # a picture's words are translated here


def setup(app: Sphinx) -> None:
    app.add_config_value("equipoise_languages", [], "html", [list])  # of the site, beside English
    app.connect("config-inited", _translate_captions, priority=200)  # before the table of contents is read
    app.connect("html-page-context", _speak)


def _translate_captions(app: Sphinx, config: Config) -> None:
    """Captions of the table of contents are in the catalogue of its first page; Sphinx comes too late for them."""
    if config.language != SOURCE:
        contents = yaml.safe_load(Path(config.external_toc_path).read_text(encoding="utf-8"))
        known = words(Path(app.srcdir), config.language, contents["root"])
        for part in contents["parts"]:
            part["caption"] = known.get(part["caption"], part["caption"])
        path = Path(app.outdir).parent / "_toc.yml"
        write_whole(path, yaml.safe_dump(contents, sort_keys=False, allow_unicode=True))
        config.external_toc_path = str(path)


def _speak(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    here = app.config.language
    context["languages"] = [_place(here, there, page) for there in [SOURCE, *app.config.equipoise_languages]]
    if here != SOURCE and page in app.env.found_docs:
        begun = (folder(Path(app.srcdir), here) / f"{page}.po").is_file()
        context["body"] = _translated(context["body"], words(Path(app.srcdir), here), begun)


def _place(here: str, there: str, page: str) -> dict[str, str | bool]:
    """Where the same page stands in the language ``there``, seen from the page in ``here``."""
    up = "../" * (page.count("/") + (here != SOURCE))
    place = "" if there == SOURCE else f"{there}/"
    url = f"{up}{place}{page}.html"
    return {"code": there, "name": Locale.parse(there).display_name.capitalize(), "url": url, "here": here == there}


def _translated(body: str, known: dict[str, str], begun: bool) -> str:
    """A page's text below a notice, with its alternative texts translated and what is still English marked so."""
    body = ALT.sub(lambda found: f'alt="{_known(found[1], known)}"', body)
    body, english = ENGLISH.subn(rf'\1lang="{SOURCE}" ', body) if begun else (f'<div lang="{SOURCE}">{body}</div>', 1)
    notice = [NOTICE, UNTRANSLATED] if english else [NOTICE]
    told = " ".join(html.escape(known.get(text, text)) for text in notice)
    island = json.dumps(known, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<p class="translation-notice" role="note">{told}</p>\n{body}'
        f'<script type="application/json" id="equipoise-words">{island}</script>'
    )


def _known(escaped: str, known: dict[str, str]) -> str:
    text = html.unescape(escaped)
    return html.escape(known.get(text, text))
