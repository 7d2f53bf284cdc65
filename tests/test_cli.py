"""The command line: findings in full, one line for an expected error, never a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from equipoise.cli import app
from equipoise.content import COURSE_VARIABLE, load_course, read_course

NOWHERE = "no-such-folder"
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def run(*words: object) -> tuple[int, str]:
    """The exit code and all that was printed. An exception that typer did not expect fails the test."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture
def broken(course_copy) -> Path:
    """A course with four slips, of which none lets a lab or a generator run."""
    course = load_course(course_copy)
    for lab in course.labs.values():
        (lab.folder / "rubric.yml").unlink()
    for dataset in course.datasets.values():
        (dataset.folder / "calibration.yml").write_text("size: [\n", encoding="utf-8")
    case = course.cases["pulse-oximetry"].folder
    text = (case / "case.md").read_text(encoding="utf-8")
    (case / "case.md").write_text(text.replace("---\n", "---\ncolour: red\n", 1), encoding="utf-8")
    (case / "teaching.md").unlink()
    return course_copy


def test_help_names_every_command():
    code, output = run("--help")
    assert code == 0
    assert {"check", "new", "grade", "demo"} <= set(COMMANDS)
    assert all(re.search(rf"\b{command}\b", output) for command in COMMANDS)


def test_the_installed_script_answers():
    script = Path(sys.executable).parent / "equipoise"
    done = subprocess.run([script, "--help"], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    assert all(re.search(rf"\b{command}\b", done.stdout) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    code, output = run(command, "--help")
    assert code == 0 and "--course" in output


def test_check_answers_an_unknown_name_with_the_known_ones(course_copy):
    code, output = run("check", NOWHERE, "--course", course_copy)
    assert code == 1 and NOWHERE in output
    course = load_course(course_copy)
    assert all(slug in output for slug in {*course.cases, *course.labs, *course.datasets})


def test_check_names_every_unknown_name(course_copy):
    known = next(iter(load_course(course_copy).cases))
    code, output = run("check", NOWHERE, known, "nor-this", "--course", course_copy)
    assert code == 1 and f": {NOWHERE}: " in output and ": nor-this: " in output
    assert "2 findings." in output


@pytest.mark.parametrize("by_name", [False, True])
def test_check_prints_every_finding_in_full(broken, by_name):
    findings = read_course(broken)[1]
    slugs = {finding.file.split("/")[1] for finding in findings}
    code, output = run("check", *(slugs if by_name else ()), "--course", broken)
    assert code == 1
    assert {"case.md", "teaching.md", "rubric.yml", "calibration.yml"} == {Path(f.file).name for f in findings}
    lines = output.splitlines()
    for finding in findings:
        assert any(all(part in line for part in (finding.file, finding.where, finding.repair)) for line in lines)
    assert f"{len(findings)} findings." in lines


def test_check_of_one_name_leaves_the_others_out(broken):
    made, output = run("new", "dataset", "brand-new", "--course", broken)
    assert made == 0
    code, output = run("check", "brand-new", "--course", broken)
    assert code == 1 and "TODO" in output
    assert all(finding.file not in output for finding in read_course(broken)[1] if "brand-new" not in finding.file)


def test_square_brackets_in_a_finding_are_printed_as_they_are(broken):
    """Rich would take them for its own markup."""
    (case,) = {f.file for f in read_course(broken)[1] if f.file.endswith("case.md")}
    text = (broken / case).read_text(encoding="utf-8").replace("colour: red", "'[bold]colour[/bold]': red")
    (broken / case).write_text(text, encoding="utf-8")
    code, output = run("check", "--course", broken)
    assert code == 1 and "[bold]colour[/bold]" in output


@pytest.mark.parametrize(
    ("kind", "folders"),
    [("case", ["cases", "labs", "datasets"]), ("lab", ["labs", "datasets"]), ("dataset", ["datasets"])],
)
def test_new_prints_what_it_made(course_copy, kind, folders):
    code, output = run("new", kind, "brand-new", "--course", course_copy)
    assert code == 0
    assert re.findall(r"^Made (\S+)$", output, re.M) == [f"{folder}/brand-new" for folder in folders]
    assert all((course_copy / folder / "brand-new").is_dir() for folder in folders)
    assert "equipoise check brand-new" in output


@pytest.mark.parametrize("slug", ["Has Space", "../x", "a--b", ""])
def test_new_refuses_a_bad_slug_in_one_line(course_copy, slug):
    code, output = run("new", "case", slug, "--course", course_copy)
    assert code == 1 and len(output.splitlines()) == 1 and f"'{slug}'" in output


def test_new_refuses_a_folder_that_exists_in_one_line(course_copy):
    slug = next(iter(load_course(course_copy).cases))
    code, output = run("new", "case", slug, "--course", course_copy)
    assert code == 1 and len(output.splitlines()) == 1 and "exists" in output


def test_new_knows_three_kinds(course_copy):
    code, output = run("new", "exam", "brand-new", "--course", course_copy)
    assert code == 2
    assert all(kind in output for kind in ("case", "lab", "dataset"))


@pytest.mark.parametrize("words", [["check"], ["new", "case", "x"], ["grade", "x"], ["demo"]])
@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_that_is_no_course_gives_one_line(tmp_path, words, exists):
    folder = tmp_path if exists else tmp_path / NOWHERE
    code, output = run(*words, "--course", folder)
    assert code == 1 and len(output.strip().splitlines()) == 1
    assert str(folder.resolve()) in output and "not a course" in output
    assert list(tmp_path.iterdir()) == []


def test_the_course_may_be_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(COURSE_VARIABLE, str(tmp_path))
    code, output = run("check")
    assert code == 1 and f"{tmp_path.resolve()} is not a course" in output


def test_grade_answers_an_unknown_lab_with_the_known_ones(course_copy):
    code, output = run("grade", NOWHERE, "--course", course_copy)
    assert code == 1 and NOWHERE in output
    assert all(slug in output for slug in load_course(course_copy).labs)


def test_no_demo_while_the_course_has_findings(broken):
    findings = read_course(broken)[1]
    code, output = run("demo", "--course", broken)
    assert code == 1 and all(str(finding) in output for finding in findings)


def test_a_lab_is_marked_while_another_part_of_the_course_is_a_draft(course_copy):
    slug = next(iter(load_course(course_copy).labs))
    run("new", "case", "draft", "--course", course_copy)
    code, output = run("grade", slug, "--course", course_copy)
    assert code == 1 and f"{slug} was never released" in output


def test_no_lab_is_marked_that_has_findings_itself(course_copy):
    slug = next(iter(load_course(course_copy).labs))
    (course_copy / "labs" / slug / "rubric.yml").write_text("dimensions: {}\n", encoding="utf-8")
    code, output = run("grade", slug, "--course", course_copy)
    assert code == 1 and f"labs/{slug}/rubric.yml" in output


def test_a_table_of_contents_that_holds_no_path_is_no_traceback(broken):
    contents = broken / "_toc.yml"
    text = contents.read_text(encoding="utf-8")
    contents.write_text(f"{text}  - caption: More\n    chapters:\n      - file:\n", encoding="utf-8")
    code, output = run("check", "--course", broken)
    assert code == 1 and "_toc.yml" in output
