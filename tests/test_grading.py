"""A class is marked: by nbgrader's own commands, by ours, and with the same result."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import nbformat
import pytest
from support import copy_course, shell

from equipoise import demo, labs
from equipoise.content import load_course
from equipoise.grading.run import Classroom, GradingError, State, write_sources


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
    classroom = Classroom(course)
    demo.hand_in_examples(classroom, lab)
    shutil.rmtree(grading / "submitted" / "broken")
    for step in steps[1:]:
        assert_done(shell(*step, cwd=grading))
    return root


@pytest.fixture(scope="module", name="lab")
def _lab(by_hand):
    return next(iter(load_course(by_hand).labs.values()))


def assert_done(result):
    assert result.returncode == 0, result.stdout + result.stderr


def table(path: Path) -> list[dict]:
    return list(csv.DictReader(path.read_text().splitlines()))


def expected_points(lab) -> dict[str, float]:
    """What the headers of lab.py and wrong_answers.py say that each example submission earns."""
    total = sum(labs.points(lab).values())
    lost = sum(sum(m.loses.values()) for m in labs.mistakes(lab)[::3])
    return {"perfect": total, "partly-right": total - lost, "untouched": 0}


def test_nbgraders_own_commands_give_the_points_that_the_lab_promises(by_hand, lab):
    rows = table(by_hand / "grading" / "grades.csv")
    scores = {row["student_id"]: float(row["score"]) for row in rows}
    assert scores == expected_points(lab)
    assert 0 < scores["partly-right"] < scores["perfect"]


def test_every_planted_cell_loses_its_points_in_nbgraders_gradebook(by_hand, lab):
    lost = {test: points for mistake in labs.mistakes(lab)[::3] for test, points in mistake.loses.items()}
    with Classroom(load_course(by_hand)).nbgrader.gradebook as gradebook:
        grades = gradebook.find_submission_notebook(lab.slug, lab.slug, "partly-right").grades
        marked = {grade.name: grade.auto_score for grade in grades if grade.name in labs.points(lab)}
    assert marked == {test: worth - lost.get(test, 0) for test, worth in labs.points(lab).items()}


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
    text = page.read_text()
    assert "AssertionError" in text
    assert f"{expected_points(lab)['partly-right']:g}" in text


@pytest.fixture(name="classroom")
def _classroom(by_hand, tmp_path):
    """A class of ours beside the one marked by hand, with the examples handed in and nothing marked."""
    course = load_course(by_hand)
    classroom = Classroom(course, tmp_path / "class")
    lab = next(iter(course.labs.values()))
    classroom.release(lab)
    demo.hand_in_examples(classroom, lab)
    return classroom


def test_our_command_gives_the_same_points_and_stops_for_nobody(classroom, lab):
    results = {result.student: result for result in classroom.grade(lab)}
    assert {s: r.points for s, r in results.items() if r.points is not None} == expected_points(lab)
    broken = results["broken"]
    assert broken.state is State.FAILED
    assert broken.reason.startswith(f"submitted/broken/{lab.slug}/{lab.slug}.ipynb: is not a notebook")
    assert not (classroom.root / "autograded" / "broken").exists()
    assert results["perfect"].waiting == lab.rubric.points
    assert results["untouched"].waiting == 0
    grades = table(classroom.export(classroom.root / "grades.csv"))
    assert {row["student_id"] for row in grades} == set(results)

    again = {result.student: result.state for result in classroom.grade(lab)}
    assert {again[student] for student in expected_points(lab)} == {State.UNCHANGED}

    handed_in = classroom.root / "submitted"
    shutil.copy(handed_in / "perfect" / lab.slug / f"{lab.slug}.ipynb", handed_in / "broken" / lab.slug)
    shutil.copy(handed_in / "perfect" / lab.slug / f"{lab.slug}.ipynb", handed_in / "untouched" / lab.slug)
    third = {result.student: (result.state, result.points) for result in classroom.grade(lab)}
    full = expected_points(lab)["perfect"]
    assert third["broken"] == third["untouched"] == (State.MARKED, full)
    assert third["perfect"] == (State.UNCHANGED, full)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is damaged, or was cut off"),
        (b"\xff\xfe\x00", "is not a notebook"),
        (b"[1, 2, 3]", "is not a notebook"),
        (b'{"cells": 7}', "is not a notebook"),
        (b"<html>", "the file is damaged, or was cut off"),
        (b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "none of the lab's tests is in it"),
        (None, "there is no notebook of this name"),
    ],
    ids=["empty", "binary", "list", "no-cells", "web-page", "other-notebook", "missing"],
)
def test_submission_that_is_no_notebook_gets_one_clear_message(classroom, lab, content, reason):
    shutil.rmtree(classroom.root / "submitted")
    folder = classroom.root / "submitted" / "ann" / lab.slug
    folder.mkdir(parents=True)
    if content is not None:
        (folder / f"{lab.slug}.ipynb").write_bytes(content)
    (result,) = classroom.grade(lab)
    assert result.state is State.FAILED
    assert reason in result.reason
    assert "\n" not in result.reason
    assert not (classroom.root / "autograded").exists()


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
    source = lab.folder / "lab.py"
    test = next(iter(labs.points(lab)))
    source.write_text(source.read_text().replace(f'id="{test}" points=', f'id="{test}" points=1'))
    course = load_course(course_copy)
    with pytest.raises(GradingError, match="have changed since it was released"):
        list(Classroom(course, course_copy / "class").grade(course.labs[lab.slug]))


def test_lost_gradebook_means_marking_again(classroom, lab):
    for student in ("broken", "partly-right", "untouched"):
        shutil.rmtree(classroom.root / "submitted" / student)
    assert [result.state for result in classroom.grade(lab)] == [State.MARKED]
    (classroom.root / "gradebook.db").unlink()
    classroom.release(lab)
    assert [result.state for result in classroom.grade(lab)] == [State.MARKED]


def test_earlier_mark_is_named_when_the_new_submission_cannot_be_read(classroom, lab):
    for student in ("broken", "partly-right", "untouched"):
        shutil.rmtree(classroom.root / "submitted" / student)
    (first,) = classroom.grade(lab)
    (classroom.root / "submitted" / "perfect" / lab.slug / f"{lab.slug}.ipynb").write_text("{")
    (second,) = classroom.grade(lab)
    assert second.state is State.FAILED
    assert f"still marked, with {first.points:g} points" in second.reason


def test_essay_that_a_person_marked_waits_no_longer(classroom, lab):
    for student in ("broken", "partly-right", "untouched"):
        shutil.rmtree(classroom.root / "submitted" / student)
    (before,) = classroom.grade(lab)
    with classroom.nbgrader.gradebook as gradebook:
        memo = gradebook.find_grade("memo", lab.slug, lab.slug, "perfect")
        memo.manual_score, memo.needs_manual_grade = 13, False
        gradebook.db.commit()
    for force in (False, True):
        (after,) = classroom.grade(lab, force)
        assert (after.points, after.waiting) == (before.points + 13, 0)


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
