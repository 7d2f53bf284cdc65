"""A lab's page: the student edition, made from ``lab.py`` when Sphinx reads it: no solution is on disk for the book."""

from __future__ import annotations

from urllib.parse import urlencode

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


def practise(hub: str, practice: str, lab: Lab) -> str:
    """A link by nbgitpuller: it brings the repository ``practice`` to the reader's server, and opens the lab in it."""
    opened = f"lab/tree/practice/{lab.slug}/{lab.slug}.ipynb"
    told = {"repo": practice, "branch": "main", "depth": 0, "targetpath": "practice", "urlpath": opened}
    return f"[Practise without marks]({hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(told)})"


def lab_page(lab: Lab, hub: str = "", practice: str = "") -> str:
    """``hub`` is the address of the course's JupyterHub, ``practice`` that of a repository to practise on, if any."""
    notebook, parts = student_notebook(lab), [LAB_NOTE]
    if hub:
        ways = [start_in_jupyter(hub, lab), practise(hub, practice, lab) if practice else ""]
        parts.append(block("div", " ".join(ways).strip(), argument="eq-ways"))
    notebook.cells[0].source = below_title(notebook.cells[0].source, "\n\n".join(parts))
    return nbformat.writes(notebook)
