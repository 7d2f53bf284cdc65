"""Feedback and report in a real browser: they run nothing, load nothing, and can be read by everybody anywhere."""

from __future__ import annotations

from pathlib import Path

import marked_class
import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from marked_class import PNG, Handed, hand_in
from nbgrader.apps.api import NbGraderAPI

from equipoise import labs
from equipoise.content import load_course
from equipoise.grading import report
from equipoise.grading.records import reading

LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]
ATTACK = (
    "<script>window.hacked = 1</script><img src='https://example.org/x.png' onerror='window.hacked = 1'>"
    "<a href='javascript:window.hacked = 1'>here</a><svg onload='window.hacked = 1'></svg>"
)
MEMO = f"""# My memo

{ATTACK}

[a link](javascript:window.hacked=1) ![a picture](https://example.org/y.png) **bold**

| a | b |
|---|---|
| 1 | 2 |
"""
FRAME = (
    "<table border='1'><thead><tr><th></th>"
    + "".join(f"<th>a rather long column name {number}</th>" for number in range(9))
    + "</tr></thead><tbody><tr><th>0</th>"
    + "<td>0.123456789</td>" * 9
    + f"</tr></tbody></table><p onclick='window.hacked = 1'>{ATTACK}</p>"
)


def outputs() -> list[nbformat.NotebookNode]:
    new = nbformat.v4.new_output
    return [
        new("stream", name="stdout", text="\x1b[33mone\x1b[0m\n" * 100),
        new("stream", name="stderr", text=f"a warning {ATTACK} {'x' * 400}"),
        new("display_data", data={"text/html": FRAME.replace(ATTACK, ""), "text/plain": "a frame"}),
        new("display_data", data={"text/html": FRAME, "text/plain": ATTACK}),
        new("display_data", data={"image/png": PNG}),
        new("error", ename="ValueError", evalue=ATTACK, traceback=[ATTACK]),
    ]


@pytest.fixture(scope="module", name="pages")
def _pages(course_root, tmp_path_factory) -> dict[str, Path]:
    """The feedback of a student who tries everything, and the report of a class."""
    lab = next(iter(load_course(course_root).labs.values()))
    answers = labs.solutions(lab)
    _, second, third, *_ = labs.points(lab)
    answer = next(iter(answers))
    root = tmp_path_factory.mktemp("pages")
    notes = [(second, "repaired", f"It was put back. {ATTACK}"), (None, "limit", ATTACK)]
    failed, comments = {second: ATTACK, third: "no"}, {answer: f"## Well begun\n\n{ATTACK}"}
    eve = Handed("eve", answers | {"memo": MEMO}, failed, notes, {answer: outputs()}, comments=comments)
    mean = f"<script>window.hacked = 1</script>{ATTACK}".replace("/", "\u2215")  # a folder's name holds no slash
    rest = [Handed(f"s{number}", answers, {third: f"you return {number}"} if number % 3 else {}) for number in range(9)]
    hand_in(root, lab, [eve, *rest])
    (root / "submitted" / mean / lab.slug).mkdir(parents=True)
    nbgrader = NbGraderAPI(config=marked_class.config(root), log_level="CRITICAL")
    assert nbgrader.generate_feedback(lab.slug, "eve")["success"]
    with reading(marked_class.url(root)) as gradebook:
        page, _ = report.write_report(lab, root, gradebook, root / "reports")
    return {"feedback": root / "feedback" / "eve" / lab.slug / f"{lab.slug}.html", "report": page}


@pytest.fixture(name="visit")
def _visit(browser, pages):
    """A function that opens a page from its file and returns it; nothing may be asked for but that file."""
    contexts, strays = [], []

    def visit(name: str, width: int = 1280, scheme: str = "light", scripts: bool = True):
        viewport = {"width": width, "height": 800}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts)
        contexts.append(context)
        address = pages[name].as_uri()
        page = context.new_page()
        page.on("request", lambda request: strays.append(request.url))
        page.on("console", lambda message: strays.append(message.text))
        page.on("pageerror", lambda error: strays.append(str(error)))
        page.on("dialog", lambda dialog: strays.append(dialog.message))
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert [stray for stray in strays if stray != address and not stray.startswith("data:")] == []
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", ["feedback", "report"])
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_page_is_accessible_and_fits(visit, name, width, scheme):
    page = visit(name, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = Axe().run(page).response
    assert len(found["passes"]) > 20
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["feedback", "report"])
def test_nothing_of_a_student_runs(visit, name):
    page = visit(name)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    for element in page.locator("main a, main p, main img, main td").all():
        element.dispatch_event("click")
        element.dispatch_event("mouseover")
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.scripts.length") == 0
    assert page.url.partition("#")[0].startswith("file:")


@pytest.mark.parametrize("name", ["feedback", "report"])
def test_page_needs_no_script(visit, name):
    page = visit(name, scripts=False)
    assert page.locator("h1").is_visible()
    fold = page.locator("details").first
    fold.locator("summary").click()
    assert fold.locator("> :not(summary)").first.is_visible()


def test_colours_follow_the_reader(visit):
    def paper(scheme: str) -> str:
        return visit("feedback", scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper("light") != paper("dark")


def test_keyboard_skips_to_the_results_and_scrolls_a_wide_table(visit):
    page = visit("feedback", 360)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    box = page.locator(".output .scroll").first
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    box.focus()
    page.keyboard.press("ArrowRight")
    assert any(box.evaluate("box => box.scrollLeft > 0") or page.wait_for_timeout(100) for _ in range(50))


def test_message_leads_to_the_answer(visit):
    page = visit("feedback")
    page.get_by_role("link", name="your answer").first.click()
    target = page.locator(":target")
    assert "Your answer" in target.inner_text()
    assert target.evaluate("cell => Math.abs(cell.getBoundingClientRect().top) < window.innerHeight")


def test_printed_page_holds_what_is_folded(visit):
    page = visit("feedback")
    page.emulate_media(media="print")
    assert page.locator("details pre").first.evaluate("text => text.getBoundingClientRect().height > 0")
