"""Where in an author's file a complaint belongs: what Sphinx reads of a page has more lines than the file.

Of each page that was completed, a build leaves in ``lines.json`` which of its lines stand where in the file.
"""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from pathlib import Path

from sphinx.application import Sphinx

from equipoise.book.build import LINES


def setup(app: Sphinx) -> None:
    app.equipoise_written, app.equipoise_lines = {}, {}
    app.connect("source-read", _note_written, priority=0)
    app.connect("source-read", _note_read, priority=999)
    app.connect("build-finished", _leave)


def _note_written(app: Sphinx, page: str, source: list[str]) -> None:
    app.equipoise_written[page] = source[0]


def _note_read(app: Sphinx, page: str, source: list[str]) -> None:
    if source[0] != app.equipoise_written[page]:
        file = str(Path(app.env.doc2path(page)).relative_to(app.srcdir))
        app.equipoise_lines[file] = common(source[0], app.equipoise_written[page])


def _leave(app: Sphinx, exception: Exception | None) -> None:
    (Path(app.outdir).parent / LINES).write_text(json.dumps(app.equipoise_lines), encoding="utf-8")


def common(read: str, written: str) -> list[tuple[int, int, int]]:
    """Runs of lines that are the same: where each begins in ``read`` and in ``written``, from 0, and its length."""
    return SequenceMatcher(None, read.splitlines(), written.splitlines(), autojunk=False).get_matching_blocks()
