"""What many tests share: the course itself, and a copy that may be spoilt."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT, copy_course, shell

from equipoise.content import Course, load_course


@pytest.fixture(scope="session")
def course_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def course() -> Course:
    return load_course(ROOT)


@pytest.fixture
def course_copy(tmp_path: Path) -> Path:
    return copy_course(tmp_path / "course")


@pytest.fixture(scope="session")
def built_course(tmp_path_factory) -> Path:
    """A course whose book is built, once for all tests that only look at it.

    A hidden folder with a page that would fail lies in its root, as an environment might.
    """
    root = copy_course(tmp_path_factory.mktemp("built") / "course")
    hidden = root / ".venv" / "lib"
    hidden.mkdir(parents=True)
    (hidden / "trap.md").write_text("---\nfile_format: mystnb\n---\n# Trap\n```{code-cell}\n1 / 0\n```\n")
    built = shell("equipoise", "book", cwd=root)
    assert built.returncode == 0, built.stderr + (root / "_build" / "book.log").read_text()[-1500:]
    return root
