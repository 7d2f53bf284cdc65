"""A case prints as a handout on A4: the text and its figures in black on white, and nothing to click."""

from __future__ import annotations

import pytest

GONE = (
    ".bd-sidebar-primary",
    ".bd-sidebar-secondary",
    ".bd-header-article",
    ".prev-next-footer",
    ".copybtn",
    ".headerlink",
)
DESK = {"width": 1280, "height": 900}
A4 = (210, 297)  # mm
COLOURS = """() => [document.body, ...document.querySelectorAll("article p, article li, article td, article pre span")]
  .map(node => getComputedStyle(node)).map(style => [style.color, style.backgroundColor])"""

FOLDED = """() => document.querySelector("article").insertAdjacentHTML(
  "beforeend", "<details id=more><summary>More</summary><p>This.</p></details>")"""


@pytest.fixture(name="paper")
def _paper(browser, site):
    """A function that opens a page as a reader of its dark side prints it."""
    contexts = []

    def paper(name: str, scripts: bool = True):
        context = browser.new_context(color_scheme="dark", viewport=DESK, java_script_enabled=scripts)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.address}/{name}.html")
        assert not scripts or page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.emulate_media(media="print")
        return page

    yield paper
    for context in contexts:
        context.close()


@pytest.fixture(name="case")
def _case(site) -> str:
    return next(name for name in site.pages if name.startswith("cases/"))


def test_text_and_figure_are_printed_and_what_is_clicked_is_not(paper, case):
    page = paper(case)
    for seen in ("article h1", "article h2", ".cell_output img", "article table"):
        assert page.locator(seen).first.is_visible(), seen
    for gone in GONE:
        assert page.locator(gone).count() == 0 or not page.locator(gone).first.is_visible(), gone
    width = page.locator("article").evaluate("article => article.getBoundingClientRect().width")
    assert width > 1100, "the text does not take the width that the sidebars left"


@pytest.mark.parametrize("kind", ["cases/", "labs/", "datasets/"])
def test_dark_page_is_printed_dark_on_white(paper, site, kind):
    page = paper(next(name for name in site.pages if name.startswith(kind)))
    inks = {tuple(pair) for pair in page.evaluate(COLOURS)}
    assert {brightness(ink) < 80 for ink, _ in inks} == {True}, inks
    assert {ground for _, ground in inks if "0)" not in ground} <= {"rgb(255, 255, 255)"}


def brightness(colour: str) -> float:
    parts = colour.removeprefix("rgba(").removeprefix("rgb(").removesuffix(")").split(",")
    return sum(map(float, parts[:3])) / 3


def test_what_is_folded_unfolds(paper, case):
    page = paper(case)
    page.evaluate(FOLDED)
    assert page.locator("#more p").evaluate("text => text.checkVisibility()")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_quiz_is_printed_without_what_is_said_of_its_answers(paper, case, scripts):
    page = paper(case, scripts)
    said = page.locator(".quiz-question :is(.quiz-feedback, .sd-summary-content)")
    assert said.count() > 10
    assert said.evaluate_all("all => !all.some(text => text.checkVisibility())")
    answers = page.locator(".quiz-question :is(.quiz-answer label, .quiz-option)")
    assert answers.evaluate_all("all => all.every(text => text.checkVisibility())")


def test_what_a_reader_is_asked_is_printed_before_it_is_answered(paper, case):
    page = paper(case)
    lists = page.locator("article :is(ol, ul):has(+ .eq-notes)")
    assert lists.count() >= 2
    assert lists.evaluate_all("all => all.every(list => list.checkVisibility())")


def test_address_of_a_link_can_be_read(paper, site):
    page = paper(site.pages[0])
    link = page.locator("article a.reference.external").first
    assert link.evaluate("link => getComputedStyle(link, '::after').content").startswith('" (https://')


def test_sheet_is_a4(paper, case):
    pdf = paper(case).pdf(prefer_css_page_size=True)
    [box, *_] = [line for line in pdf.split(b"\n") if b"MediaBox" in line]
    width, height = (float(number) for number in box.split(b"[")[1].split(b"]")[0].split()[2:])
    assert (round(width / 72 * 25.4), round(height / 72 * 25.4)) == A4
