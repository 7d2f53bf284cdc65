"""A lab that marks unfairly is found out. The lab is the one that `equipoise new` makes: small, and complete."""

import re

import pytest

from equipoise import checks, labs, proof, scaffold
from equipoise.content import read_course
from equipoise.datasets import SECRET_VARIABLE
from equipoise.grading.sandbox import Nursery, SandboxError


@pytest.fixture(name="no_sandbox")
def _no_sandbox(tmp_path, monkeypatch):
    """A machine without bubblewrap."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="is not installed"):
        Nursery().start()


@pytest.fixture(name="prove")
def _prove(course_copy):
    scaffold.new(course_copy, scaffold.Kind.LAB, "small")

    def prove(file: str, old: str, new: str) -> list[str]:
        path = course_copy / "labs" / "small" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        course, _ = read_course(course_copy)
        assert labs.check(course.labs["small"]) == []
        return [str(finding) for finding in proof.prove(course.labs["small"], course).findings]

    return prove


def test_sound_lab_passes(prove):
    assert prove("lab.py", "Task 1", "Task 1") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        pytest.param(
            "lab.py",
            "prediction = 0.1",
            "prediction = 2.0",
            "the solution fails with AssertionError",
            id="solution-fails",
        ),
        pytest.param(
            "lab.py", "prediction = None", "prediction = 0.5", "the untouched notebook earns 1", id="stub-earns"
        ),
        pytest.param(
            "lab.py",
            "    assert abs(gap - expected) < 1e-9",
            "    assert gap or True",
            "loses nothing, should lose test-gap (2)",
            id="weak-test",
        ),
        pytest.param(
            "wrong_answers.py",
            "return pd.Series(rows",
            "return undefined(rows",
            "stopped with NameError: name 'undefined' is not defined instead of a message",
            id="mistake-crashes",
        ),
        pytest.param(
            "lab.py",
            "# Test: a share",
            "print('hello')\n# Test: a share",
            "prints or returns something",
            id="noisy-test",
        ),
        pytest.param(
            "wrong_answers.py",
            'mistake="counts" replaces="rates" loses={"test-rates": 2}',
            'mistake="counts" replaces="rates" loses={"test-gap": 2}',
            "loses test-rates (2), should lose test-gap (2)",
            id="mistake-costs-elsewhere",
        ),
    ],
)
def test_unfair_lab_is_found_out(prove, file, old, new, expected):
    findings = prove(file, old, new)
    assert any(expected in finding for finding in findings), findings


def test_lab_is_told_that_it_is_marked(prove):
    told = 'assert __import__("os").environ["NBGRADER_EXECUTION"] == "autograde", "nobody said that this is marking"'
    assert prove("lab.py", "found = rates(fresh)", f"found = rates(fresh)\n{told}") == []


def test_without_a_sandbox_the_same_is_found_out(no_sandbox, prove):
    weak = "    assert gap or True"
    findings = prove("lab.py", "    assert abs(gap - expected) < 1e-9", weak)
    assert [re.search(r"mistake ([\w-]+): loses nothing", f)[1] for f in findings] == ["average-gap", "signed-gap"]


def test_lab_that_is_unfair_in_some_classes_only_is_found_out(prove, monkeypatch):
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    condition = f'assert not __import__("os").environ.get("{SECRET_VARIABLE}"), "fails in a class with a secret"'
    findings = prove("lab.py", "found = rates(fresh)", f"found = rates(fresh)\n{condition}")
    failed = "cell test-rates: the solution fails with AssertionError: fails in a class with a secret"
    classes = {re.search(f"{failed}, with {SECRET_VARIABLE}=(\\w+)", f)[1] for f in findings if failed in f}
    assert len(classes) == proof.CLASSES, findings
    assert any(re.search(f"average-gap: loses .* should lose .*, with {SECRET_VARIABLE}=", f) for f in findings)


def test_class_in_which_a_lab_is_unfair_can_be_looked_at_again(prove, monkeypatch):
    monkeypatch.setenv(SECRET_VARIABLE, "the one")
    condition = f'assert __import__("os").environ.get("{SECRET_VARIABLE}") != "the one", "fails in this class"'
    findings = prove("lab.py", "found = rates(fresh)", f"found = rates(fresh)\n{condition}")
    assert ["the solution fails with AssertionError: fails in this class" in f for f in findings] == [True]


def test_lab_whose_kernel_dies_earns_nothing_for_what_never_ran(prove):
    findings = prove("lab.py", "table.head()", "import os; os._exit(1)")
    assert any("test-gap: the solution earns 0 of 2" in finding for finding in findings), findings


@pytest.mark.parametrize(("limit", "value", "where"), [("MOST_SECONDS", 0.1, "time"), ("MOST_BYTES", 10, "memory")])
def test_greedy_lab_is_found_out(prove, monkeypatch, limit, value, where):
    monkeypatch.setattr(proof, limit, value if limit == "MOST_BYTES" else 1)
    code = "import time; time.sleep(1.5)\nimport pandas as pd" if where == "time" else "import pandas as pd"
    findings = prove("lab.py", "import pandas as pd", code)
    assert any(f": {where}: " in finding for finding in findings), findings


def test_check_of_a_lab_with_a_broken_generator_is_a_finding_and_no_traceback(course_copy):
    scaffold.new(course_copy, scaffold.Kind.LAB, "small")
    generator = course_copy / "datasets" / "small" / "generate.py"
    generator.write_text(generator.read_text() + "\ndef broken(:\n")
    findings = [str(finding) for finding in checks.check(course_copy, ["small"], print).findings]
    assert any("datasets/small/generate.py: SyntaxError: the generator fails" in finding for finding in findings)
