"""The two editions of the book: the students', and the instructor's, which has a page more for each case and each lab.

Which pages an edition has is decided here, for the table of contents that Sphinx reads; ``_toc.yml`` holds the
students' pages and is never changed.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import yaml
from sphinx.application import Sphinx
from sphinx.config import Config

from equipoise import labs
from equipoise.book.build import MARK, Edition
from equipoise.book.markup import below_title
from equipoise.content import TITLE, Lab

SOLVED_NOTE = f"""```{{warning}}
{MARK}. This is the lab as its author solved it, with the hidden tests that mark it, then the mistakes that the
tests must catch, then the rubric. Nothing here ran when the book was built; `equipoise check` runs all of it.
```"""


def setup(app: Sphinx) -> None:
    app.add_config_value("equipoise_edition", Edition.STUDENTS.value, "env", [str])
    app.connect("config-inited", _complete_edition, priority=100)  # before the table of contents is read


def _complete_edition(app: Sphinx, config: Config) -> None:
    if Edition(config.equipoise_edition) is Edition.INSTRUCTOR:
        contents = yaml.safe_load(Path(config.external_toc_path).read_text(encoding="utf-8"))
        path = Path(app.outdir).parent / "_toc.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(with_teaching(contents), sort_keys=False), encoding="utf-8")
        config.external_toc_path = str(path)
        config.html_title = f"{config.html_title}: instructor's edition"
        config.html_theme_options["announcement"] = MARK


def with_teaching(contents: Any) -> Any:
    """A table of contents with the instructor's page below each case and each lab."""
    if isinstance(contents, list):
        return [with_teaching(entry) for entry in contents]
    if not isinstance(contents, dict):
        return contents
    entry = {key: with_teaching(value) for key, value in contents.items()}
    if added := _teaching_page(entry.get("file", "")):
        entry["sections"] = [added, *entry.get("sections", [])]
    return entry


def _teaching_page(page: str) -> dict[str, str] | None:
    match PurePosixPath(page).parts:
        case ("cases", slug, "case"):
            return {"file": f"cases/{slug}/teaching", "title": "Teaching notes"}
        case ("labs", slug, "lab"):
            return {"file": f"labs/{slug}/wrong_answers", "title": "The lab, solved"}
    return None


def solved_page(lab: Lab) -> str:
    """The page that stands in for ``wrong_answers.py``: the solved lab, its planted mistakes, its rubric."""
    notebook = labs.instructor_notebook(lab)
    first = notebook.cells[0]
    first.source = below_title(TITLE.sub(f"# The lab, solved: {lab.facts.title}", first.source, count=1), SOLVED_NOTE)
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    notebook.cells.append(text("## Planted mistakes\n\nEach replaces one solution and must lose exactly these points."))
    for mistake in labs.mistakes(lab):
        lost = ", ".join(f"{points:g} in `{test}`" for test, points in mistake.loses.items())
        heading = f"### {mistake.name.replace('-', ' ').capitalize()}"
        notebook.cells += [text(f"{heading}\n\nIn place of `{mistake.replaces}`; loses {lost}."), code(mistake.source)]
    notebook.cells.append(text(f"## Rubric for the memo\n\n{labs.rubric_table(lab)}"))
    return nbformat.writes(notebook)
