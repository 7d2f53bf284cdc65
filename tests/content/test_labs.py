"""Every lab proves itself: this is what `equipoise check` does, and it is the slowest test of the suite."""

import re

import pytest

from equipoise import labs, proof
from equipoise.content import load_course

COURSE = load_course()


@pytest.fixture(params=COURSE.labs, name="lab")
def _lab(request):
    return COURSE.labs[request.param]


def test_shape(lab):
    assert labs.check(lab) == []


def test_solution_stub_and_mistakes_are_marked_as_named(lab):
    result = proof.prove(lab, COURSE)
    assert result.findings == []
    assert result.solved.scores == labs.points(lab)


def test_students_notebook_gives_nothing_away(lab):
    text = "\n".join(cell.source for cell in labs.student_notebook(lab).cells)
    assert "BEGIN" not in text
    for cell in labs.instructor_notebook(lab).cells:
        for hidden in labs.HIDDEN.findall(cell.source):
            for line in filter(lambda line: len(line.strip()) > 30, hidden.splitlines()):
                assert line.strip() not in text
    for name, answer in labs.solutions(lab).items():
        stub = next(c.source for c in labs.student_notebook(lab).cells if labs.grade_id(c) == name)
        told = [line for line in answer.splitlines() if len(line.strip()) > 30 and line not in stub]
        assert told, f"the released cell {name} holds its whole answer"
        assert not any(line.strip() in text for line in told)


def test_enough_tasks_for_a_session(lab):
    tests = labs.points(lab)
    assert len(labs.solutions(lab)) - 1 >= 6
    assert len(tests) >= 6
    assert len(labs.mistakes(lab)) >= 6


def test_every_mistake_says_what_it_is(lab):
    for mistake in labs.mistakes(lab):
        assert re.match(r"# .{20,}", mistake.source), f"{mistake.name} does not say in its first line what it is"
