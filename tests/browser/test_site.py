"""What a reader does on the built site, on a desk and on a phone. What holds for every page is in tests/gates."""

from __future__ import annotations

import pytest

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


@pytest.fixture(params=SIZES, name="visit")
def _visit(request, browser, site):
    """A function that opens a page and returns it, having waited until nothing more is loaded."""
    context = browser.new_context(viewport=SIZES[request.param])
    seen = []

    def visit(name: str):
        page = context.new_page()
        page.on("request", lambda r: seen.append(r.url))
        page.goto(f"{site.address}/{name}.html")
        page.wait_for_load_state("networkidle")
        page.seen = seen
        return page

    yield visit
    context.close()


def test_reader_gets_from_the_cover_through_the_case_to_the_lab(visit, site):
    case = next(name for name in site.pages if name.startswith("cases/"))
    page = visit(site.pages[0])
    page.locator(".sd-card", has=page.locator(f"a[href*='{case}.html']")).click()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith(f"{case}.html")
    assert page.locator("article h1").count() == 1
    page.locator("main a[href*='labs/']").first.click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("YOUR CODE HERE").first.is_visible()


def test_every_case_shows_its_figure(visit, site):
    for case in (name for name in site.pages if name.startswith("cases/")):
        figure = visit(case).locator(".cell_output img").first
        assert figure.evaluate("image => image.complete && image.naturalWidth > 300"), case
        assert len(figure.get_attribute("alt")) > 80, case


def test_formulas_are_set_without_the_internet(visit, site):
    page = visit("book/glossary")
    page.wait_for_selector("mjx-container", timeout=10_000)
    fonts = [url for url in page.seen if url.endswith(".woff")]
    assert fonts, "MathJax did not load its fonts"
    assert all(url.startswith(site.address) for url in fonts)
