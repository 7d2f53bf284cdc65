"""A class beside services of its own: a gradebook on a PostgreSQL server, workers of Dask's on other machines.

Both are real. The server is Debian's package ``postgresql``, started here on a socket; the workers are processes that
have neither the course nor its name in their environment.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import light
import pytest
from nbgrader.api import Gradebook
from postgres import Server
from support import BIN, copy_course

from equipoise import demo, labs
from equipoise.content import COURSE_VARIABLE, load_course
from equipoise.grading import cluster, records, run, workers
from equipoise.grading.run import Classroom, GradingError, State

graders = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", name="course_root", autouse=True)
def _course_root(tmp_path_factory) -> Path:
    workers.PRELOAD = ["light", "equipoise.labs", "equipoise.grading.run", "equipoise.grading.writer"]
    return copy_course(tmp_path_factory.mktemp("course") / "course")


# ---- PostgreSQL -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


@pytest.fixture(name="room")
def _room(course_root, server, request, tmp_path, monkeypatch) -> Classroom:
    """A class whose gradebook is on the server, as the environment says, and whose engine is light."""
    url = server.database(f"marks_{abs(hash(request.node.name))}")
    course = tmp_path / "course"
    shutil.copytree(course_root, course)
    monkeypatch.setenv("EQUIPOISE_MARKS_URL", url)
    monkeypatch.setattr(run, "engine_for", light.engine_for)
    room = Classroom(load_course(course))
    assert room.url == url
    room.release(next(iter(room.course.labs.values())))
    return room


@pytest.fixture(name="lab")
def _lab(room):
    return next(iter(room.course.labs.values()))


def hand_in(root: Path, lab, student: str, **said) -> None:
    folder = root / "submitted" / student / lab.slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{lab.slug}.ipynb").write_bytes(light.handed_in(**said))


def points(url: str, lab) -> dict[str, float]:
    with records.reading(url) as gradebook:
        return {student: mark.points for student, mark in records.marks(gradebook, lab.slug).items()}


def test_a_class_is_marked_into_a_gradebook_on_a_server(room, lab):
    tests = labs.points(lab)
    for number in range(12):
        hand_in(room.root, lab, f"s{number:02}", answers=dict.fromkeys(tests, number % 2), essay=True)
    assert {result.state for result in room.grade(lab)} == {State.MARKED}
    assert points(room.url, lab) == {f"s{number:02}": number % 2 * sum(tests.values()) for number in range(12)}
    assert {result.state for result in room.grade(lab)} == {State.UNCHANGED}
    assert not (room.root / "gradebook.db").exists()
    assert room.nbgrader.get_autograded_students(lab.slug) == set(points(room.url, lab))
    grades = room.export(room.root / "grades.csv").read_text()
    assert grades.count(lab.slug) == 12


def test_sixteen_writers_at_once_lose_nothing(room, lab, tmp_path):
    """Each writes half of its students while one of the others writes the same ones, and half while another does."""
    tests = {name: float(worth) for name, worth in labs.points(lab).items()}
    crowd = [[f"s{(5 * number + place) % 80:02}" for place in range(10)] for number in range(16)]
    started = [
        graders.Process(target=light.write_many, args=(tmp_path / str(number), room.url, lab.slug, tests, students))
        for number, students in enumerate(crowd)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(300)
    assert [process.exitcode for process in started] == [0] * 16
    assert points(room.url, lab) == {f"s{number:02}": sum(tests.values()) for number in range(80)}
    with Gradebook(room.url, "equipoise") as book:
        assert len(book.assignment_submissions(lab.slug)) == 80
        rows = [len(notebook.grades) for notebook in book.notebook_submissions(lab.slug, lab.slug)]
        assert rows == [len(tests) + 1] * 80


def test_a_server_that_goes_away_stops_with_one_sentence_and_the_next_run_continues(room, lab, server):
    for number in range(8):
        hand_in(room.root, lab, f"s{number}", answers={})
    marked = room.mark(room.plan(lab))
    first = next(marked)
    server.stop()
    try:
        with pytest.raises(GradingError) as caught:
            list(marked)
        with pytest.raises(GradingError, match="cannot be read"):
            room.plan(lab)
    finally:
        server.start()
    said = str(caught.value)
    assert said.startswith("The gradebook postgresql+pg8000://") and "What was marked before is kept" in said
    assert "\n" not in said and not list(room.root.glob("autograded/*/.*"))
    results = {result.student: result.state for result in room.grade(lab)}
    assert results.pop(first.student) is State.UNCHANGED
    assert set(results.values()) == {State.MARKED}
    assert len(points(room.url, lab)) == 8


def test_a_password_is_not_printed():
    url = "postgresql+pg8000://grader:geheim@localhost:1/marks"
    with pytest.raises(records.Unreachable) as caught, records.reading(url):
        pass
    assert "geheim" not in str(caught.value) and "localhost" in str(caught.value)


# ---- Dask -----------------------------------------------------------------------------------------------------------


class Machines(NamedTuple):
    address: str
    scheduler: subprocess.Popen
    first: subprocess.Popen
    second: subprocess.Popen


@pytest.fixture(name="machines")
def _machines(tmp_path) -> Iterator[Machines]:
    """A scheduler and two workers, none of which can find the course."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in (COURSE_VARIABLE, "PYTHONPATH")}
    environment |= {"PYTHONPATH": _packages(tmp_path), "HOME": str(elsewhere)}
    file = elsewhere / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]

    def start(*words: str) -> subprocess.Popen:
        with (elsewhere / f"{words[0]}-{time.monotonic_ns()}.log").open("w") as log:
            command = [BIN / "dask", *words, *common]
            return subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=log, stderr=log)

    look = "from equipoise.content import find_root; print((find_root() / '_toc.yml').exists())"
    assert subprocess.check_output([sys.executable, "-c", look], cwd=elsewhere, env=environment) == b"False\n"
    started = []
    try:
        started.append(start("scheduler", "--host", "127.0.0.1", "--port", "0"))
        started += [start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
        while not (file.exists() and file.read_text().rstrip().endswith("}")):
            time.sleep(0.05)
        yield Machines(json.loads(file.read_text())["address"], *started)
    finally:
        for process in started:
            process.kill()
            process.wait()


def _packages(folder: Path) -> str:
    """The installed package alone, as a wheel would put it: nothing of the course is beside it."""
    package = folder / "wheel" / "equipoise"
    ignore = shutil.ignore_patterns("__pycache__", "course")
    shutil.copytree(Path(run.__file__).parents[1], package, ignore=ignore)
    shutil.copy(light.__file__, package.parent)
    return str(package.parent)


def test_two_workers_that_see_no_course_mark_a_class_and_one_is_killed(course_root, machines, tmp_path):
    """With the real engine: hidden tests draw their cohorts from what travels with the job."""
    course = load_course(course_root)
    room, lab = Classroom(course, tmp_path / "class"), next(iter(course.labs.values()))
    room.release(lab)
    demo.hand_in_examples(room, lab)
    perfect = room.root / "submitted" / "perfect"
    for number in range(6):
        shutil.copytree(perfect, room.root / "submitted" / f"also-perfect-{number}")
    results = []
    for result in room.mark(room.plan(lab), scheduler=machines.address):
        results.append(result)
        if len(results) == 2:
            machines.first.kill()
    assert machines.second.poll() is None
    assert sorted(result.student for result in results) == sorted(
        path.name for path in (room.root / "submitted").iterdir()
    )
    assert {result.state for result in results} == {State.MARKED}
    full = sum(labs.points(lab).values())
    perfect = {r.student: r.points for r in results if "perfect" in r.student}
    assert len(perfect) == 7 and set(perfect.values()) == {full}
    assert len(points(room.url, lab)) == len(results)
    settled = room.plan(lab).settled
    assert len(settled) == len(results), "marks from a cluster are as good as any"


def test_a_scheduler_that_goes_away_stops_with_one_sentence(course_root, machines, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "engine_for", light.engine_for)
    course = load_course(course_root)
    room, lab = Classroom(course, tmp_path / "class"), next(iter(course.labs.values()))
    room.release(lab)
    for number in range(12):
        hand_in(room.root, lab, f"s{number:02}", answers={}, seconds=1)
    marked = room.mark(room.plan(lab), scheduler=machines.address)
    first = next(marked)
    machines.scheduler.kill()
    with pytest.raises(GradingError, match="connection to the scheduler was lost"):
        list(marked)
    settled = room.plan(lab).settled
    assert first.student in {result.student for result in settled} and len(settled) < 12
    assert {result.state for result in room.mark(room.plan(lab))} == {State.MARKED}


def test_a_scheduler_without_workers_is_not_waited_for_and_the_next_run_continues(
    course_root, machines, tmp_path, monkeypatch
):
    monkeypatch.setattr(run, "engine_for", light.engine_for)
    course = load_course(course_root)
    room, lab = Classroom(course, tmp_path / "class"), next(iter(course.labs.values()))
    room.release(lab)
    for number in range(8):
        hand_in(room.root, lab, f"s{number:02}", answers={}, seconds=1)
    marked = room.mark(room.plan(lab), scheduler=machines.address)
    next(marked)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 2)
    machines.first.kill()
    machines.second.kill()
    with pytest.raises(GradingError, match=r"no worker for 2 s\. What was marked before is kept"):
        list(marked)
    settled = room.plan(lab).settled
    assert 0 < len(settled) < 8
    assert {result.state for result in room.mark(room.plan(lab))} == {State.MARKED}


def test_a_scheduler_that_is_not_there_is_one_sentence(course_root, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    course = load_course(course_root)
    room, lab = Classroom(course, tmp_path / "class"), next(iter(course.labs.values()))
    room.release(lab)
    hand_in(room.root, lab, "ada")
    with pytest.raises(GradingError, match=r"scheduler at tcp://.* cannot be used"):
        list(room.mark(room.plan(lab), scheduler="tcp://127.0.0.1:1"))


def test_a_worker_with_other_versions_does_not_mark(monkeypatch):
    parcel = pickle.dumps((light.engine_for, "python=2.7"))
    assert workers.outcome("ada", cluster.mark(parcel, b"")).problem.startswith("A worker has other versions")
