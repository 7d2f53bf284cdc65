"""A class in all weathers: what is handed in, what is killed, what is full, what is gone. No mark may suffer.

Marking itself is not the subject here, so a light engine answers (``light.py``); ``test_grading.py`` has the real one.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from statistics import mode
from typing import NamedTuple

import light
import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy import text
from support import copy_course, shell
from typer.testing import CliRunner

from equipoise import cli, labs
from equipoise.content import Lab, load_course
from equipoise.grading import execute, harden, plan, records, run, submissions, workers, writer
from equipoise.grading.run import Classroom, GradingError, State

SUITE = ["light", "equipoise.labs", "equipoise.grading.run", "equipoise.grading.writer"]
graders = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", name="course_root", autouse=True)
def _course_root(tmp_path_factory) -> Path:
    """A course whose class has nothing but a released lab; graders that are forked find their modules imported."""
    workers.PRELOAD = SUITE
    workers.get_ready()
    root = copy_course(tmp_path_factory.mktemp("course") / "course")
    course = load_course(root)
    Classroom(course, root / "class").release(next(iter(course.labs.values())))
    return root


@pytest.fixture(scope="module", name="lab")
def _lab(course_root) -> Lab:
    return next(iter(load_course(course_root).labs.values()))


@pytest.fixture(scope="module", name="tests")
def _tests(lab) -> dict[str, float]:
    return labs.points(lab)


@pytest.fixture(name="room")
def _room(course_root, tmp_path, monkeypatch) -> Classroom:
    """A class with a released lab, whose engine is the light one."""
    monkeypatch.setattr(run, "engine_for", light.engine_for)
    shutil.copytree(course_root / "class", tmp_path / "class")
    return Classroom(load_course(course_root), tmp_path / "class")


def hand_in(room: Classroom, lab: Lab, student: str, content: bytes | None = None, **said) -> Path:
    folder = room.root / "submitted" / student / lab.slug
    folder.mkdir(parents=True, exist_ok=True)
    notebook = folder / f"{lab.slug}.ipynb"
    notebook.write_bytes(light.handed_in(**said) if content is None else content)
    return folder


def graded(room: Classroom, lab: Lab, **options) -> dict[str, run.Result]:
    chosen = room.plan(lab, force=options.pop("force", False))
    results = [*chosen.settled, *room.mark(chosen, **options)]
    assert len({result.student for result in results}) == len(results)
    return {result.student: result for result in results}


def table(url: str) -> dict[str, list[tuple]]:
    """Everything that the gradebook says, by student, without its random ids."""
    rows: dict[str, list[tuple]] = {}
    with Gradebook(url, "equipoise") as book:
        for student in book.students:
            rows[student.id] = []
            for submission in student.submissions:
                for notebook in submission.notebooks:
                    head = (submission.name, str(submission.timestamp), notebook.late_submission_penalty)
                    grades = [
                        (grade.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                        for grade in notebook.grades
                    ]
                    comments = [(c.name, c.auto_comment, c.manual_comment) for c in notebook.comments]
                    rows[student.id].append((*head, sorted(grades), sorted(comments)))
    return rows


def autograded(room: Classroom) -> dict[str, bytes]:
    """Every file in ``autograded``, hidden ones and left-overs included."""
    files = [path for path in (room.root / "autograded").rglob("*") if path.is_file()]
    return {str(path.relative_to(room.root)): path.read_bytes() for path in files}


# ---- the light engine against the real one --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Job", "Marked"])
def test_stand_ins_have_the_fields_of_the_real_ones(kind):
    names = [[field.name for field in fields(getattr(module, kind))] for module in (light, execute)]
    assert names[0] == names[1]
    assert [field.name for field in fields(light.Note)] == [field.name for field in fields(harden.Note)]


# ---- the plan -------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_marked_again(room, lab, tests):
    test = next(iter(tests))
    for student in ("ada", "ben", "cleo"):
        hand_in(room, lab, student, answers={test: 1})
    assert {r.state for r in graded(room, lab).values()} == {State.MARKED}
    before = autograded(room)
    assert {r.state for r in graded(room, lab).values()} == {State.UNCHANGED}
    assert autograded(room) == before

    hand_in(room, lab, "ben", answers={})
    hand_in(room, lab, "dora", answers={test: 1})
    results = graded(room, lab)
    assert {name: r.state for name, r in results.items()} == {
        "ada": State.UNCHANGED,
        "ben": State.MARKED,
        "cleo": State.UNCHANGED,
        "dora": State.MARKED,
    }
    assert [results[name].points for name in ("ada", "ben", "dora")] == [tests[test], 0, tests[test]]
    assert {r.state for r in graded(room, lab, force=True).values()} == {State.MARKED}


def test_unchanged_results_say_what_marking_said(room, lab, tests):
    hand_in(room, lab, "ada", b"no notebook")
    hand_in(room, lab, "ben", answers=dict.fromkeys(tests, 1), essay=True)
    marked = graded(room, lab)
    again = graded(room, lab)
    assert marked["ada"].reason and marked["ada"].notes == 1 and marked["ada"].points == 0
    assert marked["ben"].points == sum(tests.values()) and marked["ben"].waiting == lab.rubric.points
    for student in ("ada", "ben"):
        assert vars(again[student]) == vars(marked[student]) | {"state": State.UNCHANGED}


@pytest.mark.parametrize("what", ["extra file", "data", "library", "engine", "limits", "secret", "tests", "gradebook"])
def test_whatever_a_mark_follows_from_makes_it_be_marked_again(room, lab, tests, monkeypatch, what):
    folder = hand_in(room, lab, "ada", answers={})
    (state,) = {r.state for r in graded(room, lab).values()}
    assert state is State.MARKED
    if what == "extra file":
        (folder / "notes.txt").write_text("a helper")
    elif what == "data":
        (room.root / "source" / lab.slug / "more.txt").write_text("more data")
    elif what == "library":
        monkeypatch.setattr(plan, "_version", lambda name: "99")
    elif what == "engine":
        monkeypatch.setattr(plan, "fingerprint", lambda *folders: "another")
    elif what == "limits":
        room.limits = type(room.limits)(cell_seconds=1)
    elif what == "secret":
        (room.root / plan.SECRET).unlink()
    elif what == "tests":
        monkeypatch.setattr(records, "released_tests", lambda *_: [("other", "", 1.0, "code")])
        monkeypatch.setattr(run, "_tests", lambda lab: [("other", "", 1.0, "code")])
    elif what == "gradebook":
        with Gradebook(room.url, "equipoise") as book:
            book.remove_submission(lab.slug, "ada")
    assert graded(room, lab)["ada"].state is State.MARKED


def test_mark_that_something_else_overwrote_is_made_again(room, lab, tests):
    test = next(iter(tests))
    hand_in(room, lab, "ada", answers={test: 1})
    graded(room, lab)
    with Gradebook(room.url, "equipoise") as book:
        book.find_grade(test, lab.slug, lab.slug, "ada").auto_score = 0
        book.db.commit()
    assert graded(room, lab)["ada"].points == tests[test]


def test_no_cluster_marks_a_lab_whose_tests_changed_since_its_release(room, lab, monkeypatch):
    hand_in(room, lab, "ada")
    monkeypatch.setattr(run, "_tests", lambda lab: [("other", "", 1.0, "code")])
    with pytest.raises(GradingError, match="have changed since it was released"):
        next(room.mark(room.plan(lab), scheduler="tcp://127.0.0.1:1"))


def test_lost_gradebook_means_marking_again(room, lab):
    hand_in(room, lab, "ada")
    graded(room, lab)
    (room.root / "gradebook.db").unlink()
    with pytest.raises(GradingError, match="was never released"):
        room.plan(lab)
    room.release(lab)
    assert graded(room, lab)["ada"].state is State.MARKED


def test_essay_that_a_person_marked_waits_no_longer(room, lab, tests):
    hand_in(room, lab, "ada", answers=dict.fromkeys(tests, 1), essay=True)
    before = graded(room, lab)["ada"]
    assert before.waiting == lab.rubric.points
    with Gradebook(room.url, "equipoise") as book:
        memo = book.find_grade("memo", lab.slug, lab.slug, "ada")
        memo.manual_score, memo.needs_manual_grade = 13, False
        book.find_comment("memo", lab.slug, lab.slug, "ada").manual_comment = "Well argued."
        book.db.commit()
    for force in (False, True):
        after = graded(room, lab, force=force)["ada"]
        assert (after.points, after.waiting) == (before.points + 13, 0)
    ((*_, comments),) = table(room.url)["ada"]
    assert ("memo", None, "Well argued.") in comments


def test_students_can_be_named(room, lab):
    for student in ("ada", "ben"):
        hand_in(room, lab, student)
    chosen = room.plan(lab, ["ben"])
    assert chosen.students == ["ben"] and not chosen.settled
    with pytest.raises(GradingError, match="/submitted/cleo/"):
        room.plan(lab, ["ben", "cleo"])


def test_planning_imports_nothing_heavy(course_root, room, lab):
    """So that a run in which nothing changed costs less than importing nbgrader."""
    hand_in(room, lab, "ada")
    graded(room, lab)
    code = (
        "import sys; from pathlib import Path; from equipoise.content import load_course\n"
        "from equipoise.grading.run import Classroom\n"
        f"course = load_course(Path({str(course_root)!r})); room = Classroom(course, Path({str(room.root)!r}))\n"
        f"chosen = room.plan(course.labs[{lab.slug!r}], ['ada'])\n"
        "heavy = {'nbgrader', 'nbformat', 'jupytext', 'numpy', 'pandas', 'zmq'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy or chosen.students else 0)"
    )
    done = subprocess.run([light.PYTHON, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- what lies in a folder ------------------------------------------------------------------------------------------


def test_a_folder_becomes_bytes(tmp_path):
    folder = tmp_path / "submitted" / "ada" / "lab"
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / ".ipynb_checkpoints").mkdir()
    for name in ("lab.ipynb", "notes.txt", "data/ours.csv", "data/deep/own.csv", ".ipynb_checkpoints/lab.ipynb"):
        (folder / name).write_text(name)
    found = submissions.read(folder, ["data/ours.csv"])
    assert found.handed_in == b"lab.ipynb"
    assert found.files == {"notes.txt": b"notes.txt", "data/deep/own.csv": b"data/deep/own.csv"}
    assert found.remarks == ()


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def nested(folder: Path) -> None:
    for _ in range(1200):
        folder.mkdir()
        os.chdir(folder)
        folder = Path("deeper")


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link to a file": (lambda at: at.symlink_to("/etc/passwd"), "it is a link"),
    "a link to a folder": (lambda at: at.symlink_to("/etc"), "it is a link"),
    "a link to itself": (lambda at: at.symlink_to(at), "it is a link"),
    "a hard link": (lambda at: os.link(at.parents[3] / "gradebook.db", at), "hard link"),
    "a pipe": (os.mkfifo, "not an ordinary file"),
    "a socket": (lambda at: os.mknod(at, stat.S_IFSOCK | 0o600), "not an ordinary file"),
    "a film": (lambda at: sparse(at, submissions.EXTRA_BYTES + 1), "over 50 MB"),
    "a name of bytes": (lambda at: Path(os.fsdecode(bytes(at) + b"\xff")).write_text(""), "not UTF-8"),
    "folders without end": (nested, "nested too deeply"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_ordinary_file_is_left_out_with_its_reason(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gradebook.db").write_text("secret")
    folder = tmp_path / "submitted" / "ada" / "lab"
    folder.mkdir(parents=True)
    (folder / "lab.ipynb").write_text("{}")
    (folder / "zoo.txt").write_text("kept")
    make, reason = HOSTILE[what]
    make(folder / "data")
    found = submissions.read(folder)
    assert found.handed_in == b"{}" and found.files == {"zoo.txt": b"kept"}
    ((_, text),) = found.remarks
    assert text.startswith("data") and reason in text and text.endswith(".") and text.isprintable()
    os.chdir(tmp_path)
    subprocess.run(["rm", "-rf", folder / "data"], check=True)  # Python's own cannot go that deep


@pytest.mark.parametrize("what", ["a link to a file", "a hard link", "a pipe"])
def test_a_notebook_that_is_no_ordinary_file_is_not_read(tmp_path, what):
    (tmp_path / "gradebook.db").write_text("secret")
    folder = tmp_path / "submitted" / "ada" / "lab"
    folder.mkdir(parents=True)
    HOSTILE[what][0](folder / "lab.ipynb")
    found = submissions.read(folder)
    assert found.handed_in is None and len(found.remarks) == 1


def test_many_files_and_many_bytes_are_left_out_together(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_FILES", 30)
    folder = tmp_path / "submitted" / "ada" / "lab"
    folder.mkdir(parents=True)
    (folder / "aaa.ipynb").write_text("{}")
    for number in range(40):
        (folder / f"{number}").write_bytes(b"x")
    found = submissions.read(folder)
    assert len(found.files) == 29 + (found.handed_in is None)
    assert any("more than 30 files" in text for _, text in found.remarks)
    for number in range(40):
        (folder / f"{number}").unlink()
        (folder / f"{number}").symlink_to("/etc/passwd")
    found = submissions.read(folder)
    assert not found.files and len(found.remarks) == submissions.MOST_REMARKS + 1
    assert "more files were left out" in found.remarks[-1][1]


@pytest.mark.parametrize(
    ("names", "taken", "remark"),
    [
        (["lab.ipynb", "other.ipynb"], "lab.ipynb", None),
        (["Lab (1).ipynb"], "Lab (1).ipynb", "was called Lab (1).ipynb"),
        (["lab/lab.ipynb"], "lab/lab.ipynb", "was called lab/lab.ipynb"),
        (["mine.ipynb", "sub/other.ipynb"], "mine.ipynb", "was called mine.ipynb"),
        (["a.ipynb", "b.ipynb"], None, "None of the notebooks is called lab.ipynb: a.ipynb, b.ipynb"),
        ([], None, None),
    ],
)
def test_the_notebook_is_found_by_name_or_for_want_of_another(tmp_path, names, taken, remark):
    folder = tmp_path / "submitted" / "ada" / "lab"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    found = submissions.read(folder)
    assert found.handed_in == (taken.encode() if taken else None)
    assert [remark in text for _, text in found.remarks] == ([True] if remark else [])
    assert not any(name.endswith(".ipynb") for name in found.files)


@pytest.mark.parametrize("names", [["Lab (1).ipynb"], ["a.ipynb", "b.ipynb"], ["notes.txt"], []])
def test_what_is_put_there_for_nbgrader_changes_nothing(tmp_path, names):
    folder = tmp_path / "submitted" / "ada" / "lab"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
    before = submissions.read(folder)
    submissions.make_complete(tmp_path, ["lab"])
    assert nbformat.read(folder / "lab.ipynb", as_version=4).cells
    assert submissions.read(folder) == before
    if len(names) == 1:
        (folder / names[0]).write_text("handed in again")
        assert b"handed in again" in (submissions.read(folder).handed_in, *submissions.read(folder).files.values())
    (folder / "lab.ipynb").write_text("{}")
    submissions.make_complete(tmp_path, ["lab"])
    assert submissions.read(folder).handed_in == b"{}"


def test_nothing_is_put_behind_a_link_or_where_there_is_something(tmp_path):
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "submitted" / "ada" / "lab"
    elsewhere.mkdir()
    folder.mkdir(parents=True)
    (folder / "lab.ipynb").symlink_to(elsewhere / "new.ipynb")
    (tmp_path / "submitted" / "ben").mkdir()
    (tmp_path / "submitted" / "ben" / "lab").symlink_to(elsewhere)
    submissions.make_complete(tmp_path, ["lab"])
    assert not list(elsewhere.iterdir()) and (folder / "lab.ipynb").is_symlink()


def test_half_of_what_is_put_there_does_not_stay(tmp_path, monkeypatch):
    folder = tmp_path / "submitted" / "ada" / "lab"
    folder.mkdir(parents=True)
    monkeypatch.setattr(submissions, "STAND_IN", b"x" * 100_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        submissions.make_complete(tmp_path, ["lab"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(folder.iterdir())


def test_our_command_adds_nothing_to_what_was_handed_in(course_root, lab, tests, tmp_path, monkeypatch):
    """In the course's own folder for grading, whose configuration adds something for nbgrader's commands."""
    monkeypatch.setattr(run, "engine_for", light.engine_for)
    root = tmp_path / "course"
    shutil.copytree(course_root, root)
    shutil.copytree(root / "class", root / "grading", dirs_exist_ok=True)
    room = Classroom(load_course(root))
    folder = hand_in(room, lab, "ada", answers=dict.fromkeys(tests, 1))
    (folder / f"{lab.slug}.ipynb").rename(folder / f"{lab.slug} (1).ipynb")
    hand_in(room, lab, "ben")
    (room.root / "submitted" / "ben" / lab.slug / f"{lab.slug}.ipynb").unlink()
    for changed in (True, False):
        results = graded(Classroom(load_course(root)), lab)
        assert {result.state for result in results.values()} == {State.MARKED if changed else State.UNCHANGED}
        assert results["ada"].points == sum(tests.values()) and results["ada"].notes == 1
        assert [path.name for path in folder.iterdir()] == [f"{lab.slug} (1).ipynb"]
        assert not list((room.root / "submitted" / "ben" / lab.slug).iterdir())


def test_remarks_about_files_reach_the_result_and_the_notebook(room, lab):
    hand_in(room, lab, "ada")
    before = graded(room, lab)
    (room.root / "submitted" / "ada" / lab.slug / "secrets").symlink_to("/etc/passwd")
    after = graded(room, lab)
    assert after["ada"].notes == before["ada"].notes + 1
    marked = json.loads((room.root / "autograded" / "ada" / lab.slug / f"{lab.slug}.ipynb").read_text())
    assert "secrets" in marked["metadata"]["equipoise"]["notes"][0]["text"]


def test_remarks_and_content_change_the_identity(tmp_path):
    seen = set()
    for number, make in enumerate([None, "file", "link"]):
        folder = tmp_path / str(number) / "submitted" / "ada" / "lab"
        folder.mkdir(parents=True)
        (folder / "lab.ipynb").write_text("{}")
        if make == "file":
            (folder / "data").write_text("")
        elif make == "link":
            (folder / "data").symlink_to("/etc/passwd")
        seen.add(submissions.read(folder).digest())
    assert len(seen) == 3


def test_a_file_in_the_way_of_the_labs_own_gives_way(tmp_path):
    folder = tmp_path / "submitted" / "ada" / "lab"
    (folder / "more.csv").mkdir(parents=True)
    (folder / "data").write_text("not a folder")
    (folder / "more.csv" / "inner").write_text("")
    found = submissions.read(folder, ["data/ours.csv", "more.csv"])
    assert found.files == {}
    assert [text.partition(" ")[0] for _, text in found.remarks] == ["data"]


NAMES = ["Müller, Anna", "Smith (late)", "O'Neill; Zoë & Co #2 {0} 100%", "王小明", "Zo\u0308e", "$(id) `id` ~!^"]


@pytest.mark.parametrize("name", ["a b", "o'neill", "ada@example.org", "0123", "Žofia", "x" * 128, *NAMES])
def test_names_that_students_have(room, lab, name):
    hand_in(room, lab, name)
    assert graded(room, lab)[name].state is State.MARKED


def test_names_that_students_have_are_whole_wherever_they_are_shown(command, room, lab):
    refused = "[bold]x"
    for name in (*NAMES, refused):
        hand_in(room, lab, name)
    code, output = command(lab.slug)
    assert code == 1 and rows(output).keys() == {*NAMES, refused}
    assert room.nbgrader.get_autograded_students(lab.slug) == set(NAMES)
    assert {name for name, grades in table(room.url).items() if grades} == set(NAMES)
    page, listed = room.report(lab)
    assert [row["student"] for row in csv.DictReader(listed.read_text().splitlines())] == sorted([*NAMES, refused])
    assert not BeautifulSoup(page.read_text(), "html.parser").find_all(["script", "b"])
    grades = room.export(room.root / "grades.csv").read_text().splitlines()
    points = {row["student_id"]: float(row["max_score"]) for row in csv.DictReader(grades)}
    assert points == dict.fromkeys(NAMES, sum(labs.points(lab).values()) + lab.rubric.points)


UNLIKE = {
    **dict.fromkeys(["<b>", 'a"b', "a\\b", "[bold]", "a*", "a?b", "c:d", "a|b"], "in it"),
    **dict.fromkeys(["-rf", "=1+1", "@SUM(1)", "+1", "\uff1d1"], "begins with"),
    **dict.fromkeys(["ends. ", " a"], "a blank"),
    **dict.fromkeys(["a\nb", "a\x1b[31m", "a\u202eb", "a\u200bb", "a\u00a0b", os.fsdecode(b"\xff")], "cannot be seen"),
    "x" * 129: "longer than 128",
}


@pytest.mark.parametrize("name", UNLIKE)
def test_folders_that_are_not_named_like_students_are_reported(room, lab, name):
    hand_in(room, lab, name)
    hand_in(room, lab, "ada")
    hand_in(room, lab, ".hidden")
    (result, other) = sorted(graded(room, lab).values(), key=lambda result: result.student == "ada")
    assert result.state is State.FAILED and "not named like a student" in result.reason
    assert UNLIKE[name] in result.reason and result.reason.endswith("Rename it.")
    assert result.student.isprintable() and result.reason.isprintable()
    assert other.state is State.MARKED
    assert set(table(room.url)) == {"ada"}


def test_a_folder_that_is_a_link_or_a_file_is_reported(room, lab):
    elsewhere = hand_in(room, lab, "ada")
    for student in ("ben", "cleo", "dora"):
        (room.root / "submitted" / student).mkdir()
    (room.root / "submitted" / "ben" / lab.slug).symlink_to(elsewhere)
    (room.root / "submitted" / "cleo" / lab.slug).write_text("a file")
    (room.root / "submitted" / "eve").symlink_to(elsewhere.parent)
    results = graded(room, lab)
    assert {name: r.state for name, r in results.items() if r.state is State.FAILED} == dict.fromkeys(
        ["ben", "cleo", "eve"], State.FAILED
    )
    assert all("Put the student's folder in its place" in results[name].reason for name in ("ben", "cleo", "eve"))


def test_a_folder_that_cannot_be_read_is_reported_and_its_student_entered(room, lab, monkeypatch):
    for student in ("ada", "ben"):
        hand_in(room, lab, student)
    read = submissions.read

    def refuse(folder: Path, *others):
        if folder.parent.name == "ada":
            raise PermissionError(13, "Permission denied", str(folder))
        return read(folder, *others)

    monkeypatch.setattr(submissions, "read", refuse)
    results = graded(room, lab)
    assert results["ada"].state is State.FAILED and "Permission denied" in results["ada"].reason
    assert results["ben"].state is State.MARKED
    assert set(table(room.url)) == {"ada", "ben"}


# ---- workers --------------------------------------------------------------------------------------------------------


def test_what_happens_to_a_worker_costs_nobody_else_anything(room, lab, tests, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PATIENCE_SECONDS", 3)
    room.limits = type(room.limits)(notebook_seconds=0)
    test = next(iter(tests))
    said = {
        "dies": {"do": "die"},
        "dies-once": {"do": "die once", "mark": str(tmp_path / "died")},
        "fails": {"do": "fail"},
        "hangs": {"seconds": 60},
        "eats": {"do": "eat"},
        "leaves": {"do": "too much"},
    }
    for student, what in said.items():
        hand_in(room, lab, student, answers={test: 1}, **what)
    for number in range(6):
        hand_in(room, lab, f"quiet-{number}", answers={test: 1})
    results = graded(room, lab, jobs=3)
    good = {name for name, result in results.items() if result.state is State.MARKED}
    assert good == {"dies-once", *(f"quiet-{number}" for number in range(6))}
    assert {results[name].points for name in good} == {tests[test]}
    reasons = {name: results[name].reason for name in said.keys() - good}
    assert "was killed (perhaps for want of memory), 2 times" in reasons["dies"]
    assert "RuntimeError: a flaw of the engine's" in reasons["fails"]
    assert "did not answer in 3 s, 2 times" in reasons["hangs"]
    assert "ran out of memory, 2 times" in reasons["eats"]
    assert "ended with code 3, 2 times" in reasons["leaves"]
    assert set(table(room.url)) == set(results)
    again = graded(room, lab, jobs=1)
    assert {name for name, result in again.items() if result.state is State.UNCHANGED} == good


def test_failure_names_the_mark_that_is_still_there(room, lab, tests):
    test = next(iter(tests))
    hand_in(room, lab, "ada", answers={test: 1})
    graded(room, lab)
    hand_in(room, lab, "ada", do="fail")
    assert f"An earlier mark of {tests[test]:g} points is still in the gradebook" in graded(room, lab)["ada"].reason


def test_the_reason_of_a_failure_is_reported_until_there_is_a_mark(room, lab, tests):
    def reported() -> dict[str, str]:
        page, listed = (path.read_text() for path in room.report(lab))
        table = {row["student"]: row["notes"] for row in csv.DictReader(listed.splitlines())}
        needs = BeautifulSoup(page, "html.parser").select("[aria-labelledby=needs] tbody tr")
        shown = {row.th.get_text(): row.td.get_text() for row in needs}
        assert all(words.endswith(f"failed: {shown[student]}") for student, words in table.items() if "failed" in words)
        return shown

    test = next(iter(tests))
    for student, said in {"ada": {"answers": {test: 1}}, "ben": {"do": "fail"}, "cleo": {"do": "fail"}}.items():
        hand_in(room, lab, student, **said)
    (room.root / "submitted" / "dora").mkdir()
    (room.root / "submitted" / "dora" / lab.slug).symlink_to(room.root)
    graded(room, lab)
    assert {"ben", "cleo", "dora"} <= reported().keys()
    assert all("RuntimeError: a flaw of the engine's" in reported()[student] for student in ("ben", "cleo"))
    assert "Put the student's folder in its place" in reported()["dora"]

    hand_in(room, lab, "ada", do="fail")
    hand_in(room, lab, "ben")
    graded(room, lab)
    assert f"An earlier mark of {tests[test]:g} points is still in the gradebook" in reported()["ada"]
    assert "flaw" in reported()["cleo"] and "flaw" not in reported().get("ben", "")
    hand_in(room, lab, "ada", answers={test: 1})
    assert graded(room, lab)["ada"].state is State.UNCHANGED
    assert "flaw" not in reported().get("ada", "")
    left = [path.name for path in (room.root / "autograded").glob("*/.*")]
    assert left == [f".{lab.slug}.failed"], "of cleo"


def test_workers_that_cannot_start_end_the_run(room, lab, monkeypatch):
    class Broken:
        def __reduce__(self):
            return os._exit, (5,)

    hand_in(room, lab, "ada")
    monkeypatch.setattr(light, "Engine", Broken)
    with pytest.raises(GradingError, match="ended with code 5 while they start"):
        graded(room, lab)


def test_closing_the_iterator_ends_all_workers(room, lab):
    for number in range(8):
        hand_in(room, lab, f"s{number}", seconds=0.2 if number else 0)
    marked = room.mark(room.plan(lab), jobs=3)
    next(marked)
    started = time.monotonic()
    assert multiprocessing.active_children()
    marked.close()
    assert not multiprocessing.active_children() and time.monotonic() - started < 2


def test_two_runs_of_one_lab_do_not_meet(room, lab):
    for student in ("ada", "ben"):
        hand_in(room, lab, student)
    first = room.mark(room.plan(lab))
    next(first)
    with pytest.raises(GradingError, match="being marked by another run"):
        next(room.mark(room.plan(lab)))
    assert len(list(first)) == 1
    assert len(graded(room, lab, force=True)) == 2


# ---- the writer -----------------------------------------------------------------------------------------------------


def nbgraders_own(room: Classroom, lab: Lab, student: str, notebook: str) -> None:
    """Enter the marks of an executed notebook as nbgrader's autograde does."""
    import nbformat
    from nbgrader.converters import Autograde
    from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
    from traitlets.config import Config

    config = room.config.copy()
    config.merge(Config({"CourseDirectory": {"assignment_id": lab.slug, "student_id": student}}))
    converter = Autograde(config=config, coursedir=NbGraderAPI(config=config).coursedir)
    converter.notebooks = [str(room.root / "submitted" / student / lab.slug / f"{lab.slug}.ipynb")]
    converter.init_assignment(lab.slug, student)
    executed = nbformat.reads(notebook, as_version=4)
    resources = {"nbgrader": {"notebook": lab.slug, "assignment": lab.slug, "student": student, "db_url": room.url}}
    for step in (SaveAutoGrades, AssignLatePenalties):
        step(config=config).preprocess(executed, resources)


def executed(lab: Lab, tests: Mapping[str, float], passed: set[str], essay: str) -> str:
    """A notebook as the engine leaves it: one error in each test that failed."""
    import nbformat

    notebook = labs.marked_notebook(lab, {"memo": essay} if essay else {})
    for cell in notebook.cells:
        if labs.is_test(cell) and labs.grade_id(cell) not in passed:
            cell.outputs = [nbformat.v4.new_output("error", ename="AssertionError", evalue="", traceback=[])]
    return nbformat.writes(notebook)


@pytest.mark.parametrize("essay", ["", "My memo."])
@pytest.mark.parametrize("manual", [None, 1.5])
@pytest.mark.parametrize("method", ["none", "zero"])
@pytest.mark.parametrize("timestamp", [None, "2030-01-02 03:04:05 Europe/Berlin", "2019-01-01 00:00:00"])
def test_the_gradebook_is_as_nbgrader_itself_would_leave_it(
    room, lab, tests, course_root, tmp_path, essay, manual, method, timestamp
):
    shutil.copytree(room.root, tmp_path / "stock")
    stock = Classroom(load_course(course_root), tmp_path / "stock")
    passed = set(list(tests)[::2])
    files = {"timestamp.txt": timestamp.encode()} if timestamp else {}
    for each in (room, stock):
        each.config.LateSubmissionPlugin.penalty_method = method
        folder = hand_in(each, lab, "ada")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        with Gradebook(each.url, "equipoise") as book:
            book.update_or_create_assignment(lab.slug, duedate="2025-01-01 00:00:00 UTC")
            if manual is not None:
                book.update_or_create_student("ada")
                book.update_or_create_submission(lab.slug, "ada")
                for name in ("memo", next(iter(tests))):
                    grade = book.find_grade(name, lab.slug, lab.slug, "ada")
                    grade.manual_score, grade.extra_credit, grade.needs_manual_grade = manual, 0.5, False
                book.find_comment("memo", lab.slug, lab.slug, "ada").manual_comment = "Well argued."
                book.db.commit()
    notebook = executed(lab, tests, passed, essay)
    nbgraders_own(stock, lab, "ada", notebook)
    answered = frozenset(["memo"] if essay else [])
    scores = {test: points if test in passed else 0.0 for test, points in tests.items()}
    marked = execute.Marked("ada", "id", notebook, scores, (), answered)
    with writer.Writer(room.root, room.url, room.config, lab.slug) as ours:
        written = ours.write(marked, files, "")
    assert table(room.url) == table(stock.url)
    with records.reading(stock.url) as gradebook:
        mark = records.marks(gradebook, lab.slug)["ada"]
    assert (written.points, written.waiting) == (mark.points, mark.waiting)
    with Gradebook(stock.url, "equipoise") as book:
        submission = book.find_submission(lab.slug, "ada")
        assert mark.points == max(0.0, submission.score - submission.late_submission_penalty)
        assert mark.automatic == sum(scores.values())


@pytest.mark.parametrize("text", ["", "tomorrow", "\xff", "9" * 4000, "2025-13-45", "10000-01-01 00:00:00 UTC"])
def test_a_time_that_is_none_stops_nobody(room, lab, text):
    folder = hand_in(room, lab, "ada")
    (folder / "timestamp.txt").write_bytes(text.encode("latin-1"))
    assert graded(room, lab)["ada"].state is State.MARKED


@pytest.mark.parametrize("score", [-1, 1e9, float("nan"), float("inf")])
def test_points_that_no_test_can_give_are_not_written(room, lab, tests, score):
    test, *_ = tests
    hand_in(room, lab, "ada", answers={test: score})
    hand_in(room, lab, "ben", answers={test: 1})
    results = graded(room, lab)
    assert results["ada"].state is State.FAILED and test in results["ada"].reason
    assert results["ben"].points == tests[test]
    assert table(room.url)["ada"] == []


def test_gradebook_that_refuses_one_mark_stops_nobody_else(room, lab, monkeypatch):
    """Such as a student's name in letters that the server's encoding does not have."""
    for student in ("ada", "ben"):
        hand_in(room, lab, student)
    enter = writer.Writer._enter

    def refuse(self, marked, *others):
        if marked.student == "ada":
            self.gradebook.db.execute(text("INSERT INTO grade (id) VALUES (:x)"), {"x": {}})
        return enter(self, marked, *others)

    monkeypatch.setattr(writer.Writer, "_enter", refuse)
    results = graded(room, lab)
    assert results["ada"].state is State.FAILED and "cannot be written" in results["ada"].reason
    assert results["ben"].state is State.MARKED


def test_formgrader_sees_what_was_marked(room, lab, tests):
    hand_in(room, lab, "ada", answers=dict.fromkeys(tests, 1), essay=True)
    folder = hand_in(room, lab, "ben")
    (folder / "timestamp.txt").write_text("2025-01-01 00:00:00 UTC")
    hand_in(room, lab, "cleo", do="fail")
    graded(room, lab)
    assert room.nbgrader.get_autograded_students(lab.slug) == {"ada", "ben"}
    shown = {entry["student"]: entry for entry in room.nbgrader.get_submissions(lab.slug)}
    assert shown["ada"]["autograded"] and shown["ada"]["needs_manual_grade"]
    assert shown["ada"]["score"] == sum(tests.values())
    assert not shown["cleo"]["autograded"]


def test_files_lie_as_nbgrader_leaves_them(room, lab):
    folder = hand_in(room, lab, "ada")
    (folder / "film.mp4").write_bytes(b"x" * 1000)
    (folder / "timestamp.txt").write_text("2025-01-01 00:00:00 UTC")
    graded(room, lab)
    place = room.root / "autograded" / "ada" / lab.slug
    files = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    data = {f"data/{dataset}.csv" for dataset in lab.facts.datasets}
    assert files == {f"{lab.slug}.ipynb", "timestamp.txt", plan.STAMP, *data}
    assert stat.S_IMODE(place.stat().st_mode) & 0o055 == 0o055, "others, such as formgrader's hub, must be able to look"
    assert stat.S_IMODE((place / f"{lab.slug}.ipynb").stat().st_mode) == 0o444


def test_a_class_of_hundreds_does_not_slow_the_writer_down(room, lab, tests):
    marked = [light.Marked(f"s{n}", "id", "{}", dict.fromkeys(tests, 0.0), (), frozenset()) for n in range(240)]
    with writer.Writer(room.root, room.url, room.config, lab.slug) as ours:
        seconds = []
        for one in marked:
            start = time.process_time()
            ours.write(one, {}, "")
            seconds.append(time.process_time() - start)
        assert sum(seconds[-80:]) < 2 * sum(seconds[:80])
        assert len(list(ours.gradebook.db.identity_map.values())) < 100


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture(name="command")
def _command(room, course_root, monkeypatch) -> Callable[..., tuple[int, str]]:
    """Runs `equipoise grade` for the class."""
    monkeypatch.setattr(run, "Classroom", lambda content: room)

    def call(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli.app, ["grade", *words, "--course", str(course_root)])
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result.exit_code, result.output

    return call


def rows(output: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in output.splitlines() if "│" in line]
    return {student: rest for student, *rest in cells}


def test_command_prints_a_line_for_each_student(command, room, lab, tests):
    test = next(iter(tests))
    hand_in(room, lab, "cleo", answers={test: 1}, essay=True)
    hand_in(room, lab, "ada", b"[bold]")
    code, output = command(lab.slug)
    assert code == 0
    essay = f"{lab.rubric.points:g}"
    assert rows(output) == {"ada": ["marked", "0", "", "1"], "cleo": ["marked", f"{tests[test]:g}", essay, ""]}
    assert f"ada: {light.NOTE['text']}" in output and "Mark the essays" in output
    assert {state for state, *_ in rows(command(lab.slug)[1]).values()} == {"unchanged"}
    assert {state for state, *_ in rows(command(lab.slug, "--force", "--jobs", "1")[1]).values()} == {"marked"}


def test_command_fails_if_a_submission_has_no_mark(command, room, lab):
    hand_in(room, lab, "ada", do="fail")
    hand_in(room, lab, "ben")
    code, output = command(lab.slug)
    assert code == 1 and {name: cells[0] for name, cells in rows(output).items()} == {"ada": "failed", "ben": "marked"}
    assert "ada: The marking engine failed" in output


def test_command_marks_those_who_are_named_or_every_lab(command, room, lab):
    for student in ("ada", "ben", "cleo"):
        hand_in(room, lab, student)
    assert rows(command(lab.slug, "--student", "ada", "--student", "cleo")[1]).keys() == {"ada", "cleo"}
    code, output = command("--all")
    assert code == 0
    assert {name: cells[0] for name, cells in rows(output).items()} == {
        "ada": "unchanged",
        "ben": "marked",
        "cleo": "unchanged",
    }
    code, output = command(lab.slug, "--student", "nobody")
    assert code == 1 and "submitted/nobody" in output


def test_command_wants_one_lab_or_all(command, room, lab):
    for words in ([], [lab.slug, "--all"]):
        code, output = command(*words)
        assert code == 2 and "name one lab, or say --all" in output
    code, output = command(lab.slug)
    assert code == 1 and output.strip().startswith(f"Nothing was handed in: there is no {room.root}/submitted")
    assert command("--all") == (0, "")


def test_command_stops_with_one_sentence_and_shows_what_was_marked(command, room, lab, monkeypatch):
    for student in ("ada", "ben"):
        hand_in(room, lab, student)
    exchange, calls = writer.exchange, []

    def full(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", "autograded")
        exchange(*arguments)

    monkeypatch.setattr(writer, "exchange", full)
    code, output = command(lab.slug)
    assert code == 1 and len(rows(output)) == 1
    assert "The disk is full (autograded). What was marked before is kept." in output and "Traceback" not in output


def test_progress_shows_rate_and_distribution(room, lab, tests):
    hand_in(room, lab, "ada", answers=dict.fromkeys(tests, 1))
    chosen = room.plan(lab)
    with cli._marking(chosen) as show:
        for result in room.mark(chosen):
            show(result)
    assert chosen.worth == sum(tests.values()) and len(chosen) == 1
    assert cli.sparkline([]) == " " * 10
    assert cli.sparkline([0.0, 0.05, 0.05, 0.95, 1.0, 1.3, -1]) == "█        ▆"


def test_a_run_of_100_in_which_nothing_changed_takes_two_seconds_of_a_core(course_root, lab, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "engine_for", light.engine_for)
    root = tmp_path / "course"
    shutil.copytree(course_root, root)
    shutil.copytree(root / "class", root / "grading", dirs_exist_ok=True)
    room = Classroom(load_course(root))
    for number in range(100):
        folder = hand_in(room, lab, f"s{number:03}")
        shutil.copytree(room.root / "release" / lab.slug / "data", folder / "data")
    graded(room, lab)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = shell("equipoise", "grade", lab.slug, cwd=root)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0 and done.stdout.count("unchanged") == 100, done.stdout + done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 2


# ---- kill, interrupt, fill up, take away ----------------------------------------------------------------------------


class Class(NamedTuple):
    """A class in a folder, to be marked by other processes."""

    course: Path
    room: Classroom
    lab: Lab
    tests: dict[str, float]

    def hand_in(self, student: str, version: int) -> None:
        """Each version of a submission has another test right, of the same worth, so that points tell none apart."""
        worth = mode(self.tests.values())
        right = [test for test, points in self.tests.items() if points == worth][version]
        hand_in(self.room, self.lab, student, answers={right: 1}, essay=version % 2 == 0, seconds=0.005)

    def start(self, target: Callable, *arguments) -> multiprocessing.Process:
        process = graders.Process(target=target, args=(*arguments, self.course, self.room.root))
        process.start()
        return process

    def twin(self, root: Path) -> Class:
        """The same submissions in a class where nothing was ever marked."""
        shutil.copytree(self.course / "class", root)
        shutil.copytree(self.room.root / "submitted", root / "submitted")
        if (self.room.root / plan.SECRET).exists():
            shutil.copy(self.room.root / plan.SECRET, root)
        return Class(self.course, Classroom(self.room.course, root), self.lab, self.tests)

    def state(self) -> tuple:
        return table(self.room.url), autograded(self.room)


@pytest.fixture(name="pupils")
def _pupils(course_root, room, lab, tests) -> Class:
    return Class(course_root, room, lab, tests)


def end(process: multiprocessing.Process) -> int:
    process.join(60)
    assert process.exitcode is not None, "the grader hangs"
    return process.exitcode


def test_killed_fifty_times_at_random_no_mark_is_lost_doubled_or_stale(pupils, tmp_path):
    dice = random.Random(20)
    students = [f"s{number:02}" for number in range(16)]
    for student in students:
        pupils.hand_in(student, 0)
    started = time.monotonic()
    assert end(pupils.twin(tmp_path / "timed").start(light.grade)) == 0
    whole = time.monotonic() - started
    attempts, interrupted = 0, 0
    while interrupted < 50:
        attempts += 1
        assert attempts < 250, "the grader ends before it can be killed"
        process = pupils.start(light.grade)
        time.sleep(dice.uniform(0.1 * whole, whole))
        family = descendants(process.pid)
        process.kill()
        interrupted += end(process) == -signal.SIGKILL
        _, left = psutil.wait_procs(family, timeout=10)
        assert not left, "workers outlive their grader"
        for student in dice.sample(students, 3):
            pupils.hand_in(student, dice.randrange(3))
    assert end(pupils.start(light.grade)) == 0
    twin = pupils.twin(tmp_path / "quiet")
    assert end(twin.start(light.grade)) == 0
    assert pupils.state() == twin.state()
    assert len(table(pupils.room.url)) == len(students)


def test_killed_at_each_step_of_writing_the_next_run_puts_it_right(pupils, tmp_path):
    """The submission is replaced, the grader dies at one step, and the next run finds either version there."""
    room, lab, code, step = pupils.room, pupils.lab, 9, 0
    expected, before, after = {}, tmp_path / "before", tmp_path / "after"
    plan.class_secret(room.root)
    for version in (1, 0):
        pupils.hand_in("ada", version)
        twin = pupils.twin(tmp_path / f"expected-{version}")
        graded(twin.room, lab)
        expected[version] = twin.state()
    graded(room, lab)
    assert pupils.state() == expected[0] != expected[1]
    shutil.copytree(room.root, before)
    while code == 9:
        replace(room.root, before)
        pupils.hand_in("ada", 1)
        code = end(pupils.start(light.grade_until, step))
        replace(after, room.root)
        for version in (0, 1):
            replace(room.root, after)
            pupils.hand_in("ada", version)
            graded(room, lab)
            assert pupils.state() == expected[version], f"killed at step {step}, then version {version}"
        step += 1
    assert code == 0 and step > 10


def descendants(pid: int) -> list[psutil.Process]:
    """Everything that the process started and that runs; a process that has just ended has none."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def replace(folder: Path, by: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(by, folder)


def test_interrupt_ends_with_one_sentence_and_keeps_what_was_written(pupils, tmp_path):
    for number in range(40):
        hand_in(pupils.room, pupils.lab, f"s{number:02}", seconds=0.3)
    log = tmp_path / "log"
    process = graders.Process(target=light.grade_by_command, args=(pupils.course, pupils.room.root, log))
    process.start()
    while len(list((pupils.room.root / "autograded").glob("*/*"))) < 3:
        time.sleep(0.02)
    family = descendants(process.pid)
    started = time.monotonic()
    for member in [*family, psutil.Process(process.pid)]:  # as a terminal does
        member.send_signal(signal.SIGINT)
    assert end(process) == 130 and time.monotonic() - started < 5
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left
    assert [line for line in log.read_text().splitlines() if line.strip()] == [
        f"Stopped. What was marked is kept; the same command marks the others of {pupils.lab.slug}."
    ]
    stamps = list((pupils.room.root / "autograded").glob(f"*/*/{plan.STAMP}"))
    chosen = pupils.room.plan(pupils.lab)
    assert 3 <= len(stamps) == len(chosen.settled) < 40 and len(chosen.students) == 40 - len(stamps)


@pytest.mark.parametrize("what", ["autograded", "."])
def test_full_disk_stops_with_one_sentence_and_the_next_run_continues(pupils, tmp_path, what):
    for number in range(12):
        hand_in(pupils.room, pupils.lab, f"s{number:02}")
    log = tmp_path / "log"
    process = graders.Process(target=light.grade_on_a_small_disk, args=(what, pupils.course, pupils.room.root, log))
    process.start()
    again = end(process)
    said, kept, *left, in_the_end = log.read_text().splitlines()
    assert "full" in said and said.endswith("Mend this and run the same command again."), said
    assert not left, "half a folder was left behind"
    assert 0 < int(kept) < 12 and int(kept) + again == 12 == int(in_the_end)


def held(room: Classroom) -> sqlite3.Connection:
    """Another program that keeps the gradebook to itself."""
    other = sqlite3.connect(room.root / "gradebook.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    return other


@pytest.mark.parametrize("before", ["the first", "another"])
def test_gradebook_that_another_program_holds_is_waited_for(room, lab, before):
    for number in range(4):
        hand_in(room, lab, f"s{number}")
    marked = room.mark(room.plan(lab))
    first = [] if before == "the first" else [next(marked)]
    other = held(room)
    timer = threading.Timer(8, other.execute, ["COMMIT"])  # sqlite itself gives up after five seconds
    timer.start()
    results = [*first, *marked]
    timer.join()
    other.close()
    assert [result.state for result in results] == [State.MARKED] * 4


def test_gradebook_that_is_never_let_go_stops_with_one_sentence(room, lab, monkeypatch):
    monkeypatch.setattr(writer, "LOCKED_SECONDS", 1)
    for number in range(4):
        hand_in(room, lab, f"s{number}")
    marked = room.mark(room.plan(lab))
    next(marked)
    other = held(room)
    with pytest.raises(GradingError, match="cannot be written: database is locked"):
        list(marked)
    other.close()
    states = [result.state for result in graded(room, lab).values()]
    assert sorted(states) == [State.MARKED] * 3 + [State.UNCHANGED]
