"""The built site in a real browser: it asks no other host for anything, and fits a desk and a phone."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading

import pytest
from playwright.sync_api import sync_playwright
from support import copy_course, shell

from equipoise.content import load_course

FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory):
    """A freshly built book, served on the loopback interface; yields its address and the names of its pages."""
    root = copy_course(tmp_path_factory.mktemp("site") / "course")
    built = shell("jupyter-book", "build", "-W", "-n", "--keep-going", ".", cwd=root)
    assert built.returncode == 0, built.stderr[-1500:]
    handler = functools.partial(QuietHandler, directory=root / "_build" / "html")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", load_course(root).pages
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module", name="browser")
def _browser():
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium: sudo apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not run for root or in containers; the pages are ours.
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(params=SIZES, name="visit")
def _visit(request, browser, site):
    """A function that opens a page and returns it, having waited until nothing more is loaded."""
    address, _ = site
    context = browser.new_context(viewport=SIZES[request.param])
    seen, problems = [], []

    def visit(name: str):
        page = context.new_page()
        page.on("request", lambda r: seen.append(r.url))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.goto(f"{address}/{name}.html")
        page.wait_for_load_state("networkidle")
        page.seen, page.problems = seen, problems
        return page

    yield visit
    context.close()


def test_no_page_asks_another_host_or_reports_an_error(visit, site):
    address, pages = site
    for name in pages:
        page = visit(name)
        assert [url for url in page.seen if not url.startswith((address, "data:", "blob:"))] == [], name
        assert page.problems == [], name


def test_no_page_is_wider_than_the_screen(visit, site):
    for name in site[1]:
        page = visit(name)
        width, screen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= screen, f"{name} is {width} wide on a screen of {screen}"


def test_reader_gets_from_the_cover_through_the_case_to_the_lab(visit, site):
    _, pages = site
    case = next(name for name in pages if name.startswith("cases/"))
    page = visit(pages[0])
    page.locator(".sd-card", has=page.locator(f"a[href*='{case}.html']")).click()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith(f"{case}.html")
    assert page.locator("article h1").count() == 1
    page.locator("main a[href*='labs/']").first.click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("YOUR CODE HERE").first.is_visible()


def test_every_case_shows_its_figure(visit, site):
    for case in (name for name in site[1] if name.startswith("cases/")):
        figure = visit(case).locator(".cell_output img").first
        assert figure.evaluate("image => image.complete && image.naturalWidth > 300"), case
        assert len(figure.get_attribute("alt")) > 80, case


def test_quiz_answers_open_with_the_keyboard_and_without_javascript(visit, site, browser):
    case = next(name for name in site[1] if name.startswith("cases/"))
    page = visit(case)
    option = page.locator("details:has(.quiz-option)").first
    option.locator("summary").focus()
    page.keyboard.press("Enter")
    assert option.evaluate("details => details.open")
    assert option.locator("p").first.is_visible()
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{site[0]}/{case}.html")
    assert plain.locator("details:has(.quiz-option)").count() > 20


def test_formulas_are_set_without_the_internet(visit, site):
    page = visit("book/glossary")
    page.wait_for_selector("mjx-container", timeout=10_000)
    fonts = [url for url in page.seen if url.endswith(".woff")]
    assert fonts, "MathJax did not load its fonts"
    assert all(url.startswith(site[0]) for url in fonts)
