"""The book is built by the command that everybody knows, and shows students nothing but their edition."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from support import shell

from equipoise import labs
from equipoise.book.case_page import complete_case
from equipoise.content import Course, Level, load_course

BUILD = ("jupyter-book", "build", "-W", "-n", "--keep-going", ".")


@pytest.fixture(scope="module", name="book")
def _book(built_course, tmp_path_factory) -> Path:
    """A built book that may be spoilt."""
    return shutil.copytree(built_course, tmp_path_factory.mktemp("book") / "course")


def page(root: Path, name: str) -> str:
    return (root / "_build" / "html" / f"{name}.html").read_text()


def test_every_page_of_the_contents_is_there(book):
    for name in load_course(book).pages:
        assert "<h1>" in page(book, name)


def test_hidden_folder_is_left_alone(book):
    assert not list((book / "_build").rglob("trap*"))


def test_case_shows_its_facts_its_quiz_and_its_figure(book):
    case = next(iter(load_course(book).cases.values()))
    text = page(book, f"cases/{case.slug}/case")
    assert "At a glance" in text
    assert all(competency.meaning in text for competency in case.facts.competencies)
    assert len(re.findall(r'class="[^"]*quiz-option', text)) == sum(len(item.options) for item in case.quiz.items)
    assert re.search(r'<img[^>]+alt="[^"]{80,}"', text), "the figure has no alternative text"


def test_pathways_lead_to_every_case_of_a_level(book):
    course, text = load_course(book), page(book, "book/pathways")
    for level in Level:
        section = re.search(rf'<section id="{level}-training">.*?</section>', text, re.DOTALL)[0]
        linked = re.findall(r'href="../cases/([\w-]+)/case.html"', section)
        assert linked == [case.slug for case in course.pathway(level)]


def test_lab_page_is_the_students_edition(book):
    lab = next(iter(load_course(book).labs.values()))
    text = page(book, f"labs/{lab.slug}/lab")
    assert "YOUR CODE HERE" in text
    assert "This is the lab as students receive it" in text


def test_no_file_of_the_book_gives_a_solution_away(book):
    """Whatever the format: pages, search index, sources, downloads, executed notebooks."""
    secrets = {"BEGIN SOLUTION", "HIDDEN TESTS", "latent_", "counterfactual_"} | secret_lines(load_course(book))
    assert len(secrets) > 50
    for path in (book / "_build" / "html").rglob("*"):
        if path.is_file() and path.suffix not in (".woff", ".woff2", ".png", ".ttf"):
            text = plain(path.read_text(errors="replace"))
            assert [line for line in secrets if line in text] == [], path


def secret_lines(course: Course) -> set[str]:
    """Long lines of solutions, hidden tests and teaching notes that the students' notebooks do not hold."""
    lines: list[str] = []
    notebooks = [labs.student_notebook(lab) for lab in course.labs.values()]
    told = plain("\n".join(cell.source for notebook in notebooks for cell in notebook.cells))
    for lab in course.labs.values():
        hidden = [text for cell in labs.instructor_notebook(lab).cells for text in labs.HIDDEN.findall(cell.source)]
        answers = "\n".join([*labs.solutions(lab).values(), *hidden]).splitlines()
        lines += [line for line in answers if len(line.strip()) > 30 and plain(line.strip()) not in told]
    for case in course.cases.values():
        notes = (case.folder / "teaching.md").read_text().splitlines()
        lines += [line for line in notes if len(line) > 60 and not any(mark in line for mark in ("{", "*", "|"))]
    return {plain(line.strip()) for line in lines}


def plain(html: str) -> str:
    """Text as a reader sees it, so that markup neither hides nor feigns a secret."""
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", html).replace("`", "")
    for entity, character in (("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def test_changed_dataset_is_drawn_again_on_the_next_build(book):
    case = next(iter(load_course(book).cases.values()))
    before = images(book)
    sheet = book / "datasets" / case.facts.datasets[0] / "datasheet.md"
    sheet.write_text(re.sub(r"^seed: \d+$", "seed: 99", sheet.read_text(), flags=re.MULTILINE))
    assert shell(*BUILD, cwd=book).returncode == 0
    assert images(book) - before


def images(root: Path) -> set[str]:
    return {path.name for path in (root / "_build" / "html" / "_images").glob("*.png")}


def test_comment_in_the_front_matter_is_not_taken_for_the_title(course):
    case = next(iter(course.cases.values()))
    text = (case.folder / "case.md").read_text().replace("specialty:", "# where this happens\nspecialty:", 1)
    front_matter = complete_case(case, course.labs[case.facts.lab], text).split("---\n")[1]
    assert "At a glance" not in front_matter


def test_failing_cell_fails_every_build(book):
    case = next(iter(load_course(book).cases.values()))
    source = case.folder / "case.md"
    original = source.read_text()
    source.write_text(original.replace("import matplotlib.pyplot as plt", "1 / 0", 1))
    try:
        for _ in range(2):
            assert shell(*BUILD, cwd=book).returncode != 0
    finally:
        source.write_text(original)


def test_course_with_findings_is_not_built(book):
    source = next(iter(load_course(book).cases.values())).folder / "case.md"
    original = source.read_text()
    source.write_text(original.replace("minutes:", "minuts:", 1))
    try:
        built = shell(*BUILD, cwd=book)
    finally:
        source.write_text(original)
    assert built.returncode != 0
    assert "minuts: is not a known key" in built.stdout + built.stderr
