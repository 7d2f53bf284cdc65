"""A lab's page: the student edition, made from ``lab.py`` when Sphinx reads it: no solution is on disk for the book."""

from __future__ import annotations

import nbformat

from equipoise.book.markup import below_title
from equipoise.content import Lab
from equipoise.labs import student_notebook

LAB_NOTE = """```{note}
This is the lab as students receive it: its tasks without answers. It is done in Jupyter, with a copy that your
course hands out; nothing on this page runs.
```"""


def lab_page(lab: Lab) -> str:
    notebook = student_notebook(lab)
    notebook.cells[0].source = below_title(notebook.cells[0].source, LAB_NOTE)
    return nbformat.writes(notebook)
