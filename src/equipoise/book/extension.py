"""The Sphinx extension behind the book: what a page shows beyond its own text comes from the folders.

Pages stay plain MyST Markdown. When Sphinx reads one, what the folders say beyond it is added (see ``pages``); it is
read again when that has changed. A lab's page is the student edition, derived from ``lab.py`` at that moment, so that
no solution is ever written to disk for the book.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from equipoise.book import catalogue, editions, execute, languages, lines
from equipoise.book.build import BuildError, hold
from equipoise.book.calibrated import CalibrationError, Calibrations
from equipoise.book.lab_page import lab_page
from equipoise.book.pages import Pages
from equipoise.book.theme import mend_page
from equipoise.content import ContentError, Course, load_course

COMPLETED = "equipoise"  # under which the environment keeps a digest of a page as it was completed


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("equipoise_hub", "", "env", [str])
    app.add_config_value("equipoise_practice", "", "env", [str])
    app.connect("config-inited", _build_alone, priority=0)
    editions.setup(app)
    execute.setup(app)
    lines.setup(app)
    languages.setup(app)
    app.connect("builder-inited", _read_course)
    app.connect("env-get-outdated", _changed_by_folders)
    app.connect("source-read", _complete_page)
    app.connect("html-page-context", _add_scripts)
    app.connect("html-page-context", catalogue.add_filter)
    app.connect("html-page-context", mend_page, priority=900)
    return {"parallel_read_safe": False, "parallel_write_safe": True}  # one process waits for what pages compute


def _build_alone(app: Sphinx, config: Config) -> None:
    """``equipoise book`` sees to it itself, and says how many kernels there may be."""
    if not config.equipoise_kernels:
        try:
            app.equipoise_lock = hold(Path(app.srcdir))
        except BuildError as error:
            raise ExtensionError(str(error)) from None


def _read_course(app: Sphinx) -> None:
    try:
        course = load_course(Path(app.srcdir))
    except ContentError as error:
        raise ExtensionError(f"The course has findings; `equipoise check` lists them.\n{error}") from None
    app.equipoise_course = course
    calibrations = Calibrations(course.root / "_build" / ".calibration", app.config.equipoise_kernels or 1)
    try:
        calibrations.prepare(d for d in course.datasets.values() if f"datasets/{d.slug}/datasheet" in course.pages)
    except CalibrationError as error:
        raise ExtensionError(str(error)) from None
    app.equipoise_pages = Pages(course, calibrations, app.config.equipoise_hub)


def _changed_by_folders(app: Sphinx, env: BuildEnvironment, *_: set[str]) -> list[str]:
    """The pages to which the folders add something else than when they were read, whichever file it comes from."""
    read = {page: env.metadata[page][COMPLETED] for page in env.found_docs if COMPLETED in env.metadata.get(page, {})}
    now = {page: app.equipoise_pages.complete(page, Path(env.doc2path(page)).read_text("utf-8")) for page in read}
    return [page for page, digest in read.items() if digest != _digest(now[page])]


def _complete_page(app: Sphinx, page: str, source: list[str]) -> None:
    course: Course = app.equipoise_course
    match PurePosixPath(page).parts:
        case ("labs", slug, "lab"):
            lab = course.lab(slug)
            _depends(app, lab.folder / "rubric.yml")
            source[0] = lab_page(lab, app.config.equipoise_hub, app.config.equipoise_practice)
            return
        case ("labs", slug, "wrong_answers"):
            lab = course.lab(slug)
            _depends(app, lab.folder)
            source[0] = editions.solved_page(lab)
            return
    source[0] = app.equipoise_pages.complete(page, source[0])
    app.env.metadata[page][COMPLETED] = _digest(source[0])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _add_scripts(app: Sphinx, page: str, *_: object) -> None:
    """Only a case's page has a quiz and places for notes."""
    if PurePosixPath(page).match("cases/*/case"):
        for name in ("notes", "quiz"):
            app.add_js_file(f"{name}.js", type="module")
            app.add_css_file(f"{name}.css")


def _depends(app: Sphinx, *paths: Path) -> None:
    for path in paths:
        for file in [path] if path.is_file() else path.glob("*.*"):
            app.env.note_dependency(str(file))
