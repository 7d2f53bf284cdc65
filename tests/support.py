"""Tools for tests: a course that may be spoilt, and a shell without an activated environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from equipoise.content import COURSE_VARIABLE

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PARTS = ("_toc.yml", "_config.yml", "book", "cases", "labs", "datasets")


def copy_course(folder: Path) -> Path:
    """A course like a fresh checkout: its content and nbgrader's configuration, nothing built or handed in."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    (folder / "grading").mkdir()
    for file in ("nbgrader_config.py", "README.md"):
        shutil.copy(ROOT / "grading" / file, folder / "grading" / file)
    return folder


def shell(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    """Run a command as a person would who has not activated the environment; its output is text."""
    environment = {k: v for k, v in os.environ.items() if k not in (COURSE_VARIABLE, "VIRTUAL_ENV")}
    environment["PATH"] = "/usr/bin:/bin"
    words = [str(BIN / command[0]), *map(str, command[1:])]
    return subprocess.run(words, cwd=cwd, env=environment, text=True, capture_output=True, check=False)


def until(true: Callable[[], bool], tries: int = 100) -> None:
    """Wait for what another process is about to do; fails after some ten seconds."""
    for _ in range(tries):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")
