"""The Sphinx extension behind the book: what a page shows beyond its own text comes from the folders.

Case pages stay plain MyST Markdown. When Sphinx reads one, a short header is added from its front matter and
the quiz from ``quiz.yml``; the page of pathways gets a section for each level. A lab's page is the student edition,
derived from ``lab.py`` at that moment, so that no solution is ever written to disk for the book.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import nbformat
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from equipoise.content import (
    FRONT_MATTER,
    TITLE,
    Case,
    ContentError,
    Course,
    Lab,
    Level,
    Question,
    Verification,
    load_course,
)
from equipoise.datasets import fingerprint
from equipoise.labs import student_notebook

LAB_NOTE = """```{note}
This is the lab as students receive it: its tasks without answers. It is done in Jupyter, with a copy that your
course hands out; nothing on this page runs.
```"""


SEEN = {
    Verification.PRIMARY: "",
    Verification.SECONDARY: " *(second-hand)*",
    Verification.COMPUTED: " *(computed by us)*",
}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", _key_execution_cache)
    app.connect("builder-inited", _read_course)
    app.connect("source-read", _complete_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _key_execution_cache(app: Sphinx, config: Config) -> None:
    """Executed pages draw datasets, which the cache does not see: give each state of them a cache of its own."""
    caches = Path(app.outdir).parent / ".jupyter_cache"
    current = caches / fingerprint(Path(app.srcdir) / "datasets")
    for old in caches.glob("*"):
        if old != current:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    config.nb_execution_cache_path = str(current)


def _read_course(app: Sphinx) -> None:
    try:
        app.equipoise_course = load_course(Path(app.srcdir))
    except ContentError as error:
        raise ExtensionError(f"The course has findings; `equipoise check` lists them.\n{error}") from None


def _complete_page(app: Sphinx, page: str, source: list[str]) -> None:
    course: Course = app.equipoise_course
    match PurePosixPath(page).parts:
        case ("cases", slug, "case"):
            case = course.cases[slug]
            _depends(app, case.folder / "quiz.yml", *(course.dataset(d).folder for d in case.facts.datasets))
            source[0] = complete_case(case, course.lab(case.facts.lab), source[0])
        case ("labs", slug, "lab"):
            lab = course.lab(slug)
            _depends(app, lab.folder / "rubric.yml")
            source[0] = nbformat.writes(_lab_page(lab))
        case ("book", "pathways"):
            _depends(app, *(case.folder / "case.md" for case in course.cases.values()))
            source[0] += "".join(_pathway(course, level) for level in Level)


def _depends(app: Sphinx, *paths: Path) -> None:
    for path in paths:
        for file in [path] if path.is_file() else path.glob("*.*"):
            app.env.note_dependency(str(file))


def _lab_page(lab: Lab) -> nbformat.NotebookNode:
    notebook = student_notebook(lab)
    notebook.cells[0].source = _below_title(notebook.cells[0].source, LAB_NOTE)
    return notebook


def _pathway(course: Course, level: Level) -> str:
    """A section of the page of pathways: the cases for ``level`` in teaching order."""
    lines = [f"\n\n## {level.capitalize()} training\n"]
    for number, case in enumerate(course.pathway(level), 1):
        facts, lab = case.facts, course.lab(case.facts.lab).facts
        lines.append(f"{number}. [{facts.title}](../cases/{case.slug}/case): {facts.harm.summary}.\\")
        lines.append(f"   *{', '.join(facts.specialty)}. Case {facts.minutes} minutes, lab {lab.minutes} minutes.*")
    return "\n".join(lines) if len(lines) > 1 else f"{lines[0]}\nNo case yet."


def _below_title(text: str, addition: str) -> str:
    title = TITLE.search(text)
    return f"{text[: title.end()]}\n\n{addition}\n{text[title.end() :]}"


def complete_case(case: Case, lab: Lab, text: str) -> str:
    """The Markdown of a case page with its header below the title and its quiz at the end."""
    front_matter = FRONT_MATTER.match(text)[0]
    return front_matter + _below_title(text[len(front_matter) :], _header(case, lab)) + _quiz(case)


def _header(case: Case, lab: Lab) -> str:
    facts = case.facts
    rows = {
        "For": ", ".join(facts.levels),
        "Time": f"{facts.minutes} minutes for the case, {lab.facts.minutes} for the tasks of the lab",
        "Specialties": ", ".join(facts.specialty),
        "Principles": ", ".join(facts.principles),
        "Competencies": ", ".join(competency.meaning for competency in facts.competencies),
        "Published harm": f"{facts.harm.summary} {{cite:p}}`{facts.harm.citation}`{SEEN[facts.harm.verified]}",
        "Not in this case": "; ".join(facts.out_of_scope),
        "Lab": f"[{lab.facts.title}](../../labs/{lab.slug}/lab)",
    }
    lines = [f"- **{name}:** {value}" for name, value in rows.items()]
    return "\n".join([":::{admonition} At a glance", ":class: case-facts", *lines, ":::"])


def _quiz(case: Case) -> str:
    intro = "Choose an answer, then open it. Every answer, right or wrong, says why."
    items = [_question(number, item) for number, item in enumerate(case.quiz.items, 1)]
    return "\n\n".join(["\n## Check yourself", intro, *items])


def _question(number: int, item: Question) -> str:
    several = " (more than one is right)" if sum(option.correct for option in item.options) > 1 else ""
    lines = [f"**{number}. {item.question.strip()}**{several}"]
    for option in item.options:
        verdict = "**Right.**" if option.correct else "**Not quite.**"
        lines += [
            f":::{{dropdown}} {' '.join(option.text.split())}",
            ":class-title: quiz-option",
            f"{verdict} {option.feedback.strip()}",
            ":::",
        ]
    return "\n\n".join([lines[0], "\n".join(lines[1:])])
