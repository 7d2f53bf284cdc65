"""`equipoise demo` goes the whole way round, says where everything is, and does not repeat what is done."""

from pathlib import Path

import nbformat
from support import shell

from equipoise import demo, labs


def test_demo_goes_round_and_prints_where_everything_is(course_copy):
    first = shell("equipoise", "demo", cwd=course_copy)
    assert first.returncode == 0, first.stderr[-1500:]
    places = dict(line.split(": /", 1) for line in first.stdout.splitlines() if ": /" in line)
    assert {"The book", "What students get", "Feedback for perfect", "Grades"} <= set(places)
    for name, place in places.items():
        assert Path(f"/{place}").exists(), f"{name}: /{place}"
    assert "is not a notebook" in first.stdout
    assert not (course_copy / "grading" / "gradebook.db").exists(), "the demo touched the real class"

    second = shell("equipoise", "demo", cwd=course_copy)
    assert second.returncode == 0, second.stderr[-1500:]
    assert second.stdout.count("unchanged") == 4
    assert "marked" not in second.stdout


def test_book_that_cannot_be_built_ends_the_demo_with_one_line(course_copy):
    page = course_copy / "book" / "how-to-read.md"
    page.write_text(page.read_text() + "\n{no-such-role}`x`\n")
    result = shell("equipoise", "demo", cwd=course_copy)
    assert result.returncode == 1
    assert "The book was not built" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_example_submissions_come_from_the_lab(course):
    lab = course.lab("pulse-oximetry")
    examples = demo.examples(lab)
    assert set(examples) == {"perfect", "partly-right", "untouched", "broken"}
    handed_in = {cell.source for cell in nbformat.reads(examples["partly-right"], as_version=4).cells}
    planted = [mistake for mistake in labs.mistakes(lab) if mistake.source in handed_in]
    assert 2 <= len(planted) < len(labs.solutions(lab))
