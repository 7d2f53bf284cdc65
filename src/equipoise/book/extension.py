"""The Sphinx extension behind the book: what a page shows beyond its own text comes from the folders.

Case pages stay plain MyST Markdown. When Sphinx reads one, a short header is added from its front matter and
the quiz from ``quiz.yml``; the page of pathways gets a section for each level. A lab's page is the student edition,
derived from ``lab.py`` at that moment, so that no solution is ever written to disk for the book.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from equipoise.book import editions, execute
from equipoise.book.build import BuildError, hold
from equipoise.book.case_page import complete_case
from equipoise.book.catalogue import pathways
from equipoise.book.lab_page import lab_page
from equipoise.book.theme import mend_page
from equipoise.content import ContentError, Course, load_course


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", _build_alone, priority=0)
    editions.setup(app)
    execute.setup(app)
    app.connect("builder-inited", _read_course)
    app.connect("source-read", _complete_page)
    app.connect("html-page-context", _add_scripts)
    app.connect("html-page-context", mend_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _build_alone(app: Sphinx, config: Config) -> None:
    """``equipoise book`` sees to it itself, and says how many kernels there may be."""
    if not config.equipoise_kernels:
        try:
            app.equipoise_lock = hold(Path(app.srcdir))
        except BuildError as error:
            raise ExtensionError(str(error)) from None


def _read_course(app: Sphinx) -> None:
    try:
        app.equipoise_course = load_course(Path(app.srcdir))
    except ContentError as error:
        raise ExtensionError(f"The course has findings; `equipoise check` lists them.\n{error}") from None


def _complete_page(app: Sphinx, page: str, source: list[str]) -> None:
    course: Course = app.equipoise_course
    match PurePosixPath(page).parts:
        case ("cases", slug, "case"):
            case = course.cases[slug]
            _depends(app, case.folder / "quiz.yml", *(course.dataset(d).folder for d in case.facts.datasets))
            source[0] = complete_case(case, course.lab(case.facts.lab), source[0])
        case ("labs", slug, "lab"):
            lab = course.lab(slug)
            _depends(app, lab.folder / "rubric.yml")
            source[0] = lab_page(lab)
        case ("labs", slug, "wrong_answers"):
            lab = course.lab(slug)
            _depends(app, lab.folder)
            source[0] = editions.solved_page(lab)
        case ("book", "pathways"):
            _depends(app, *(case.folder / "case.md" for case in course.cases.values()))
            source[0] += pathways(course)


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
