"""What many tests share: the course itself, and a copy that may be spoilt."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT, copy_course

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
