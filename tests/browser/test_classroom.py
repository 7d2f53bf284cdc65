"""The classroom, by clicks: a real hub, its walls and exchange, JupyterLab and formgrader, from release to feedback.

With both versions of JupyterHub that courses run. The tests of a hub follow one another, as a term does.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from hubs import free_ports, overlay
from playwright.sync_api import Browser, Locator, Page, expect
from support import copy_course

from equipoise import labs
from equipoise.content import Lab, load_course
from equipoise.hub import trial
from equipoise.hub.exchange import Store

PATIENCE_MS = 90_000
WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DONE = {"predict": 1, "occult": 3}  # the tasks that the student solves, and their points
COMMENT = "You argue against yourself fairly. Say who pays for the samples."
MEMO_POINTS = 11
BEGIN, END = "# YOUR CODE HERE", "raise NotImplementedError()"


@pytest.fixture(scope="module", params=["6.1", "5.5"], name="hub")
def _hub(request, tmp_path_factory, built_course) -> Iterator[trial.Trial]:
    """A trial hub of the version, whose course is a copy of this one."""
    folder = tmp_path_factory.mktemp("hub")
    course = load_course(copy_course(folder / "course"))
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "6.1":
            patch.setenv("PYTHONPATH", str(overlay(folder / "hub")))
        with trial.running(course, *free_ports(1), built_course / "_build" / "book") as running:
            assert httpx.get(f"{running.url}/hub/api/").json()["version"].startswith(request.param)
            yield running


@pytest.fixture(scope="module", name="lab")
def _lab(course) -> Lab:
    return course.lab(course.in_order()[0].facts.lab)


@pytest.fixture(scope="module", name="enter")
def _enter(hub, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Logs a user in, in a browser of his own; the same one when asked again."""
    pages: dict[str, Page] = {}

    def enter(user: str) -> Page:
        if user not in pages:
            page = pages[user] = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{hub.url}/hub/login?next=/hub/home")
            page.fill("#username_input", user)
            page.fill("#password_input", hub.password)
            page.click("#login_submit")
            page.wait_for_url("**/hub/home")
        return pages[user]

    yield enter
    for page in pages.values():
        page.context.close()


def formgrader(enter, hub, user: str = "grader") -> Page:
    page = enter(user)
    page.goto(hub.pages["Graders (instructor, grader)"])
    return page


def row(page: Page, text: str) -> Locator:
    return page.locator("tbody tr", has=page.get_by_text(text, exact=True))


def press(page: Page, row: Locator, button: str) -> str:
    """Press a button of a row of formgrader and wait for what it says."""
    row.locator(f".{button} a").click()
    said = page.locator(".modal-dialog:visible")
    said.wait_for()
    text = said.inner_text()
    said.locator(".btn-primary").click()
    said.wait_for(state="hidden")
    assert "Success" in text, text
    return text


def open_lab(page: Page, hub, lab: Lab) -> None:
    """As the button of the lab's page in the book does."""
    page.goto(f"{hub.url}/hub/user-redirect/equipoise/open/{lab.slug}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first).to_be_visible(timeout=PATIENCE_MS)


def find_cell(page: Page, text: str) -> Locator:
    """The notebook's cell with a text, wherever one has to scroll to."""
    cell = page.locator(".jp-Notebook .jp-Cell", has_text=text).first
    for _ in range(200):
        if cell.count() and cell.is_visible():
            break
        page.locator(".jp-WindowedPanel-outer").first.hover()
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(60)
    cell.scroll_into_view_if_needed()
    return cell


def first_line(lab: Lab, task: str) -> str:
    """What a task's cell begins with, as students get it."""
    cells = labs.student_notebook(lab).cells
    return next(c.source for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == task).splitlines()[0]


def write(page: Page, cell: Locator, text: str) -> None:
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def menu(page: Page, name: str, item: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def assignments(page: Page) -> Locator:
    """The assignment list, fresh."""
    menu(page, "Nbgrader", "Assignment List")
    listed = page.locator("#formgrader-assignment-list, #assignments").last
    page.get_by_text("Released, downloaded, and submitted").wait_for()
    return listed


def room_of(user: str) -> psutil.Process:
    """The single-user server of a user."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            program = process.cmdline()
            if process.environ().get("JUPYTERHUB_USER") == user and program[1:] == ["-m", "jupyterhub.singleuser"]:
                return process
    raise AssertionError(f"{user} has no server")


def test_instructor_generates_and_releases(hub, enter, lab):
    page = formgrader(enter, hub, "instructor")
    press(page, row(page, lab.slug), "assign")
    press(page, row(page, lab.slug), "release")
    expect(row(page, lab.slug).locator(".status")).to_have_text("released")


def test_student_fetches_fills_runs_validates_and_submits(hub, enter, lab):
    page = enter("student1")
    open_lab(page, hub, lab)
    for task in DONE:
        write(page, find_cell(page, first_line(lab, task)), labs.solutions(lab)[task])
    memo = find_cell(page, "YOUR ANSWER HERE")
    memo.dblclick()
    write(page, memo, "I would wait for new devices, and draw blood meanwhile.")
    menu(page, "Run", "Run All Cells")
    page.keyboard.press("ControlOrMeta+s")
    page.get_by_role("button", name="Validate").click()
    found = page.locator(".jp-Dialog", has_text="The following cell failed")  # the first of the tasks that are left
    expect(found).to_contain_text(first_line(lab, "test-gap"), timeout=PATIENCE_MS)
    found.get_by_role("button", name="Ok", exact=True).click()
    assignments(page)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("body")).to_contain_text(WHEN)


def test_grader_collects_marks_reads_and_releases_feedback(hub, enter, lab):
    page = formgrader(enter, hub)
    assert "Collected: student1" in press(page, row(page, lab.slug), "collect")
    row(page, lab.slug).locator(".num-submissions a").click()
    page.wait_for_url("**/manage_submissions/**")
    said = press(page, row(page, "student1"), "autograde")
    assert "sandbox" in said
    expect(row(page, "student1").locator(".status")).to_have_text("needs manual grading")
    page.get_by_role("link", name="Manual Grading").click()
    for name in (lab.slug, lab.slug, re.compile("Submission #1")):
        page.get_by_role("link", name=name).first.click()
    page.wait_for_load_state("networkidle")  # until then nothing listens to the fields
    for kind, field, said in (("grade", "#memo", str(MEMO_POINTS)), ("comment", "#memo-comment", COMMENT)):
        with page.expect_response(re.compile(f"/api/{kind}/")):
            page.locator(field).fill(said)
            page.locator(field).press("Tab")
    page = formgrader(enter, hub)
    press(page, row(page, lab.slug), "generate-feedback")
    press(page, row(page, lab.slug), "release-feedback")


def test_student_reads_feedback(hub, enter, lab):
    page = enter("student1")
    open_lab(page, hub, lab)
    assignments(page)
    page.get_by_role("button", name="Fetch Feedback").click()
    page.get_by_text("(view feedback)").click()
    page.locator(".jp-DirListing-item", has_text=f"{lab.slug}.html").dblclick()
    shown = page.frame_locator(".jp-HTMLViewer iframe").locator("body")
    expect(shown).to_contain_text(COMMENT, timeout=PATIENCE_MS)
    page.screenshot(path="/tmp/shots/feedback.png")
    points = sum(DONE.values()) + MEMO_POINTS
    expect(shown).to_contain_text(f"{points} ")
