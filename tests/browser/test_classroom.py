"""The classroom, by clicks: a real hub, its walls and exchange, JupyterLab and formgrader, from release to feedback.

With both versions of JupyterHub that courses run. The tests of a hub follow one another, as a term does.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from hubs import free_ports, overlay
from playwright.sync_api import Browser, Locator, Page, expect
from support import copy_course

from equipoise import labs
from equipoise.book.build import PRACTICE
from equipoise.book.lab_page import practise, start_in_jupyter
from equipoise.content import Course, Lab, load_course
from equipoise.hub import practice, trial
from equipoise.hub.settings import EXCHANGE, Ports

PATIENCE_MS = 90_000
WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DONE = {"predict": 1, "occult": 3}  # the tasks that the student solves, and their points
COMMENT = "You argue against yourself fairly. Say who pays for the samples."
MEMO_POINTS = 11
BEGIN, END = "# YOUR CODE HERE", "raise NotImplementedError()"


class Classroom:
    """A trial hub that can be killed and started again; people stay logged in, each in a browser of his own."""

    def __init__(self, course: Course, book: Path, browser: Browser):
        self.course, self.book, self.browser = course, book, browser
        [self.port] = free_ports(1)
        self.pages: dict[str, Page] = {}
        self.hosts: set[str] = set()
        self.start()

    def start(self) -> None:
        self.context = trial.running(self.course, self.port, self.book)
        self.hub = self.context.__enter__()

    def kill(self) -> None:
        self.hub.process.kill()
        self.hub.process.wait()
        self.close()

    def close(self) -> None:
        self.context.__exit__(None, None, None)

    def enter(self, user: str) -> Page:
        """The user's browser, logged in."""
        if user not in self.pages:
            page = self.pages[user] = self.browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
            page.goto(f"{self.hub.url}/hub/login?next=/hub/home")
            page.fill("#username_input", user)
            page.fill("#password_input", self.hub.password)
            page.click("#login_submit")
            page.wait_for_url("**/hub/home")
        return self.pages[user]

    def leave(self, user: str) -> None:
        self.pages.pop(user).context.close()

    def server_of(self, user: str) -> psutil.Process:
        """The single-user server of a user of this hub."""
        exchange = Ports(self.hub.state / "ports.json").url(EXCHANGE)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                told, program = process.environ(), process.cmdline()
                ours = told.get("EQUIPOISE_EXCHANGE", "").startswith(f"{exchange}/")
                if ours and told.get("JUPYTERHUB_USER") == user and program[1:] == ["-m", "jupyterhub.singleuser"]:
                    return process
        raise AssertionError(f"{user} has no server")

    def api(self, user: str, method: str, path: str, **how: object) -> httpx.Response:
        """What is answered to the token of a user's own server, which all of the student's code can read."""
        token = self.server_of(user).environ()["JUPYTERHUB_API_TOKEN"]
        headers = {"Authorization": f"token {token}"}
        return httpx.request(method, f"{self.hub.url}/{path}", headers=headers, timeout=60, **how)


@pytest.fixture(scope="module", params=["6.1", "5.5"], name="room")
def _room(request, tmp_path_factory, built_course, browser) -> Iterator[Classroom]:
    """A classroom on either version of the hub, whose course is a copy of this one."""
    folder = tmp_path_factory.mktemp("hub")
    course = load_course(copy_course(folder / "course"))
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "6.1":
            patch.setenv("PYTHONPATH", str(overlay(folder / "hub")))
        site = shutil.copytree(built_course / "_build" / "book", folder / "site")
        practice.write(course, folder / "practice")
        practice.publish(folder / "practice", site / PRACTICE)
        room = Classroom(course, site, browser)
        try:
            assert httpx.get(f"{room.hub.url}/hub/api/").json()["version"].startswith(request.param)
            yield room
        finally:
            for user in list(room.pages):
                room.leave(user)
            room.close()


@pytest.fixture(scope="module", name="lab")
def _lab(course) -> Lab:
    return course.lab(course.in_order()[0].facts.lab)


def formgrader(room: Classroom, user: str = "grader") -> Page:
    page = room.enter(user)
    page.goto(f"{room.hub.url}/services/{trial.COURSE_ID}/formgrader")
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


def address_of(link: str) -> str:
    return re.fullmatch(r"\[.+]\((.+)\)", link)[1]


def open_lab(page: Page, room: Classroom, lab: Lab) -> None:
    """As the button of the lab's page in the book does."""
    page.goto(address_of(start_in_jupyter(room.hub.url, lab)))
    page.locator(".jp-Notebook .jp-Cell:visible").first.wait_for()
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
    first = text.strip().splitlines()[0]
    expect(page.locator(".jp-Notebook .jp-Cell.jp-mod-active", has_text=first)).to_be_visible()


def menu(page: Page, name: str, item: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def assignments(page: Page) -> Locator:
    """The assignment list, fresh."""
    menu(page, "Nbgrader", "Assignment List")
    listed = page.locator("#formgrader-assignment-list, #assignments").last
    page.get_by_text("Released, downloaded, and submitted").wait_for()
    return listed


def test_instructor_generates_and_releases(room, lab):
    page = formgrader(room, "instructor")
    press(page, row(page, lab.slug), "assign")
    press(page, row(page, lab.slug), "release")
    expect(row(page, lab.slug).locator(".status")).to_have_text("released")


def test_student_fetches_fills_runs_validates_and_submits(room, lab):
    page = room.enter("student1")
    open_lab(page, room, lab)
    for task in DONE:
        write(page, find_cell(page, first_line(lab, task)), labs.solutions(lab)[task])
    memo = find_cell(page, "YOUR ANSWER HERE")
    memo.dblclick()
    write(page, memo, "I would wait for new devices, and draw blood meanwhile.")
    menu(page, "Run", "Run All Cells")
    page.get_by_role("button", name="Validate").click()  # saves, too
    found = page.locator(".jp-Dialog", has_text="The following cell failed")  # the first of the tasks that are left
    expect(found).to_contain_text(first_line(lab, "test-gap"), timeout=PATIENCE_MS)
    found.get_by_role("button", name="Ok", exact=True).click()
    assignments(page)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("body")).to_contain_text(WHEN)


def test_grader_collects_marks_reads_and_releases_feedback(room, lab):
    page = formgrader(room)
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
    page = formgrader(room)
    press(page, row(page, lab.slug), "generate-feedback")
    press(page, row(page, lab.slug), "release-feedback")


def test_student_reads_feedback(room, lab):
    page = room.enter("student1")
    open_lab(page, room, lab)
    assignments(page)
    page.get_by_role("button", name="Fetch Feedback").click()
    page.get_by_text("(view feedback)").click()
    page.locator(".jp-DirListing-item", has_text=f"{lab.slug}.html").dblclick()
    shown = page.frame_locator(".jp-HTMLViewer iframe").locator("body")
    expect(shown).to_contain_text(COMMENT, timeout=PATIENCE_MS)
    points = sum(DONE.values()) + MEMO_POINTS
    expect(shown).to_contain_text(f"{points} ")


def test_a_lab_is_brought_to_practise_on(room, lab):
    page = room.enter("student1")
    page.goto(address_of(practise(room.hub.url, f"{room.hub.pages['The book']}{PRACTICE}", lab)))
    page.wait_for_url(f"**/lab/tree/practice/{lab.slug}/{lab.slug}.ipynb")
    page.locator(".jp-Notebook .jp-Cell:visible").first.wait_for()
    assert page.goto(room.hub.pages["The book"]).ok


# ---- Denials ---------------------------------------------------------------------------------------------------------


def test_students_are_kept_from_what_is_not_theirs(room, lab):
    page = room.enter("student2")
    open_lab(page, room, lab)
    for place in ("services/equipoise/formgrader", "user/student1/lab", "hub/admin"):
        assert page.goto(f"{room.hub.url}/{place}").status in (403, 404), place
    [handed_in] = room.api("student1", "GET", "services/exchange/equipoise/submissions").json()["submissions"]
    where = f"{lab.slug}/student1/{handed_in['received']}"
    for method, path in (
        ("GET", f"services/exchange/equipoise/submissions/{where}"),
        ("GET", f"services/exchange/equipoise/feedback/{where}"),
        ("PUT", f"services/exchange/equipoise/feedback/{where}"),
        ("PUT", f"services/exchange/equipoise/assignments/{lab.slug}"),
        ("DELETE", f"services/exchange/equipoise/assignments/{lab.slug}"),
        ("GET", "services/exchange/equipoise/roster"),
        ("PUT", "services/exchange/equipoise/roster"),
        ("GET", "services/equipoise/api/contents"),
        ("GET", "user/student1/api/contents"),
        ("GET", "hub/api/users"),
        ("GET", "hub/api/groups"),
        ("POST", "hub/api/groups/formgrade-equipoise/users"),
    ):
        assert room.api("student2", method, path, json={}).status_code in (403, 404), (method, path)
    own = room.api("student2", "GET", "services/exchange/equipoise/submissions").json()
    assert own == {"submissions": []}
    assert room.api("student1", "GET", f"services/exchange/equipoise/feedback/{where}").is_success


def test_students_code_sees_nothing_of_hub_course_or_others(room, lab):
    """Typed into a notebook and run, as a curious student would."""
    page = room.enter("student2")
    open_lab(page, room, lab)
    course = room.hub.state.parents[1]
    places = [
        room.hub.state,
        room.hub.state / "exchange",
        room.hub.state / "rooms",
        course / "labs",
        f"/proc/{room.server_of('student1').pid}",
    ]
    code = f"""
import os, pathlib
def environment(process):
    try:
        return process.read_bytes()
    except PermissionError:  # of what holds the walls
        return b""
print("seen:", [place for place in {[str(place) for place in places]} if os.path.exists(place)])
seen = [environment(process) for process in pathlib.Path("/proc").glob("[0-9]*/environ")]
print("own:", any(b"JUPYTERHUB_USER=student2" in each for each in seen))
print("others:", any(b"JUPYTERHUB_USER=student1" in each for each in seen))
try:
    import equipoise.content
except ImportError:
    print("no course")
"""
    write(page, find_cell(page, first_line(lab, "predict")), code)
    page.get_by_role("button", name="Run this cell and advance").click()
    said = page.locator(".jp-Notebook .jp-OutputArea-output", has_text="seen:")
    expect(said.first).to_contain_text("seen: []", timeout=PATIENCE_MS)
    expect(said.first).to_contain_text("own: True")
    expect(said.first).to_contain_text("others: False")
    expect(said.first).to_contain_text("no course")


# ---- Mishaps ---------------------------------------------------------------------------------------------------------


def test_nothing_is_lost_when_a_browser_is_closed_and_the_hub_is_killed(room, lab):
    """He closes it while it validates; two submissions come at once; the hub is killed before they are collected."""
    page = room.enter("student2")
    open_lab(page, room, lab)
    page.get_by_role("button", name="Validate").click()
    page.locator(".jp-Dialog, .jp-Spinner").first.wait_for()
    room.leave("student2")
    server, submit = room.server_of("student2").pid, {"course_id": trial.COURSE_ID, "assignment_id": lab.slug}
    with ThreadPoolExecutor(2) as both:
        tries = [
            both.submit(room.api, "student2", "POST", "user/student2/assignments/submit", json=submit) for _ in "12"
        ]
    assert all("value" in answer.result().json() for answer in tries)
    room.kill()
    room.start()
    assert room.server_of("student2").pid == server
    assert len(room.api("student2", "GET", "services/exchange/equipoise/submissions").json()["submissions"]) == 2
    page = formgrader(room)
    assert "Collected: student2" in press(page, row(page, lab.slug), "collect")
    assert {path.name for path in (room.hub.state / "courses/equipoise/class/submitted").iterdir()} == {
        "student1",
        "student2",
    }
    assert room.hosts - {""} == {urlsplit(room.hub.url).netloc}  # nothing, in all this, came from elsewhere
