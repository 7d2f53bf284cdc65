"""A class is marked: by nbgrader's own commands, by ours, and with the same result."""

from __future__ import annotations

import csv
import html
import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from support import copy_course, shell

from equipoise import demo, labs
from equipoise.content import Lab, load_course
from equipoise.grading.run import Classroom, GradingError, State, write_sources

NO_NOTEBOOKS = {
    "empty": b"",
    "binary": b"\xff\xfe\x00",
    "list": b"[1, 2, 3]",
    "no-cells": b'{"cells": 7}',
    "web-page": b"<html>",
    "other-notebook": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "missing": None,
}


@pytest.fixture(scope="module", name="by_hand")
def _by_hand(tmp_path_factory) -> Path:
    """A course whose example class was marked with nbgrader's commands, as the README tells."""
    root = copy_course(tmp_path_factory.mktemp("hand") / "course")
    course, grading = load_course(root), root / "grading"
    lab = next(iter(course.labs.values()))
    steps = [
        ("nbgrader", "generate_assignment", lab.slug),
        ("nbgrader", "autograde", lab.slug),
        ("nbgrader", "generate_feedback", lab.slug),
        ("nbgrader", "export", "--to", "grades.csv"),
    ]
    assert_done(shell(*steps[0], cwd=grading))
    demo.hand_in_examples(Classroom(course), lab)
    for step in steps[1:]:
        assert_done(shell(*step, cwd=grading))
    return root


@pytest.fixture(scope="module", name="lab")
def _lab(by_hand):
    return next(iter(load_course(by_hand).labs.values()))


@pytest.fixture(scope="module", name="by_us")
def _by_us(by_hand, lab, tmp_path_factory) -> tuple[Classroom, dict]:
    """The same class, and some submissions that are no notebooks, marked with our command's engine."""
    classroom = Classroom(load_course(by_hand), tmp_path_factory.mktemp("us") / "class")
    classroom.release(lab)
    demo.hand_in_examples(classroom, lab)
    for student, content in NO_NOTEBOOKS.items():
        folder = classroom.root / "submitted" / student / lab.slug
        folder.mkdir(parents=True)
        if content is not None:
            (folder / f"{lab.slug}.ipynb").write_bytes(content)
    return classroom, {result.student: result for result in classroom.grade(lab)}


def assert_done(result):
    assert result.returncode == 0, result.stdout + result.stderr


def table(path: Path) -> list[dict]:
    return list(csv.DictReader(path.read_text().splitlines()))


def lost_points(lab) -> dict[str, float]:
    """By test, what the slips of the example submission lose: of several mistakes in one place it makes the last."""
    made = {mistake.replaces: mistake for mistake in labs.mistakes(lab)[::3]}.values()
    return {test: points for mistake in made for test, points in mistake.loses.items()}


def expected_points(lab) -> dict[str, float]:
    """What the headers of lab.py and wrong_answers.py say that each example submission earns."""
    total = sum(labs.points(lab).values())
    return {"perfect": total, "partly-right": total - sum(lost_points(lab).values()), "untouched": 0, "broken": 0}


def grades(url: str, lab, student: str) -> dict[str, tuple]:
    """What the gradebook holds, by cell: score, whether a person must look, comment."""
    with Gradebook(url, "equipoise") as book:
        notebook = book.find_submission_notebook(lab.slug, lab.slug, student)
        comments = {comment.name: comment.auto_comment for comment in notebook.comments}
        return {g.name: (g.auto_score, g.needs_manual_grade, comments.get(g.name)) for g in notebook.grades}


def test_nbgraders_own_commands_give_the_points_that_the_lab_promises(by_hand, lab):
    rows = table(by_hand / "grading" / "grades.csv")
    scores = {row["student_id"]: float(row["raw_score"]) for row in rows}
    assert scores == expected_points(lab)
    assert {row["student_id"] for row in rows if not row["score"]} == {"perfect", "partly-right"}  # wait for a person
    assert 0 < scores["partly-right"] < scores["perfect"]


def test_every_planted_cell_loses_its_points_in_nbgraders_gradebook(by_hand, lab):
    lost = lost_points(lab)
    marked = grades(Classroom(load_course(by_hand)).url, lab, "partly-right")
    expected = {test: worth - lost.get(test, 0) for test, worth in labs.points(lab).items()}
    assert {test: marked[test][0] for test in expected} == expected


def test_notebooks_of_other_names_are_told_alike_by_both_ways_and_are_never_stale(by_hand, lab, tmp_path):
    """In the course's own folder, of students whose names are those of a download from a learning platform."""
    root = shutil.copytree(by_hand, tmp_path / "course")
    grading, perfect = root / "grading", root / "grading" / "submitted" / "perfect" / lab.slug / f"{lab.slug}.ipynb"
    renamed, two, none = "Müller, Anna", "Smith, Jo (late)", "O'Neill, Zoë & Co"
    said = {
        renamed: f"The notebook was called {lab.slug} (1).ipynb",
        two: f"None of the notebooks is called {lab.slug}.ipynb: a.ipynb, b.ipynb",
        none: "There is no notebook of this name",
    }
    full = sum(labs.points(lab).values())
    for student, names in {renamed: [f"{lab.slug} (1).ipynb"], two: ["a.ipynb", "b.ipynb"], none: ["a.txt"]}.items():
        folder = grading / "submitted" / student / lab.slug
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(perfect, folder / name)

    def told(*command: str) -> dict[str, float]:
        """Marks the three, and returns their points after their notes were looked at."""
        assert_done(shell(*command, cwd=grading))
        for student, text in said.items():
            path = grading / "autograded" / student / lab.slug / f"{lab.slug}.ipynb"
            notes = [note["text"] for note in json.loads(path.read_text())["metadata"]["equipoise"]["notes"]]
            assert text in " ".join(notes) and "empty" not in " ".join(notes)
        found = {student: grades(Classroom(load_course(root)).url, lab, student) for student in said}
        return {student: sum(cell[0] or 0 for cell in cells.values()) for student, cells in found.items()}

    ours = ("equipoise", "grade", lab.slug, *(word for student in said for word in ("--student", student)))
    theirs = ("nbgrader", "autograde", lab.slug, "--student=*,*", "--force")
    assert told(*theirs) == told(*ours) == {renamed: full, two: 0, none: 0}
    assert_done(shell("nbgrader", "generate_feedback", lab.slug, "--student=*,*", cwd=grading))
    for student, text in said.items():
        page = html.unescape((grading / "feedback" / student / lab.slug / f"{lab.slug}.html").read_text())
        assert text in page and student in page

    untouched = grading / "submitted" / "untouched" / lab.slug / f"{lab.slug}.ipynb"
    for command, notebook, points in ((ours, untouched, 0), (theirs, perfect, full), (ours, untouched, 0)):
        shutil.copy(notebook, grading / "submitted" / renamed / lab.slug / f"{lab.slug} (1).ipynb")
        assert told(*command) == {renamed: points, two: 0, none: 0}


def test_our_command_gives_the_points_that_the_lab_promises_and_stops_for_nobody(by_us, lab):
    classroom, results = by_us
    assert {s: r.points for s, r in results.items() if s in expected_points(lab)} == expected_points(lab)
    assert {result.state for result in results.values()} == {State.MARKED}
    waiting = {student: result.waiting for student, result in results.items() if result.waiting}
    assert waiting == dict.fromkeys(["perfect", "partly-right"], lab.rubric.points)
    rows = table(classroom.export(classroom.root / "grades.csv"))
    assert {row["student_id"] for row in rows} == set(results)


@pytest.mark.parametrize("student", ["perfect", "partly-right", "untouched", "broken"])
def test_both_ways_fill_the_gradebook_alike(by_hand, by_us, lab, student):
    theirs = grades(Classroom(load_course(by_hand)).url, lab, student)
    assert grades(by_us[0].url, lab, student) == theirs
    assert set(theirs) == {*labs.points(lab), "memo"}


@pytest.mark.parametrize("student", [*NO_NOTEBOOKS, "broken"])
def test_submission_that_is_no_notebook_gets_nothing_and_one_clear_reason(by_us, lab, student):
    classroom, results = by_us
    result = results[student]
    assert (result.points, result.waiting, result.notes) == (0, 0, 1)
    said = {"empty": "The file is empty", "missing": "no notebook of this name"}.get(student, "notebook")
    assert said in result.reason and "handed in" in result.reason and "\n" not in result.reason
    marked = classroom.root / "autograded" / student / lab.slug / f"{lab.slug}.ipynb"
    recorded = json.loads(marked.read_text())["metadata"]["equipoise"]
    assert recorded["notes"][0]["text"] == result.reason
    assert all(test["points"] == 0 and test["message"] for test in recorded["tests"].values())


def test_what_was_marked_is_unchanged_until_it_is_handed_in_again(by_us, lab):
    classroom, first = by_us
    again = {result.student: result for result in classroom.plan(lab).settled}
    assert {s: vars(r) | {"state": State.MARKED} for s, r in again.items()} == {s: vars(r) for s, r in first.items()}
    handed_in = classroom.root / "submitted"
    shutil.copy(handed_in / "perfect" / lab.slug / f"{lab.slug}.ipynb", handed_in / "broken" / lab.slug)
    chosen = classroom.plan(lab)
    assert chosen.students == ["broken"]
    (result,) = classroom.mark(chosen)
    assert (result.state, result.points) == (State.MARKED, expected_points(lab)["perfect"])


def test_formgrader_and_feedback_go_on_from_our_marks(by_us, lab):
    classroom, results = by_us
    assert classroom.nbgrader.get_autograded_students(lab.slug) == set(results)
    shown = {entry["student"]: entry for entry in classroom.nbgrader.get_submissions(lab.slug)}
    assert shown["partly-right"]["autograded"] and shown["partly-right"]["needs_manual_grade"]
    classroom.write_feedback(lab, "partly-right")
    assert f"{results['partly-right'].points:g}" in classroom.feedback_page(lab, "partly-right").read_text()


def test_release_is_the_students_notebook_and_its_data_only(by_hand, lab):
    folder = by_hand / "grading" / "release" / lab.slug
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {f"{lab.slug}.ipynb", *(f"data/{dataset}.csv" for dataset in lab.facts.datasets)}
    released = nbformat.read(folder / f"{lab.slug}.ipynb", as_version=4)
    ours = labs.student_notebook(lab)
    assert [cell.source for cell in released.cells] == [cell.source for cell in ours.cells]
    assert [cell.metadata for cell in released.cells] == [cell.metadata for cell in ours.cells]
    assert not any(cell.get("outputs") for cell in released.cells)


def test_feedback_says_what_was_wrong(by_hand, lab):
    page = by_hand / "grading" / "feedback" / "partly-right" / lab.slug / f"{lab.slug}.html"
    marked = by_hand / "grading" / "autograded" / "partly-right" / lab.slug / f"{lab.slug}.ipynb"
    tests = json.loads(marked.read_text())["metadata"]["equipoise"]["tests"]
    said = [test["message"] for test in tests.values() if test["message"]]
    text = html.unescape(page.read_text())
    assert said and all(message in text for message in said)
    assert f"{expected_points(lab)['partly-right']:g}" in text


def test_lab_that_was_never_released_is_refused(course, tmp_path):
    lab = next(iter(course.labs.values()))
    with pytest.raises(GradingError, match="was never released"):
        list(Classroom(course, tmp_path).grade(lab))
    assert list(tmp_path.iterdir()) == []


def test_lab_whose_tests_changed_since_the_release_is_refused(course_copy):
    course = load_course(course_copy)
    lab = next(iter(course.labs.values()))
    classroom = Classroom(course, course_copy / "class")
    classroom.release(lab)
    demo.hand_in_examples(classroom, lab)
    source = lab.folder / "lab.py"
    test = next(iter(labs.points(lab)))
    source.write_text(source.read_text().replace(f'id="{test}" points=', f'id="{test}" points=1'))
    course = load_course(course_copy)
    classroom, lab = Classroom(course, course_copy / "class"), course.labs[lab.slug]
    with pytest.raises(GradingError, match="have changed since it was released"):
        list(classroom.grade(lab))
    with pytest.raises(GradingError, match="have changed since it was released"):
        classroom.mark_one(lab, "perfect")


def test_resident_server_marks_by_the_lab_as_it_is_now(course_copy, monkeypatch):
    """As formgrader's does, which imports this once and then lives for weeks."""
    from traitlets.config import Config

    from equipoise.grading import preprocessors

    def ready() -> tuple[Classroom, Lab]:
        course = load_course(course_copy)
        return Classroom(course), next(iter(course.labs.values()))

    classroom, lab = ready()
    monkeypatch.chdir(classroom.root)
    classroom.release(lab)
    demo.hand_in_examples(classroom, lab)
    mark = preprocessors.Mark(config=Config({"Equipoise": {"course": str(course_copy)}}))
    resources = {"nbgrader": {"assignment": lab.slug, "student": "broken"}}
    mark.preprocess(None, resources)
    source, (test, worth) = lab.folder / "lab.py", next(iter(labs.points(lab).items()))
    source.write_text(source.read_text().replace(f'id="{test}" points=', f'id="{test}" points=1'))
    with pytest.raises(GradingError, match="have changed since it was released"):
        mark.preprocess(None, resources)
    classroom, lab = ready()
    classroom.release(lab)
    marked, _ = mark.preprocess(None, resources)
    assert marked.metadata.equipoise.tests[test]["of"] == labs.points(lab)[test] != worth


def test_folder_that_cannot_be_written_is_named(course_copy):
    (course_copy / "grading" / "source").write_text("in the way")
    with pytest.raises(GradingError, match=r"grading/source.*Mark in a copy of the course"):
        Classroom(load_course(course_copy))


def test_source_is_made_whole_again_and_from_its_own_course(course_copy, tmp_path):
    write_sources(course_copy, tmp_path)
    lab = next(iter(load_course(course_copy).labs.values()))
    table = tmp_path / lab.slug / "data" / f"{lab.facts.datasets[0]}.csv"
    table.unlink()
    (table.parent / "left-over.csv").write_text("latent_truth")
    write_sources(course_copy, tmp_path)
    assert [path.name for path in table.parent.iterdir()] == [table.name]


@pytest.mark.parametrize("part", ["calibration.yml", "generate.py", "lab.py"])
def test_lab_that_is_broken_or_whose_dataset_is_broken_is_not_built(course_copy, tmp_path, capsys, part):
    lab = next(iter(load_course(course_copy).labs.values()))
    write_sources(course_copy, tmp_path)
    folder = lab.folder if part == "lab.py" else course_copy / "datasets" / lab.facts.datasets[0]
    broken = folder / part
    broken.write_text(broken.read_text() + "\n# %%\nthis is: neither: Python nor YAML\n")
    write_sources(course_copy, tmp_path)
    assert not (tmp_path / lab.slug / f"{lab.slug}.ipynb").exists()
    assert f"{lab.slug} is not built" in capsys.readouterr().err


def test_lab_with_a_finding_cannot_be_released_by_accident(course_copy):
    slug = next(iter(load_course(course_copy).labs))
    assert_done(shell("nbgrader", "generate_assignment", slug, cwd=course_copy / "grading"))
    rubric = course_copy / "labs" / slug / "rubric.yml"
    rubric.write_text(rubric.read_text().replace("issue:", "isue:"))
    refused = shell("nbgrader", "generate_assignment", slug, "--force", cwd=course_copy / "grading")
    assert refused.returncode != 0
    assert f"labs/{slug}/rubric.yml" in refused.stderr
    assert "dimensions" in refused.stderr
