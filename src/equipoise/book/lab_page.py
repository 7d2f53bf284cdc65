"""A lab's page: the student edition, made from ``lab.py`` when Sphinx reads it: no solution is on disk for the book."""

from __future__ import annotations

import nbformat

from equipoise.book.markup import below_title, block
from equipoise.content import Lab
from equipoise.labs import student_notebook

LAB_NOTE = """```{note}
This is the lab as students receive it: its tasks without answers. It is done in Jupyter, with a copy that your
course hands out; nothing on this page runs.
```"""


def start_in_jupyter(hub: str, lab: Lab) -> str:
    """A link that starts the reader's server, fetches the lab if need be, and opens it."""
    return f"[Start the lab in Jupyter]({hub.rstrip('/')}/hub/user-redirect/equipoise/open/{lab.slug})"


def lab_page(lab: Lab, hub: str = "") -> str:
    """``hub`` is the address of the course's JupyterHub, if it has one."""
    notebook = student_notebook(lab)
    ways = f"{LAB_NOTE}\n\n{block('div', start_in_jupyter(hub, lab), argument='eq-ways')}" if hub else LAB_NOTE
    notebook.cells[0].source = below_title(notebook.cells[0].source, ways)
    return nbformat.writes(notebook)
