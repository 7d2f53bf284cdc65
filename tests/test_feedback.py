"""A student's feedback page: complete, safe to open, and only for what our engine marked."""

from __future__ import annotations

import json
import re
import shutil
import time
from itertools import pairwise
from pathlib import Path

import marked_class
import nbformat
import pytest
from bs4 import BeautifulSoup
from marked_class import PNG, Handed, hand_in
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from equipoise import labs
from equipoise.grading import feedback, pages
from equipoise.grading.feedback import FeedbackError
from equipoise.grading.matching import released

ATTACKS = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<a href=' java\tscript:window.hacked=1'>here</a>",
    "<svg onload='window.hacked = 1'><set attributeName='onmouseover' to='window.hacked = 1'/></svg>",
    "<iframe srcdoc='<script>parent.hacked = 1</script>'></iframe>",
    "<form action='https://example.org'><button formaction='javascript:window.hacked=1'>x</button></form>",
    "<p style='position:fixed;inset:0'>over everything</p>",
    "<math><mtext><table><mglyph><style><img src onerror='window.hacked = 1'>",
    "</pre></table></div></main><script>window.hacked = 1</script>",
    "<meta http-equiv=refresh content='0;url=https://example.org'><base href='https://example.org'>",
    "```mermaid\n<img src=x onerror='window.hacked = 1'>\n```",
    "<a href='data:text/html,<script>window.hacked = 1</script>'>here</a> <a href='../gradebook.db'>there</a>",
    "[here](data:text/html;base64,PHNjcmlwdD4=) [there](file:///etc/passwd) [or](//example.org)",
    "[here](javascript:window.hacked=1) ![x](https://example.org/x.png) <https://example.org>",
)


@pytest.fixture(name="lab")
def _lab(course):
    return course.lab("pulse-oximetry")


@pytest.fixture(scope="module", name="class_of_three")
def _class_of_three(course, tmp_path_factory):
    """Ada failed her second test and her memo waits, ben has all and a comment, cleo handed in what she was given."""
    lab = course.lab("pulse-oximetry")
    first, second, *_ = labs.points(lab)
    answers = labs.solutions(lab)
    root = tmp_path_factory.mktemp("three")
    notes = [(first, "repaired", "It was put back.")]
    ada = Handed("ada", answers, {second: "you counted 947; 141 were expected"}, notes)
    ben = Handed("ben", answers, memo_points=13, comments={"memo": "Clear. **Well argued.**"})
    hand_in(root, lab, [ada, ben, Handed("cleo")])
    return root


@pytest.fixture(name="classroom")
def _classroom(class_of_three, tmp_path):
    """The same class, which may be spoilt."""
    return shutil.copytree(class_of_three, tmp_path / "class")


def generate(root: Path, lab) -> dict:
    return NbGraderAPI(config=marked_class.config(root), log_level="CRITICAL").generate_feedback(lab.slug)


def parsed(root: Path, lab, student: str) -> BeautifulSoup:
    return BeautifulSoup((root / "feedback" / student / lab.slug / f"{lab.slug}.html").read_text(), "html.parser")


def page_of(lab, handed: Handed, *, whole: bool = False) -> BeautifulSoup:
    """The page of a marked notebook, straight from the exporter; by default of title, first task and memo."""
    notebook = marked_class.marked_notebook(lab, handed)
    if not whole:
        kept = {next(iter(labs.solutions(lab))), next(iter(labs.points(lab))), "memo"}
        notebook.cells = [notebook.cells[0], *(cell for cell in notebook.cells if labs.grade_id(cell) in kept)]
    put_marks(notebook, handed)
    total = sum(cell.metadata.nbgrader.get("score", 0) for cell in notebook.cells if labs.grade_id(cell))
    marks = {"student": handed.student, "assignment": lab.slug, "score": total, "max_score": 40.0, "late_penalty": 0.0}
    return BeautifulSoup(feedback.page(notebook, marks), "html.parser")


def put_marks(notebook, handed: Handed) -> None:
    for cell in notebook.cells:
        name = labs.grade_id(cell)
        if labs.is_test(cell):
            points = notebook.metadata.equipoise["tests"][name]["points"]
            cell.metadata.nbgrader.update(score=points, by_machine=points, by_person=None, waiting=False)
        elif "points" in cell.metadata.get("nbgrader", {}):
            waits = handed.memo_points is None and name in handed.answers
            score = handed.memo_points or 0.0
            cell.metadata.nbgrader.update(score=score, by_machine=None, by_person=handed.memo_points, waiting=waits)
        if name in handed.comments:
            cell.metadata.nbgrader["comment"] = handed.comments[name]


def words(element) -> str:
    return " ".join(element.get_text(" ").split())


def section(page: BeautifulSoup, name: str) -> str:
    return words(page.find("section", attrs={"aria-labelledby": name}))


def display(**data: str):
    return nbformat.v4.new_output("display_data", data={kind.replace("_", "/"): value for kind, value in data.items()})


# ---- through nbgrader


def test_nbgraders_own_command_writes_our_page(lab, classroom):
    second = list(labs.points(lab))[1]
    outcome = generate(classroom, lab)
    assert outcome["success"], outcome["error"]
    tests, memo = sum(labs.points(lab).values()), lab.rubric.points

    page = parsed(classroom, lab, "ada")
    lost = labs.points(lab)[second]
    assert f"{tests - lost:g} of {tests + memo:g} points so far" in section(page, "points")
    assert f"{memo:g} points wait for a person" in section(page, "points")
    row = next(row for row in page.select(".results tbody tr") if "947" in words(row))
    assert "Not yet" in words(row)
    assert f"0 of {lost:g}" in words(row)
    assert "you counted 947; 141 were expected" in words(row)
    target = page.find(id=row.find("a", string="your answer")["href"].removeprefix("#"))
    assert "Your answer" in words(target)
    assert "Repaired" in section(page, "notes")
    assert "It was put back." in section(page, "notes")

    marked = parsed(classroom, lab, "ben")
    assert f"{tests + 13:g} of {tests + memo:g} points" in section(marked, "points")
    assert "so far" not in section(marked, "points")
    assert "Every test passed" in section(marked, "next")
    assert [words(comment.strong) for comment in marked.select(".comment")] == ["Well argued."]
    assert "A person has written a comment" in words(marked.select(".results tr")[-1])

    untouched = parsed(classroom, lab, "cleo")
    assert f"nothing was handed in, so 0 of {memo:g} points" in section(untouched, "points")
    assert untouched.select(".comment") == []  # "No response." is nbgrader's, not a person's


def test_every_task_has_its_line_its_aim_and_its_competency(lab):
    page = page_of(lab, Handed("ada", labs.solutions(lab)), whole=True)
    rows = page.select(".results tbody tr")
    assert len(rows) == len(labs.points(lab)) + 1
    tests = [cell for cell in labs.instructor_notebook(lab).cells if labs.is_test(cell)]
    for row, cell in zip(rows[:-1], tests, strict=True):
        aim = cell.source.partition("\n")[0].removeprefix("# Test: ")
        assert aim[1:] in words(row.find("th", attrs={"scope": "row"}))
    assert "Evidence-based evaluation (R4)" in section(page, "competencies")
    assert "Fairness" in section(page, "competencies")


def test_student_whose_file_was_unreadable_is_not_sent_back_to_every_task(lab):
    failed = dict.fromkeys(labs.points(lab), "not run")
    page = page_of(lab, Handed("ada", {}, failed, [(None, "unreadable", "The file was cut off.")]))
    assert "The file was cut off." in section(page, "next")
    assert "Look again" not in section(page, "next")


def change_metadata(classroom: Path, lab, change) -> None:
    path = classroom / "autograded" / "ada" / lab.slug / f"{lab.slug}.ipynb"
    notebook = json.loads(path.read_text())
    change(notebook["metadata"])
    path.write_text(json.dumps(notebook))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda metadata: metadata.pop("equipoise"), "was not marked in the sandbox"),
        (lambda metadata: metadata.update(equipoise={"lab": "pulse-oximetry"}), "was not marked in the sandbox"),
        (lambda metadata: metadata["equipoise"].pop("sandbox"), "was not marked in the sandbox"),
        (lambda metadata: metadata["equipoise"].update(lab="another"), "holds a marked notebook of another"),
        (lambda metadata: metadata["equipoise"]["tests"].popitem(), "notebook and gradebook disagree"),
        (
            lambda metadata: next(iter(metadata["equipoise"]["tests"].values())).update(points=0.5),
            "notebook and gradebook disagree",
        ),
    ],
    ids=["missing", "too little", "no sandbox", "other lab", "missing test", "other points"],
)
def test_feedback_is_refused_for_what_the_engine_did_not_mark(lab, classroom, change, reason):
    change_metadata(classroom, lab, change)
    outcome = generate(classroom, lab)
    assert not outcome["success"]
    assert reason in outcome["log"]
    assert f"equipoise grade {lab.slug} --student ada" in outcome["log"]
    assert not (classroom / "feedback" / "ada").exists()
    assert (classroom / "feedback" / "ben").exists()


def test_marks_of_the_gradebook_are_required(lab):
    notebook = marked_class.marked_notebook(lab, Handed("ada"))
    marks = {"student": "ada", "assignment": lab.slug, "score": 1.0, "max_score": 2.0, "late_penalty": 0.0}
    with pytest.raises(FeedbackError, match="must hold GetMarks"):
        feedback.page(notebook, marks)


def test_person_who_overrules_a_test_is_named_and_lateness_counted(lab, classroom):
    test = list(labs.points(lab))[1]
    with Gradebook(marked_class.url(classroom)) as gradebook:
        grade = gradebook.find_grade(test, lab.slug, lab.slug, "ada")
        grade.manual_score = 0.5
        grade.notebook.late_submission_penalty = 2.25
        gradebook.db.commit()
    assert generate(classroom, lab)["success"]
    page = parsed(classroom, lab, "ada")
    row = words(page.select(".results tbody tr")[1])
    assert "In part" in row
    assert f"0.5 of {labs.points(lab)[test]:g}" in row
    assert "A person has changed this mark." in row
    total = sum(labs.points(lab).values()) - labs.points(lab)[test] + 0.5 - 2.25
    assert f"{total:g} of" in section(page, "points")
    assert "2.25 points are taken off because it was handed in late" in section(page, "points")


# ---- what a page must not show


def test_hidden_tests_are_cut_and_said_to_exist(lab):
    page = page_of(lab, Handed("ada", labs.solutions(lab), dict.fromkeys(labs.points(lab), "no")), whole=True)
    released = "\n".join(cell.source for cell in labs.student_notebook(lab).cells) + str(labs.solutions(lab))
    hidden = [found for cell in labs.instructor_notebook(lab).cells for found in labs.HIDDEN.findall(cell.source)]
    secret = [line.strip() for part in hidden for line in part.splitlines() if len(line.strip()) > 12]
    secret = [line for line in secret if line not in released]
    assert len(secret) > 20
    assert [line for line in secret if line in page.get_text()] == []
    assert "HIDDEN TESTS" not in page.get_text()
    assert page.get_text().count("Marking also tried your work on other data.") == len(hidden)


def test_hidden_region_without_an_end_is_cut_to_the_end_of_the_cell(lab):
    notebook = marked_class.marked_notebook(lab, Handed("ada"))
    cell = next(cell for cell in notebook.cells if labs.is_test(cell))
    cell.source = "# Test: it\nassert shown\n  ### BEGIN HIDDEN TESTS\nassert secret\n"
    assert released(cell) == "# Test: it\nassert shown\n"


def test_what_student_code_printed_during_a_test_is_not_shown(lab):
    test = next(iter(labs.points(lab)))
    told = nbformat.v4.new_output("stream", name="stdout", text="the unseen cohort")
    assert "the unseen cohort" not in page_of(lab, Handed("ada", outputs={test: [told]})).get_text()


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_student_runs_or_loads(lab, attack):
    answer = next(iter(labs.solutions(lab)))
    test = next(iter(labs.points(lab)))
    page = page_of(
        lab,
        Handed(
            attack,
            {answer: attack, "memo": f"{attack}\n\n{attack} in a line, and ![a picture](attachment:none.png)"},
            {test: attack},
            [(attack, attack, attack), (None, "repaired", attack)],
            {
                answer: [
                    display(text_html=attack, text_plain=attack),
                    display(text_html=f"<table><tr><td>{attack}</td></tr></table>"),
                    display(image_png=f'"><{attack}'),
                    display(text_javascript=attack, image_svg=attack),
                    nbformat.v4.new_output("stream", name="stderr", text=attack),
                    nbformat.v4.new_output("error", ename=attack, evalue=attack, traceback=[attack]),
                ]
            },
            memo_points=3,
            comments={"memo": attack, answer: attack},
        ),
    )
    assert_harmless(page)


def assert_harmless(page: BeautifulSoup) -> None:
    for element in page.find_all(True):
        assert element.name not in {"script", "iframe", "object", "embed", "form", "base", "button", "math"}, element
        assert element.name != "svg" or "histogram" in element.get("class"), element
        for name, value in element.attrs.items():
            assert not name.startswith("on"), element
            assert name != "style", element
            if name in ("href", "src"):
                assert re.match(r"(#|https?://|mailto:|data:,$|data:image/(png|jpeg);base64,)", value), element
            assert name != "src" or value.startswith("data:image/"), element
    assert len(page.find_all("style")) == len(page.find_all("main")) == len(page.find_all("body")) == 1
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    assert [meta["http-equiv"] for meta in page.find_all("meta", attrs={"http-equiv": True})] == [
        "Content-Security-Policy"
    ]


def test_characters_that_deceive_the_eye_are_shown_by_number(lab):
    answer = next(iter(labs.solutions(lab)))
    text = "a\u202eb\u2066c\x1b[31mred\x1b[0m\ud800\x07"
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=text),
        display(text_html=f"<table><tr><td>{text}</td></tr></table>"),
    ]
    handed = Handed(text, {answer: f"# {text}", "memo": text}, {}, [(None, "repaired", text)], {answer: outputs})
    page = str(page_of(lab, handed))
    assert not pages.TREACHEROUS.search(page)
    assert page.count("a[U+202E]b[U+2066]c") >= 6
    assert page.encode("utf-8", "strict")
    assert words(BeautifulSoup(page, "html.parser").select_one("pre.text")) == "a[U+202E]b[U+2066]cred[U+D800][U+0007]"


# ---- what a page shows


def test_long_outputs_are_folded_and_very_long_ones_cut(lab):
    answer = next(iter(labs.solutions(lab)))
    lines = "".join(f"line {number}\n" for number in range(5_000))
    many = [display(text_plain=f"value {number}") for number in range(80)]
    short = nbformat.v4.new_output("stream", name="stdout", text="short")
    stream = [nbformat.v4.new_output("stream", name="stderr", text=part) for part in lines.splitlines(keepends=True)]
    page = page_of(lab, Handed("ada", outputs={answer: [short, *stream, *many]}))
    folded = page.find("summary", string=re.compile("Output of cell")).parent
    assert "open" not in folded.attrs
    assert "5,001 lines" in words(folded.summary)
    assert "line 1999" in folded.get_text()
    assert "more characters are left out here" in folded.get_text()
    assert "line 4999" not in page.get_text()
    assert page.find("pre", string="short").parent.name == "div"
    assert "32 more outputs of this cell are left out here" in page.get_text()
    assert "value 47" in page.get_text()
    assert "value 48" not in page.get_text()


def test_richest_harmless_form_of_an_output_is_shown(lab):
    answer = next(iter(labs.solutions(lab)))
    frame = (
        "<div><style scoped>.dataframe {color: red}</style><table border='1' class='dataframe'><thead><tr><th></th>"
        "<th>&nbsp;</th><th>rate</th></tr></thead><tbody><tr><th>dark</th><td></td><td>0.21</td></tr></tbody></table></div>"
    )
    outputs = [
        display(text_html=frame, text_plain="plain"),
        display(image_png=f"{PNG[:20]}\n{PNG[20:]}", text_plain="<Figure size 800x280>"),
        display(image_png="not base64 at all!", text_plain="as text"),
        display(text_html="<div><details><summary>Pipeline</summary></details></div>", text_plain="Pipeline(steps=[])"),
        display(text_html="<b>not <i>closed", text_plain="not closed"),
        display(application_x="?"),
    ]
    page = page_of(lab, Handed("ada", outputs={answer: outputs}))
    number = page.find("img", class_="figure").parent["id"].removeprefix("cell-")
    cell = page.find(id=f"cell-{number}")
    box = cell.select_one(".scroll")
    assert (box["tabindex"], box["role"], box["aria-label"]) == ("0", "group", f"Table in cell {number}")
    assert [(head.name, head.get("scope")) for head in box.select("thead tr > *")] == [
        ("td", None),
        ("td", None),
        ("th", "col"),
    ]
    assert box.select_one("tbody th")["scope"] == "row"
    assert "color: red" not in cell.get_text()
    assert cell.img["alt"] == f"Figure from cell {number}"
    assert cell.img["src"] == f"data:image/png;base64,{PNG}"
    assert [words(text) for text in cell.select("pre.text")] == ["as text", "Pipeline(steps=[])", "not closed"]
    assert "cannot be shown here" in cell.get_text()


@pytest.mark.parametrize("memo", ["###### deep\n# high\n#### deeper", "# a\n\n# b\n\n## c", "<h6>x</h6>\n\n<h2>y</h2>"])
def test_headings_never_skip_a_level(lab, memo):
    page = page_of(lab, Handed("ada", {"memo": memo}, memo_points=1, comments={"memo": "##### so\n# and so"}))
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_text_of_a_student_is_rendered_with_its_picture_and_without_others(lab):
    memo = (
        "**Bold**, a [link](https://example.org), $x_1 + y_1$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "<mark>well</mark>\n\n![mine](attachment:a.png) ![theirs](https://example.org/b.png)"
    )
    notebook = marked_class.marked_notebook(lab, Handed("ada", {"memo": memo}))
    cell = next(cell for cell in notebook.cells if labs.grade_id(cell) == "memo")
    made = pages.Fragments(2).markdown(cell.source, "cell 9", {"a.png": {"image/png": PNG}})
    page = BeautifulSoup(made, "html.parser")
    assert page.strong.string == "Bold"
    assert page.mark.string == "well"
    assert page.a["rel"] == ["noopener", "noreferrer", "nofollow"]
    assert "$x_1 + y_1$" in page.get_text()
    assert [picture["alt"] for picture in page.find_all("img")] == ["mine"]
    assert "[not shown: theirs]" in page.get_text()
    assert page.select_one(".scroll th")["scope"] == "col"


def test_text_that_is_not_quite_markup_is_shown_as_it_was_typed(lab):
    made = pages.Fragments(2).markdown("I <b>mean it, and **so**", "cell 9")
    page = BeautifulSoup(made, "html.parser")
    assert words(page) == "I <b>mean it, and so"
    assert page.strong.string == "so"


@pytest.mark.parametrize(
    "bomb",
    [
        "".join(f"<b a={number}>" for number in range(4000)) + "<p>x" * 4000,
        "<b a=1><br y='></b><br z='>" * 4000,
        '<b a="><b c="></b>' * 4000,
        "<div>" * 4000 + "</div>" * 4000,
        "<b><i></b></i>" * 2000,
        "<td></td>" * 50_000,
        "<a <a " * 30_000,
        "<b x" * 50_000,
        "<!--" * 50_000,
        "<style" * 50_000,
        "<b " + "x " * 100_000,
        "<b " + "x=" * 100_000,
    ],
    ids=[
        "open",
        "quotes",
        "double",
        "deep",
        "crossed",
        "many",
        "names",
        "halves",
        "comments",
        "styles",
        "attributes",
        "values",
    ],
)
def test_markup_that_would_keep_a_parser_busy_is_not_parsed(bomb):
    start = time.perf_counter()
    assert pages.Fragments(2).html(bomb, "cell 1") is None
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("text", ["\\begin{a}" * 2000, "[" * 19_000, "> - " * 4000, "$a" * 9000, "![](" * 5000])
def test_markdown_that_would_keep_a_parser_busy_ends_soon(text):
    start = time.perf_counter()
    pages.Fragments(2).markdown(text, "cell 1")
    pages.Fragments(2).markdown(text * 40, "cell 1")  # shown as plain text
    assert time.perf_counter() - start < 8


def test_page_is_one_file_with_its_landmarks(lab):
    page = page_of(lab, Handed("ada", labs.solutions(lab)), whole=True)
    assert page.html["lang"] == "en"
    assert all(page.find(landmark) for landmark in ("header", "main", "footer"))
    assert page.select_one("a.skip")["href"] == f"#{page.main['id']}"
    assert page.find("link")["href"] == "data:,"
    assert all(head.get("scope") for head in page.find_all("th"))
    ids = [element["id"] for element in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.select("a[href^='#']")} <= set(ids)
    assert "bubblewrap: no network, no view of the course" in words(page.footer)


@pytest.mark.parametrize(("value", "shown"), [(3.0, "3"), (0.5, "0.5"), (1 / 3, "0.33"), (-1e-9, "0"), (120, "120")])
def test_numbers_have_no_more_decimals_than_they_need(value, shown):
    assert pages.number(value) == shown
