"""The repository to practise on holds what students get, and its history only grows."""

from __future__ import annotations

import subprocess

import pytest
from support import copy_course

from equipoise.content import load_course
from equipoise.hub import practice


def git(folder, *words: str) -> str:
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True).stdout


def test_it_holds_the_students_labs_and_grows_when_they_change(tmp_path):
    course, folder, place = load_course(copy_course(tmp_path / "course")), tmp_path / "labs", tmp_path / "practice.git"
    lab = next(iter(course.labs.values()))
    assert practice.write(course, folder) and not practice.write(course, folder)
    practice.publish(folder, place)
    first = git(folder, "rev-parse", "HEAD")
    everything = git(folder, "show", f"HEAD:{lab.slug}/{lab.slug}.ipynb")
    assert "YOUR CODE HERE" in everything and "BEGIN SOLUTION" not in everything and "BEGIN HIDDEN" not in everything
    assert f"{lab.slug}/data/{lab.facts.datasets[0]}.csv" in git(folder, "ls-files")

    source = lab.folder / "lab.py"
    text = source.read_text()
    source.write_text(text.replace("# %% [markdown]\n# # ", "# %% [markdown]\n# # Revised: ", 1))
    assert source.read_text() != text and practice.write(load_course(course.root), folder)
    practice.publish(folder, place)
    assert git(place, "rev-parse", "main~1") == first
    assert git(folder, "rev-parse", "HEAD").strip() in (place / "info" / "refs").read_text()


def test_without_git_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(practice.PracticeError, match="apt-get install git"):
        practice._git(tmp_path, "status")
