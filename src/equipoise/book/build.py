"""Building an edition of the book: Jupyter Book's own command, with warnings as errors and its words in a log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from equipoise.content import Course


class BuildError(Exception):
    """The book was not built; the message says where the reason stands."""


def build(course: Course) -> Path:
    """Build the book; return the path of its first page. Raises BuildError."""
    log = course.root / "_build" / "book.log"
    log.parent.mkdir(exist_ok=True)
    command = [Path(sys.executable).parent / "jupyter-book", "build", "-W", "-n", "--keep-going", course.root]
    with log.open("w") as output:
        built = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if built.returncode:
        raise BuildError(f"The book was not built; the reason is in {log}")
    return course.root / "_build" / "html" / "index.html"
