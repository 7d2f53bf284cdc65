"""The book is built by the command that everybody knows, and shows students nothing but their edition."""

from __future__ import annotations

import functools
import json
import pickle
import re
import zlib
from pathlib import Path

import pytest
from support import ROOT

from equipoise import labs
from equipoise.book.build import MARK
from equipoise.book.case_page import complete_case
from equipoise.book.notes import with_notes
from equipoise.book.quiz import quiz
from equipoise.content import Course, Option, Question, Quiz, load_course

INVENTORY = b"compressed using zlib.\n"  # ends the readable part of objects.inv
PICTURES = (".woff", ".woff2", ".png", ".ttf")


@pytest.fixture(name="book")
def _book(built_course) -> Path:
    return built_course


def page(root: Path, name: str, edition: str = "book") -> str:
    return (root / "_build" / edition / f"{name}.html").read_text()


def test_every_page_of_the_contents_is_there(book):
    for name in load_course(book).pages:
        assert "<h1>" in page(book, name)


def test_hidden_folder_is_left_alone(book):
    assert not list((book / "_build").rglob("trap*"))


def test_case_shows_its_quiz_and_its_figure(book):
    case = next(iter(load_course(book).cases.values()))
    text = page(book, f"cases/{case.slug}/case")
    assert re.search(r'<img[^>]+alt="[^"]{80,}"', text), "the figure has no alternative text"


def test_quiz_is_complete_without_javascript(book):
    """Every question with its competency, every answer with its verdict in words and in the markup."""
    case = next(iter(load_course(book).cases.values()))
    text = page(book, f"cases/{case.slug}/case")
    questions = re.split(r'<div class="quiz-question"', text.split("<case-quiz>")[1].split("</case-quiz>")[0])[1:]
    for number, (item, block) in enumerate(zip(case.quiz.items, questions, strict=True), 1):
        assert block.startswith(f' data-number="{number}" data-competency="{item.competency}">')
        answers = re.findall(r'<details class="[^"]*(quiz-right|quiz-wrong)">(.*?)</details>', block, re.DOTALL)
        verdicts = [(kind, re.search(r"<strong>(.*?)</strong>", answer)[1]) for kind, answer in answers]
        expected = {True: ("quiz-right", "Right."), False: ("quiz-wrong", "Not quite.")}
        assert verdicts == [expected[option.correct] for option in item.options]
        several = sum(option.correct for option in item.options) > 1
        assert ("More than one answer is right." in block) == several


def test_words_of_a_quiz_are_markdown(course):
    """Terms, emphasis and code in a question, an answer or its feedback are written as anywhere else."""
    case = next(iter(course.cases.values()))
    options = (
        Option(text="the {term}`AUROC`\n  of *C*", correct=True, feedback="Yes: $p$."),
        Option(text="`b`", correct=False, feedback="No.\n\nIt is not."),
    )
    item = Question(question="Which **one**?\n", competency="R4", options=options)
    text = quiz(case.model_copy(update={"quiz": Quiz.model_construct(items=(item,))}))
    assert "\n\nWhich **one**?\n\n" in text
    assert ":::{dropdown} the {term}`AUROC` of *C*\n:class-container: quiz-right\n" in text
    assert "\n\n**Right.** Yes: $p$.\n:::" in text
    assert "\n\n**Not quite.** No.\n\nIt is not.\n:::" in text


def test_place_for_notes_stands_below_each_list_and_at_the_end_of_sections(course):
    for case in course.cases.values():
        text = with_notes(case.body)
        places = re.findall(r'data-part="([\w-]+)"', text)
        assert places == ["first-vote", "predictions", "surprise", "memo", "second-vote"]
        below = {}
        for part in places:
            above, _, rest = text.partition(f'```{{raw}} html\n<case-notes data-part="{part}"></case-notes>\n```\n')
            below[part] = rest.strip().splitlines()[0]
            heading = re.findall(r"^## (.+)$", above, re.MULTILINE)[-1]
            assert heading in (
                "First vote",
                "Predict the numbers",
                "What surprised you?",
                "Decision memo",
                "Second vote",
            )
            if part in ("first-vote", "predictions"):
                assert re.match(r"\d+\. |- |  ", above.strip().splitlines()[-1])
        assert below["surprise"] == "## Four topics, and a fifth"
        assert below["memo"] == "## Second vote"
        assert below["second-vote"] == "## What has changed since"
        assert re.sub(r"\s*```\{raw\} html\n<case-notes[^`]*```\s*", "\n\n", text).split() == case.body.split()


def test_only_the_page_of_a_case_loads_its_scripts(book):
    for name in load_course(book).pages:
        scripts = re.findall(r'src="[./]*_static/(notes|quiz)\.js', page(book, name))
        assert scripts == (["notes", "quiz"] if name.startswith("cases/") else []), name


def test_lab_page_is_the_students_edition(book):
    lab = next(iter(load_course(book).labs.values()))
    text = page(book, f"labs/{lab.slug}/lab")
    assert "YOUR CODE HERE" in text
    assert "This is the lab as students receive it" in text


def test_students_are_given_no_solution_away(book):
    """Whatever the format: pages, search index, sources, downloads, executed notebooks, inventories."""
    course = load_course(book)
    assert len(secret_lines(course)) > 50
    assert leaks(book / "_build" / "book", course) == []


@pytest.mark.parametrize(
    "place", ["_sources/teaching.md.txt", "_downloads/lab.ipynb", "x.doctree", "objects.inv", "x.db"]
)
def test_leak_is_found_wherever_it_is(book, tmp_path, place):
    course = load_course(book)
    secret = next(line for line in sorted(secret_lines(course), key=len) if '"' in line)
    content = {
        ".ipynb": json.dumps({"cells": [{"source": f"a\n{secret}"}]}).encode(),
        ".doctree": pickle.dumps({"text": f"before {secret} after"}),
        ".inv": INVENTORY + zlib.compress(secret.encode()),
    }.get(Path(place).suffix, f"before {secret} after".encode())
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert leaks(tmp_path, course) == [place]


def test_truth_and_pages_of_the_instructors_are_found_too(book, tmp_path):
    course = load_course(book)
    page = f"cases/{next(iter(course.cases))}/teaching"
    (tmp_path / page).parent.mkdir(parents=True)
    (tmp_path / f"{page}.html").write_text("empty")
    (tmp_path / "searchindex.js").write_text(f'{{"docnames":["{page}"]}}')
    (tmp_path / "table.csv").write_text("age,latent_risk\n")
    assert leaks(tmp_path, course) == [f"{page}.html", "searchindex.js", "table.csv"]


def leaks(folder: Path, course: Course) -> list[str]:
    """The files below ``folder`` that hold a secret of the course, or are an instructor's page, or name one."""
    secrets = {"BEGIN SOLUTION", "HIDDEN TESTS", "latent_", "counterfactual_"} | secret_lines(course)
    secrets |= {f"cases/{slug}/teaching" for slug in course.cases} | {f"labs/{slug}/wrong" for slug in course.labs}
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in PICTURES]
    names = [path.relative_to(folder).as_posix() for path in paths]
    found = zip(names, paths, strict=True)
    return [name for name, path in found if any(secret in name or secret in text(path) for secret in secrets)]


@functools.cache
def text(path: Path) -> str:
    """Whatever can be read in a file, twice: as it is, and as a program would that decodes JSON."""
    content = path.read_bytes()
    if path.suffix == ".inv":
        header, _, compressed = content.partition(INVENTORY)
        content = header + zlib.decompress(compressed)
    raw = content.decode(errors="replace")
    return plain(raw) + plain(raw.replace("\\n", "\n").replace('\\"', '"'))


def secret_lines(course: Course) -> set[str]:
    """Long lines of solutions, hidden tests, mistakes and teaching notes that the students' notebooks do not hold."""
    lines: list[str] = []
    notebooks = [labs.student_notebook(lab) for lab in course.labs.values()]
    told = plain("\n".join(cell.source for notebook in notebooks for cell in notebook.cells))
    for lab in course.labs.values():
        hidden = [text for cell in labs.instructor_notebook(lab).cells for text in labs.HIDDEN.findall(cell.source)]
        answers = "\n".join([*labs.solutions(lab).values(), *hidden, lab.mistakes]).splitlines()
        lines += [line for line in answers if len(line.strip()) > 30 and plain(line.strip()) not in told]
    for case in course.cases.values():
        notes = (case.folder / "teaching.md").read_text().splitlines()
        lines += [line for line in notes if len(line) > 60 and not any(mark in line for mark in ("{", "*", "|"))]
    return {plain(line.strip()) for line in lines}


def plain(html: str) -> str:
    """Text as a reader sees it, so that markup neither hides nor feigns a secret."""
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", html).replace("`", "")
    curly = [("\N{LEFT DOUBLE QUOTATION MARK}", '"'), ("\N{RIGHT DOUBLE QUOTATION MARK}", '"')]
    curly += [("\N{RIGHT SINGLE QUOTATION MARK}", "'")]
    entities = [("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&")]
    for entity, character in entities + curly:
        text = text.replace(entity, character)
    return text


def words(html: str) -> str:
    """Text as it is read, emphasis aside, with one blank for any white space."""
    return " ".join(plain(html).replace("*", "").split())


def test_comment_in_the_front_matter_is_not_taken_for_the_title(course):
    case = next(iter(course.cases.values()))
    text = (case.folder / "case.md").read_text().replace("specialty:", "# where this happens\nspecialty:", 1)
    front_matter = complete_case(case, course, text).split("---\n")[1]
    assert "eq-glance" not in front_matter


def test_instructors_edition_has_teaching_notes_and_solved_labs(instructors_course):
    course = load_course(instructors_course)
    for case in course.cases.values():
        notes = page(instructors_course, f"cases/{case.slug}/teaching", "book-instructor")
        assert "Common misconceptions" in notes
    for lab in course.labs.values():
        solved = words(page(instructors_course, f"labs/{lab.slug}/wrong_answers", "book-instructor"))
        answers = [*labs.solutions(lab).values(), *(mistake.source for mistake in labs.mistakes(lab))]
        answers += [level for row in lab.rubric.dimensions.values() for level in row.levels]
        lines = [words(line) for answer in answers for line in answer.splitlines()]
        assert [line for line in lines if line not in solved] == []
        assert "BEGIN HIDDEN TESTS" in solved


def test_every_page_of_the_instructors_edition_says_what_it_is(instructors_course):
    folder = instructors_course / "_build" / "book-instructor"
    pages = [path for path in folder.rglob("*.html") if "_static" not in path.parts]
    pages.remove(folder / "index.html")  # which only leads to the first
    assert len(pages) > len(load_course(instructors_course).pages)
    for path in pages:
        assert f">{MARK}<" in path.read_text(), path


def test_table_of_contents_and_the_students_site_stay_as_they_were(instructors_course):
    assert (instructors_course / "_toc.yml").read_bytes() == (ROOT / "_toc.yml").read_bytes()
    assert MARK not in page(instructors_course, "book/welcome")
    assert leaks(instructors_course / "_build" / "book", load_course(instructors_course)) == []


def test_leaks_of_the_instructors_edition_would_be_found(instructors_course):
    """So the search finds whole pages, as Sphinx makes them, and not only what a test plants."""
    found = leaks(instructors_course / "_build" / "book-instructor", load_course(instructors_course))
    course = load_course(instructors_course)
    assert {f"cases/{slug}/teaching.html" for slug in course.cases} <= set(found)
    assert {f"labs/{slug}/wrong_answers.html" for slug in course.labs} | {"searchindex.js", "objects.inv"} <= set(found)
