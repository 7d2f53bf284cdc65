"""From lab.py to notebooks: what nbgrader would release, what a student would hand in, what an author did wrong."""

import nbformat
import pytest
from nbgrader.utils import compute_checksum, is_solution

from equipoise import labs
from equipoise.content import read_course


@pytest.fixture(name="lab")
def _lab(course):
    return next(iter(course.labs.values()))


@pytest.fixture(name="spoilt")
def _spoilt(course_copy):
    """A function that replaces text in a file of the first lab and returns the findings."""

    def spoil(file: str, old: str, new: str) -> list[str]:
        folder = next((course_copy / "labs").iterdir())
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
