"""Formgrader's button, in a real Jupyter server and a real browser: it marks in the sandbox, and marks anything."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import Browser, Error, Page
from support import BIN

from equipoise import demo, labs
from equipoise.content import load_course
from equipoise.grading.run import Classroom

START_SECONDS = 60


@pytest.fixture(name="classroom")
def _classroom(course_copy) -> Classroom:
    """A class with the example submissions, nothing of it marked."""
    course = load_course(course_copy)
    classroom, lab = Classroom(course), next(iter(course.labs.values()))
    classroom.release(lab)
    demo.hand_in_examples(classroom, lab)
    return classroom


@pytest.fixture(name="server")
def _server(classroom, tmp_path) -> Iterator[str]:
    """The address of a Jupyter server in the folder ``grading``."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token="]
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [BIN / "jupyter", "lab", *options], cwd=classroom.root, env=environment, stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def open_submissions(page: Page, server: str, lab: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            page.goto(f"{server}/formgrader/manage_submissions/{lab}")
            break
        except Error:  # the server is still starting
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    page.locator("tr", has_text="perfect").wait_for()


def press_autograde(page: Page, student: str) -> str:
    """Press the button in a student's row; return what formgrader says."""
    page.locator("tr", has_text=student).locator(".autograde a").click()
    dialog = page.locator(".modal-content", has_text="Log Output")
    dialog.wait_for(timeout=60_000)
    said = dialog.inner_text()
    dialog.get_by_role("button", name="OK").click()
    dialog.wait_for(state="detached")
    return said


def test_button_marks_every_submission_as_the_command_does(classroom, server, browser: Browser):
    lab = next(iter(classroom.course.labs.values()))
    page = browser.new_page()
    open_submissions(page, server, lab.slug)
    students = sorted(demo.examples(lab))
    for student in students:
        assert f"Successfully autograded '{lab.slug}'" in press_autograde(page, student), student
    page.close()
    by_button = points(classroom, lab.slug, students)
    assert by_button["perfect"] == sum(labs.points(lab).values())
    assert by_button["broken"] == by_button["untouched"] == 0 < by_button["partly-right"] < by_button["perfect"]
    assert "bubblewrap" in marked_notebook(classroom, "perfect", lab.slug).read_text()
    assert all(result.points is not None for result in classroom.grade(lab, force=True))
    assert points(classroom, lab.slug, students) == by_button


def points(classroom: Classroom, lab: str, students: list[str]) -> dict[str, float]:
    with Gradebook(classroom.url, "equipoise") as gradebook:
        return {student: gradebook.find_submission(lab, student).score for student in students}


def marked_notebook(classroom: Classroom, student: str, lab: str) -> Path:
    return classroom.root / "autograded" / student / lab / f"{lab}.ipynb"
