"""From lab.py to notebooks: what nbgrader would release, what a student would hand in, what an author did wrong."""

import nbformat
import pytest
from nbgrader.utils import compute_checksum, is_solution

from equipoise import labs
from equipoise.content import read_course


@pytest.fixture(name="lab")
def _lab(course):
    return course.lab("pulse-oximetry")


@pytest.fixture(name="spoilt")
def _spoilt(course_copy):
    """A function that replaces text in a file of a lab and returns the findings."""

    def spoil(file: str, old: str, new: str) -> list[str]:
        folder = course_copy / "labs" / "pulse-oximetry"
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
        course, findings = read_course(course_copy)
        assert findings == []
        return [str(finding) for finding in labs.check(course.labs[folder.name])]

    return spoil


def test_notebooks_are_valid_and_reproducible(lab):
    for make in (labs.instructor_notebook, labs.student_notebook):
        notebook = make(lab)
        nbformat.validate(notebook)
        assert notebook == make(lab)


def test_kind_of_cell_follows_from_what_it_holds(lab):
    kinds = {}
    for cell in labs.instructor_notebook(lab).cells:
        if labs.grade_id(cell):
            meta = cell.metadata.nbgrader
            kinds[labs.grade_id(cell)] = (meta.solution, meta.grade, meta.locked)
    assert kinds["setup"] == (False, False, True)
    assert kinds["gap"] == (True, False, False)
    assert kinds["test-gap"] == (False, True, True)
    assert kinds["memo"] == (True, True, False)


def test_rubric_reaches_the_student(lab):
    cells = {labs.grade_id(cell): cell for cell in labs.student_notebook(lab).cells}
    for row in lab.rubric.dimensions.values():
        assert row.title in cells["rubric"].source
        assert all(level in cells["rubric"].source for level in row.levels)


def test_submission_changes_answers_only(lab):
    released, handed_in = labs.student_notebook(lab), labs.submission(lab, labs.solutions(lab))
    for before, after in zip(released.cells, handed_in.cells, strict=True):
        assert (before.source != after.source) == is_solution(before)


def test_untouched_memo_is_recognised(lab):
    memo = next(c for c in labs.submission(lab, {}).cells if labs.grade_id(c) == "memo")
    assert memo.metadata.nbgrader.checksum == compute_checksum(memo)


def test_hidden_tests_come_back_for_marking(lab):
    marked = "\n".join(c.source for c in labs.marked_notebook(lab, {}).cells)
    assert "HIDDEN" in marked
    assert all(answer not in marked for answer in labs.solutions(lab).values())


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("lab.py", 'id="gap"', 'id="split"', "the id is taken"),
        ("lab.py", 'id="gap" competency="R4"', 'competency="R4"', "without an id"),
        ("lab.py", 'id="setup"', 'id="setup" colour="red"', "colour: is not a known key"),
        ("lab.py", "import warnings\n", "import warnings as\n", "is not Python"),
        ("lab.py", "# Test: three shares between 0 and 1", '1 + 1\n# %% id="x" points=1\n0.5', "ends in an expression"),
        ("lab.py", "# Test: three shares between 0 and 1", "assert prediction", "has no message"),
        ("lab.py", 'id="memo" points=18', 'id="memo" points=10', "is worth 10 points, the rubric 18"),
        ("lab.py", 'id="memo" points=18', 'id="memo"', "memo: there is none"),
        ("lab.py", 'id="gap"', "id=5", "id: input should be a valid string"),
        ("lab.py", 'id="test-gap" points=2', 'id="test-gap" points="two"', "points: input should be a valid number"),
        ("lab.py", 'id="gap" competency="R4"', 'id="gap" competency="R99"', "competency: input should be"),
        ("lab.py", "### END SOLUTION", "", "a region begins or ends without the other"),
        ("lab.py", "### BEGIN HIDDEN TESTS", "", "a region begins or ends without the other"),
        ("lab.py", '[markdown] id="rubric" rubric=true', '[markdown] id="rubric" points=3', "but no solution"),
        ("lab.py", 'id="setup"', 'id="setup" points=1 display=true', "setup: is for display, but text or marked"),
        ("lab.py", 'id="gap"', 'id="gap" display=true', "gap: is for display, but text or marked"),
        ("lab.py", "# %% display=true\n# Try", "# %%\n# Try", "would run for every submission"),
        ("lab.py", "rubric=true", "rubric=true display=true", "rubric: is for display, but text or marked"),
        ("lab.py", 'level="postgraduate"', 'level="professor"', "level: input should be 'undergraduate'"),
        ("lab.py", "## Extension: how", "Extension: how", "an extension begins elsewhere"),
        ("lab.py", 'level="postgraduate"', 'level="postgraduate" id="extra"', "extra: an extension begins elsewhere"),
        ("lab.py", "display=true", "display=5", "display: input should be a valid boolean"),
        ("wrong_answers.py", 'loses={"test-gap": 2}', "loses=2", "loses: input should be a valid dictionary"),
        ("wrong_answers.py", 'replaces="gap"', 'replaces="gaps"', "there is no solution 'gaps'"),
        ("wrong_answers.py", '{"test-gap": 2}', '{"test-gap": 3}', "cannot lose 3 points"),
        ("wrong_answers.py", '{"test-gap": 2}', '{"test-gape": 2}', "cannot lose 2 points"),
        ("wrong_answers.py", ' loses={"test-gap": 2}', "", "loses: is missing"),
    ],
)
def test_slip_of_an_author_is_named(spoilt, file, old, new, expected):
    findings = spoilt(file, old, new)
    assert any(expected in finding and file in finding for finding in findings), findings


KNOWN = "draws with a seed that everybody can read, or with none"


@pytest.mark.parametrize(
    ("old", "new", "cell"),
    [
        ("seed=unseen(101)", "seed=101", "test-occult"),
        ("n=1000, seed=unseen(101)", "1000, 101", "test-occult"),
        ("n=1000, seed=unseen(101)", "n=1000, seed=[100 + 1]", "test-occult"),
        (
            "for seed in (1, 2):",
            "for seed in (1, 2):\n    generate('x', n=2, seed=seed)",
            "test-split",
        ),
        ("default_rng(unseen(102))", "default_rng(102)", "test-gap"),
        ("default_rng(unseen(102))", "default_rng()", "test-gap"),
        ("default_rng(unseen(102))", "RandomState(102)", "test-gap"),
        ("split_by_patient(fresh, seed)", "split_by_patient(fresh, seed=1)", "test-split"),
        ("LogisticRegression(C=0.1)", "LogisticRegression(C=0.1, random_state=1)", None),
        ("# Test: the largest", "np.random.default_rng(1)\n# Test: the largest", None),  # in the part that is released
    ],
)
def test_seed_of_a_hidden_test_is_not_on_the_page(spoilt, old, new, cell):
    findings = spoilt("lab.py", old, new)
    assert [f"cell {cell}: line" in finding and KNOWN in finding for finding in findings] == ([True] if cell else [])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("# Test: the largest", 'assert len(safe), "x"\n#', "test-gap: uses 'safe' as the test test-occult binds it"),
        ("ALERT = 0.15\n", "ALERT = 0.15 + 0 * auroc\n", "held-out: uses 'auroc' as the test test-train binds it"),
        ("round(rate * n)", "round(rate * share)", "interval: uses 'share' as the test test-predict binds it"),
        ("with_numbers(held", "used\nwith_numbers(held", "missed: uses 'used' as the test test-train binds it"),
        ("ALERT = 0.15\n", "ALERT = 0.15; fig\n", "held-out: uses 'fig' as the display cell compare binds it"),
        ("# Test: the largest", "by_race\n#", "test-gap: uses 'by_race' as the display cell compare binds it"),
        ("# When the memo", "#\n# %%\nsizes\n# %% [markdown]\n#", "uses 'sizes' as the display cell without an id"),
        ("with_numbers(held", "by_race\nwith_numbers(held", "missed: uses 'by_race' as the display cell compare"),
        (
            "train, test = split",
            "np = 1\ntrain, test = split",
            "split: binds 'np' anew; tests go on seeing the value of",
        ),
        ('prediction = {"light": 0', 'BANDS = prediction = {"light": 0', "predict: binds 'BANDS' anew"),
        ("by_race = occult", "interval = by_race = occult", "compare: binds 'interval' anew; tests go on seeing the"),
    ],
)
def test_name_that_marking_would_not_see_is_found(spoilt, old, new, expected):
    findings = spoilt("lab.py", old, new)
    assert [expected in finding for finding in findings] == [True], findings


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Test: the largest", "safe = 1\nassert safe, 'x'\n#"),  # bound by the test itself
        ("ALERT = 0.15\n", "rows = [1]; ALERT = 0.15; rows\n"),  # a test below binds it too
        ("ALERT = 0.15\n", "ALERT = 0.15; [safe for safe in BANDS]\n"),
        ("# Test: a value for every row", "plt = 1\n# Test: a value for every row"),  # nobody below this test needs it
        ("train, test = split", "here = train, test = split"),  # a display cell below binds it too
    ],
)
def test_name_that_marking_sees_as_well_is_no_finding(spoilt, old, new):
    assert spoilt("lab.py", old, new) == []


def test_an_extension_says_whom_it_is_for(lab):
    text = next(c.source for c in labs.student_notebook(lab).cells if c.source.startswith("## Extension"))
    assert text.splitlines()[2] == "*An extension for postgraduate and specialty training. No points.*"
    assert text.count("\n## ") == 0


def test_display_and_competency_reach_the_student(lab):
    released = {labs.grade_id(cell): cell for cell in labs.student_notebook(lab).cells}
    assert [name for name, cell in released.items() if labs.is_display(cell)] == [
        "first-rows",
        "overview",
        "compare",
        "race-and-tone",
        "held-out-table",
        "missed",
        "explain",
        "cost",
        "mended",
    ]
    assert released["gap"].metadata.equipoise == {"competency": "R4"}
    assert "equipoise" not in released["setup"].metadata


def test_set_up_is_what_rests_on_nothing_of_the_students(lab):
    notebook = labs.marked_notebook(lab, {})
    assert [labs.grade_id(cell) for cell in labs.set_up(notebook)] == ["setup", "interval"]
    cells = {labs.grade_id(cell): cell for cell in notebook.cells}
    cells["interval"].source += "\nrate = interval(prediction, 1)"
    assert [labs.grade_id(cell) for cell in labs.set_up(notebook)] == ["setup"]
