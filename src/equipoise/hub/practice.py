"""Labs to practise on: a repository of what students get, which a link on a lab's page brings to whoever follows it.

Nothing in it is handed in or marked. nbgitpuller fetches it into the reader's own server, and again when it has changed
without touching what the reader wrote; so its history only ever grows.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import nbformat

from equipoise.content import Course
from equipoise.datasets import write_data
from equipoise.files import write_whole
from equipoise.labs import student_notebook

README = """# Equipoise: labs to practise on

The labs as students receive them, with their synthetic data. Work in them as you like: nothing here is handed in
or marked.
"""
AUTHOR = ("-c", "user.name=Equipoise", "-c", "user.email=equipoise@localhost")


class PracticeError(Exception):
    """The repository was not written; the message says why."""


def write(course: Course, folder: Path) -> bool:
    """Bring the repository in ``folder`` in line with the course; whether anything had changed.

    Raises PracticeError where git is missing or fails.
    """
    for lab in course.labs.values():
        place = folder / lab.slug
        write_whole(place / f"{lab.slug}.ipynb", nbformat.writes(student_notebook(lab)))
        for slug in lab.facts.datasets:
            write_data(course.dataset(slug), place / "data")
    write_whole(folder / "README.md", README)
    if not (folder / ".git").is_dir():
        _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "--all")
    changed = bool(_git(folder, "status", "--porcelain"))
    if changed:
        _git(folder, *AUTHOR, "commit", "--quiet", "--message", "The labs as they are handed out")
    return changed


def publish(folder: Path, place: Path) -> None:
    """Put a copy of the repository where a server of plain files can offer it."""
    if not place.is_dir():
        _git(folder, "clone", "--quiet", "--bare", str(folder), str(place))
    _git(folder, "push", "--quiet", str(place), "main")
    _git(place, "update-server-info")


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *words]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise PracticeError("git is not installed. Install it: apt-get install git") from None
    except subprocess.CalledProcessError as error:
        raise PracticeError(f"git {words[0]} in {folder} fails: {error.stderr.strip()}") from None
