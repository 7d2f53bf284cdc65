"""What many tests share: the course, a copy that may be spoilt, the built book, and a browser to look at it."""

from __future__ import annotations

import functools
import http.server
import shutil
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from support import ROOT, copy_course, shell

from equipoise.book import translations
from equipoise.content import Course, load_course

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it, and so would all we start

FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def course_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def course() -> Course:
    return load_course(ROOT)


@pytest.fixture
def course_copy(tmp_path: Path) -> Path:
    return copy_course(tmp_path / "course")


@pytest.fixture(scope="session")
def built_course(tmp_path_factory) -> Path:
    """A course whose book is built, once for all tests that only look at it.

    A hidden folder with a page that would fail lies in its root, as an environment might.
    """
    root = copy_course(tmp_path_factory.mktemp("built") / "course")
    hidden = root / ".venv" / "lib"
    hidden.mkdir(parents=True)
    (hidden / "trap.md").write_text("---\nfile_format: mystnb\n---\n# Trap\n```{code-cell}\n1 / 0\n```\n")
    built = shell("equipoise", "book", cwd=root)
    assert built.returncode == 0, built.stderr
    return root


@pytest.fixture(scope="session")
def instructors_course(built_course) -> Path:
    """The same course, of which the instructor's edition is built too."""
    built = shell("equipoise", "book", "--instructor", cwd=built_course)
    assert built.returncode == 0, built.stderr
    return built_course


@pytest.fixture(scope="module")  # while it is there, an event loop runs, in which others cannot run theirs
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium: sudo apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not run for root or in containers; the pages are ours.
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), chromium_sandbox=False)
        yield started
        started.close()


@dataclass(frozen=True)
class Site:
    """The built book, served on the loopback interface."""

    folder: Path
    address: str
    pages: tuple[str, ...]
    translated: tuple[str, ...]  # into any language

    def html(self, page: str) -> str:
        return (self.folder / f"{page}.html").read_text()

    def page_with(self, part: str) -> str:
        """The one page that has this interactive part."""
        [page] = [page for page in self.pages if f"<{part}" in self.html(page)]
        return page


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(built_course) -> Iterator[Site]:
    folder = built_course / "_build" / "book"
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        languages = translations.languages(built_course)
        pages = load_course(built_course).pages
        others = [f"{tongue}/{page}" for tongue in languages for page in translations.begun(built_course, tongue)]
        yield Site(folder, f"http://127.0.0.1:{server.server_port}", pages, tuple(others))
        server.shutdown()


@pytest.fixture
def open_page(browser, site) -> Iterator[Callable[..., Page]]:
    """A function that opens a page, and fails in the end if a script complained on any."""
    contexts, problems = [], []

    def open_page(
        name: str,
        width: int = 1280,
        scheme: str = "light",
        scripts: bool = True,
        query: str = "",
        prepare: Callable[[Page], object] | None = None,
        forgiven: Collection[str] = (),
        **options: object,
    ) -> Page:
        viewport = {"width": width, "height": 800}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)) if error.message not in forgiven else None)
        if prepare:
            prepare(page)
        page.goto(f"{site.address}/{name}.html{query}")
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
