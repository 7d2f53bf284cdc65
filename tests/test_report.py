"""The grader's report of a class: its statistics, its table, and who needs a person."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import marked_class
import numpy as np
import pytest
from bs4 import BeautifulSoup
from marked_class import Handed, hand_in
from scipy.stats import binomtest

from equipoise import labs
from equipoise.grading import marked, report
from equipoise.grading.records import reading
from equipoise.grading.report import Submission


@pytest.fixture(name="lab")
def _lab(course):
    return next(iter(course.labs.values()))


@pytest.fixture(scope="module", name="root")
def _root(course, tmp_path_factory):
    """Three who were marked, one whose result is not ours, one without any."""
    lab = next(iter(course.labs.values()))
    first, second, *_ = labs.points(lab)
    answers = labs.solutions(lab)
    root = tmp_path_factory.mktemp("class")
    ben = Handed("ben", answers, {second: "you return 0.25"}, [(second, "killed", "The cell ended its process.")])
    cleo = Handed("cleo", {}, {first: "no", second: "you return 1e-3"}, [(None, "repaired", "A cell was restored.")])
    hand_in(root, lab, [Handed("ada", answers, memo_points=13), ben, cleo, Handed("dan")])
    path = root / "autograded" / "dan" / lab.slug / f"{lab.slug}.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["equipoise"]["tests"] = "all right"
    path.write_text(json.dumps(notebook))
    (root / "submitted" / "eve" / lab.slug).mkdir(parents=True)
    return root


@pytest.fixture(name="submissions")
def _submissions(root, lab):
    with reading(marked_class.url(root)) as gradebook:
        return report.read_submissions(lab.slug, root, gradebook)


def submission(lab, handed: Handed, **changes) -> Submission:
    """What ``read_submissions`` would find, without a gradebook."""
    recorded = marked_class.marked_notebook(lab, handed).metadata["equipoise"]
    points = {name: test["points"] for name, test in recorded["tests"].items()}
    one = Submission(handed.student, marked.marking(recorded), points, sum(points.values()))
    return replace(one, **changes)


def parsed(lab, submissions) -> BeautifulSoup:
    return BeautifulSoup(report.page(lab, submissions), "html.parser")


def section(page: BeautifulSoup, name: str) -> str:
    return " ".join(page.find("section", attrs={"aria-labelledby": name}).get_text(" ").split())


# ---- statistics


@pytest.mark.parametrize(("passed", "n"), [(0, 3), (3, 3), (1, 3), (47, 120), (120, 120), (1, 1)])
def test_wilsons_interval_is_scipys(passed, n):
    expected = binomtest(passed, n).proportion_ci(method="wilson")
    assert report.wilson(passed, n) == pytest.approx((expected.low, expected.high))


def test_nobody_says_nothing_of_a_share():
    assert report.wilson(0, 0) == (0, 1)


def test_discrimination_is_guilfords_correction_of_the_item_total_correlation():
    rng = np.random.default_rng(7)
    items = (rng.random((60, 5)) < 0.3 + 0.5 * rng.random((60, 1))).astype(float)
    total = items.sum(axis=1)
    for item in items.T:
        r, s_i, s_t = np.corrcoef(item, total)[0, 1], item.std(), total.std()
        expected = (r * s_t - s_i) / np.sqrt(s_t**2 + s_i**2 - 2 * r * s_i * s_t)
        assert report.discrimination(item.tolist(), (total - item).tolist()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("item", "rest"), [([2, 2, 2], [1, 5, 9]), ([0, 0, 2], [4, 4, 4]), ([2], [3]), ([], [])], ids=str
)
def test_discrimination_is_undefined_where_all_have_the_same(item, rest):
    assert report.discrimination(item, rest) is None


def test_messages_that_differ_in_numbers_are_one():
    found = report.group_messages(
        [
            "you return 0.25, expected 1",
            "you return -3e-05, expected 12",
            "you return 0.25, expected 1",
            "the rates [0.1 0.25 7] differ",
            "the rates [0.3] differ",
            "SpO2 is missing",
            "SpO3 is missing",
        ]
    )
    assert [(message.text, message.count, message.forms) for message in found] == [
        ("you return 0.25, expected 1", 3, 2),
        ("the rates [0.1 0.25 7] differ", 2, 2),
        ("SpO2 is missing", 1, 1),
        ("SpO3 is missing", 1, 1),
    ]


@pytest.mark.parametrize("most", [1, 7, 12, 22, 100])
def test_everybody_stands_in_one_bar_of_the_histogram(most):
    scores = [0, 0, 0.5, most / 2, most, most, most]
    bars = report.histogram(scores, most)
    assert sum(bar.count for bar in bars) == len(scores)
    assert len(bars) <= report.MOST_BARS + 1
    assert bars[0].count >= 3
    assert bars[0].label.startswith("0")
    assert bars[-1].label.endswith(f"{most}")
    assert bars[-1].count >= 3
    assert max(bar.height for bar in bars) == 200
    assert all(bar.y + bar.height == pytest.approx(200) for bar in bars)


# ---- reading a class


def test_class_is_read_from_notebooks_and_gradebook(submissions, lab):
    by_name = {one.student: one for one in submissions}
    assert list(by_name) == ["ada", "ben", "cleo", "dan", "eve"]
    worth = labs.points(lab)
    second = list(worth)[1]
    assert by_name["ada"].total == sum(worth.values()) + 13
    assert (by_name["ada"].waiting, by_name["ben"].waiting, by_name["cleo"].waiting) == (0, lab.rubric.points, 0)
    assert by_name["ben"].points[second] == 0
    assert by_name["ben"].marking.tests[second].message == "you return 0.25"
    assert by_name["dan"].marking is None
    assert by_name["dan"].points is not None
    assert by_name["eve"] == Submission("eve")


def test_result_of_another_lab_or_no_json_is_no_result(root, lab, tmp_path):
    for content in ('{"metadata": {"equipoise": {"lab": "another"}}}', "[", "[]", "[" * 100_000, '{"metadata": 3}'):
        folder = tmp_path / "autograded" / "ada" / lab.slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{lab.slug}.ipynb").write_text(content)
        with reading(marked_class.url(root)) as gradebook:
            assert [one.marking for one in report.read_submissions(lab.slug, tmp_path, gradebook)] == [None]
    good = root / "autograded" / "ada" / lab.slug / f"{lab.slug}.ipynb"
    other = tmp_path / "autograded" / "ada" / "another"
    other.mkdir()
    shutil.copy(good, other / "another.ipynb")
    with reading(marked_class.url(root)) as gradebook:
        assert [one.marking for one in report.read_submissions("another", tmp_path, gradebook)] == [None]


# ---- the page


def test_page_says_how_the_class_did(submissions, lab):
    page = parsed(lab, submissions)
    facts = section(page, "class")
    for fact in ("Handed in 5", "Marked 3", "Not marked 2", "Wait for a person 1"):
        assert fact in facts
    second = list(labs.points(lab))[1]
    rows = [" ".join(row.get_text(" ").split()) for row in page.select("[aria-labelledby=tests] tbody tr")]
    assert len(rows) == len(labs.points(lab))
    assert "2 of 3 67 % 21 % to 94 %" in rows[0].replace("\xa0", " ")
    assert "1 of 3 33 % 6 % to 79 %" in rows[1].replace("\xa0", " ")
    assert "not defined" in rows[2]
    assert "not defined" not in rows[0]
    assert "you return 0.25 2 of 3 students, in 2 forms" in section(page, "messages")
    assert f"{second}: The cell ended its process. (1 time) ben" in section(page, "notes")
    title = page.svg.title.string
    assert title.startswith("How many of 3 students")
    total = sum(labs.points(lab).values())
    assert sum(int(part.split(":")[-1]) for part in title.partition("points: ")[2].split(";")) == 3
    assert f"of {total:g} that the tests give (n = 3)" in section(page, "scores")


def test_page_gives_each_tests_discrimination_and_what_to_make_of_it(lab):
    first, second, third, *others = labs.points(lab)
    good, poor = (
        Handed("good", failed={third: "no"}),
        Handed("poor", failed=dict.fromkeys([first, second, *others], "no")),
    )
    half = [Handed("half", failed={second: "no"}), Handed("late", failed={second: "no", first: "no"})]
    done = [submission(lab, one) for one in (good, poor, *half)]
    for number, test in enumerate((first, second, third)):
        item = [one.points[test] for one in done]
        rest = [sum(one.points.values()) - one.points[test] for one in done]
        shown = parsed(lab, done).select("[aria-labelledby=tests] tbody tr")[number].select("td")[-1].get_text(" ")
        expected = np.corrcoef(item, rest)[0, 1]
        assert shown.split()[0] == f"{expected:.2f}".replace("-", "\N{MINUS SIGN}")
        assert ("read it again" in shown) == (expected < 0)
    assert expected < 0  # of the third, which only the best failed


def test_whoever_needs_a_person_is_named_with_the_reason(submissions, lab):
    needs = dict(report.needs_a_person(submissions))
    assert needs == {
        "ben": ["The cell ended its process."],
        "dan": ["Handed in, but not marked in the sandbox. Mark again."],
        "eve": ["Handed in, but not marked in the sandbox. Mark again."],
    }
    missing = submission(lab, Handed("fay"), points=None, total=None)
    again = submission(lab, Handed("gil"), look_again=True)
    needs = dict(report.needs_a_person([missing, again]))
    assert needs["fay"] == ["Marked, but not in the gradebook. Mark again."]
    assert needs["gil"] == ["A person's mark belongs to an earlier version. Look at it again."]


def test_person_who_marked_an_earlier_version_is_asked_again(lab, root, tmp_path):
    from nbgrader.api import Gradebook

    folder = shutil.copytree(root, tmp_path / "class")
    with Gradebook(marked_class.url(folder)) as gradebook:
        gradebook.find_grade("memo", lab.slug, lab.slug, "ada").needs_manual_grade = True
        gradebook.db.commit()
    with reading(marked_class.url(folder)) as gradebook:
        found = report.read_submissions(lab.slug, folder, gradebook)
    assert [one.student for one in found if one.look_again] == ["ada"]


def test_outliers_in_time_and_memory_are_named_only_in_a_class_that_has_a_middle(lab):
    quick = [submission(lab, Handed(f"s{i}", cost=(1 + i / 100, 0.8, 120e6 + i))) for i in range(10)]
    slow = submission(lab, Handed("slow", cost=(55.5, 0.8, 120e6)))
    large = submission(lab, Handed("large", cost=(1, 0.8, 900e6)))
    needs = dict(report.needs_a_person([*quick, slow, large]))
    assert set(needs) == {"slow", "large"}
    assert needs["slow"] == ["Took 55.5 s, where half of the class took at most 1.0 s."]
    assert needs["large"] == ["Used 900 MB, where half of the class used at most 120 MB."]
    assert report.needs_a_person([*quick[:6], slow]) == []


def test_class_of_nobody_and_class_without_marks_have_a_page(lab):
    assert "Handed in 0" in section(parsed(lab, []), "class")
    assert "Not marked 1" in section(parsed(lab, [Submission("eve")]), "class")
    assert report.csv_table(lab, [Submission("eve")]).splitlines()[1].startswith("eve,,")


@pytest.mark.parametrize("attack", ["<script>window.hacked = 1</script>", "\"><img src=x onerror='1'>", "{{ 7 * 7 }}"])
def test_names_and_messages_are_text(lab, attack):
    test = next(iter(labs.points(lab)))
    one = submission(lab, Handed(attack, {}, {test: attack}, [(attack, attack, attack), (None, "repaired", attack)]))
    page = parsed(lab, [one, Submission(attack + "2"), submission(lab, Handed("ben"), waiting=3.0)])
    assert page.get_text().count(attack) >= 6
    assert not page.find_all(["script", "img", "iframe"])
    assert "default-src 'none'" in page.find("meta", attrs={"http-equiv": True})["content"]


# ---- the table


def test_table_has_a_row_for_everybody(root, lab, tmp_path):
    with reading(marked_class.url(root)) as gradebook:
        html, table = report.write_report(lab, root, gradebook, tmp_path / "reports")
    assert (html.name, table.name) == (f"{lab.slug}.html", f"{lab.slug}.csv")
    assert "<h1>" in html.read_text()
    rows = list(csv.DictReader(table.read_text().splitlines()))
    worth = labs.points(lab)
    assert list(rows[0]) == ["student", "total", *worth, "seconds", "cpu_seconds", "peak_mb", "notes"]
    assert [row["student"] for row in rows] == ["ada", "ben", "cleo", "dan", "eve"]
    assert {test: float(rows[0][test]) for test in worth} == worth
    assert float(rows[0]["total"]) == sum(worth.values()) + 13
    assert (rows[1]["seconds"], rows[1]["cpu_seconds"], rows[1]["peak_mb"]) == ("0.9", "0.7", "120.0")
    assert rows[1]["notes"] == f"killed ({list(worth)[1]}): The cell ended its process."
    assert (rows[4]["total"], rows[4]["seconds"], rows[4]["notes"]) == ("", "", "not marked")


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1", "\n=1", " =1", "\uff1d1"])
def test_no_cell_of_the_table_is_a_formula(lab, words):
    one = submission(lab, Handed(words, notes=[(None, words, words)]))
    (row,) = csv.DictReader(report.csv_table(lab, [one]).splitlines())
    assert row["student"] == f"'{words.strip()}"
    assert row["notes"].startswith("'")
