"""One server, as an operator makes it: installed by the script, told by the environment, with PostgreSQL behind it.

The machine itself is left alone: everything lies below a folder, and this environment serves instead of a new one.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from commands import Commands
from deployed import Hub
from hubs import free_ports
from postgres import Server
from support import BIN, ROOT, copy_course

from equipoise import demo, labs
from equipoise.content import load_course
from equipoise.grading import records
from equipoise.hub import environment
from equipoise.hub.settings import SERVER_SCOPES
from equipoise.hub.spawner import student_environment
from equipoise.hub.walls import Room

HERE = ROOT / "grading" / "deploy" / "one-server"
SCRIPTS = [HERE / "install", ROOT / "grading" / "deploy" / "kubernetes" / "student" / "install"]
DOCKERFILES = [path for path in sorted((ROOT / "grading" / "deploy").rglob("Dockerfile"))]


class Place(NamedTuple):
    """An installation."""

    prefix: Path
    course: Path
    etc: Path
    unit: Path

    def install(self, *options: str) -> subprocess.CompletedProcess:
        command = [self.course / "grading/deploy/one-server/install", "--prefix", self.prefix, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def told(self) -> dict[str, str]:
        """What the file says that systemd hands to the hub."""
        lines = (self.etc / "hub.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.fixture(scope="module", name="place")
def _place(tmp_path_factory) -> Place:
    prefix = tmp_path_factory.mktemp("machine")
    course = copy_course(prefix / "opt" / "equipoise" / "course")
    shutil.copytree(ROOT / "grading" / "deploy", course / "grading" / "deploy")
    (course / "labs" / "private").touch(mode=0o600)
    place = Place(prefix, course, prefix / "etc/equipoise", prefix / "etc/systemd/system/equipoise-hub.service")
    done = place.install("--environment", sys.prefix)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    server = Server(*free_ports(1))
    yield server
    server.end()


# ---- the files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parent.name)
def test_scripts_pass_shellcheck(script):
    checked = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.parent.name)
def test_dockerfiles_pass_hadolint_and_copy_only_what_is_sent_to_the_builder(file):
    checked = subprocess.run([BIN / "hadolint", file], capture_output=True, text=True, check=False)
    assert checked.stdout == ""
    for line in re.findall(r"^COPY (.*) \S+$", file.read_text(), re.M):
        assert all((ROOT / source).exists() for source in line.split())


def test_what_people_edited_stays_and_programs_are_brought_up_to_date(place):
    (place.etc / "jupyterhub_config.py").write_text("edited = True\n")
    (place.etc / "hub.env").write_text("EDITED=yes\n")
    unit = place.unit.read_text()
    place.unit.write_text("of an earlier version")
    done = place.install("--environment", sys.prefix)
    assert done.returncode == 0, done.stderr
    assert (place.etc / "jupyterhub_config.py").read_text() == "edited = True\n"
    assert place.told() == {"EDITED": "yes"}
    assert place.unit.read_text() == unit
    for name in ("jupyterhub_config.py", "hub.env"):
        (place.etc / name).unlink()
    place.install("--environment", sys.prefix)
    assert "EQUIPOISE_HUB_DB" in place.told()


def test_nobody_else_reads_what_is_installed(place):
    modes = {
        place.prefix / "opt/equipoise": 0o750,
        place.etc: 0o750,
        place.etc / "hub.env": 0o600,
        place.etc / "jupyterhub_config.py": 0o640,
        place.prefix / "var/lib/equipoise": 0o700,
        place.course / "labs" / "private": 0o644,  # the hub's account must read it; nobody else passes the folder above
    }
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in modes} == modes


def test_a_course_that_lies_elsewhere_is_refused(place, tmp_path):
    done = place._replace(prefix=tmp_path).install()
    assert done.returncode == 1 and "must lie in" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_unit_is_valid_bounded_and_hardened(place):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(place.unit.read_text())
    service = unit["Service"]
    assert str(place.prefix) in service["ExecStart"] and service["EnvironmentFile"] == str(place.etc / "hub.env")
    assert int(service["TasksMax"]) and service["MemoryMax"] and service["OOMPolicy"] == "continue"
    assert service["CapabilityBoundingSet"] == ""
    in_the_way = {"ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset", "RestrictSUIDSGID"}
    assert not in_the_way & set(service), "bubblewrap could not mount /proc, or open what it mounts"
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed, so its own checks were not made")
    verify = subprocess.run(["systemd-analyze", "verify", place.unit], capture_output=True, text=True, check=False)
    assert "equipoise-hub" not in verify.stderr, verify.stderr
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=35", place.unit]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0, "exposure above 3.5"


# ---- what it is told ------------------------------------------------------------------------------------------------


@pytest.fixture(name="told")
def _told(place, tmp_path) -> dict[str, str]:
    return {
        "EQUIPOISE_URL": "http://127.0.0.1:8000",
        "EQUIPOISE_STATE": str(tmp_path),
        "EQUIPOISE_COURSES": f"equipoise={place.course}",
        "EQUIPOISE_HUB_DB": f"sqlite:///{tmp_path}/hub.sqlite",
    }


def test_what_is_told_is_understood(told, place, tmp_path):
    told |= {
        "EQUIPOISE_COURSES": f"a={place.course} b={place.course}",
        "EQUIPOISE_URL": "http://127.0.0.1:8000/jupyter",
    }
    told["EQUIPOISE_MARKS_URL_B"] = "postgresql+pg8000://grader:p%7Bx@db/marks_b"
    understood = environment.read(told)
    assert understood.base == "/jupyter/" and understood.state == tmp_path
    assert understood.gradebooks == {"b": "postgresql+pg8000://grader:p%7Bx@db/marks_b"}


WRONG = {
    "EQUIPOISE_URL": ["", "8000", "http://0.0.0.0:8000", "http://127.0.0.1", "https://127.0.0.1:443", "http://h:x"],
    "EQUIPOISE_STATE": ["", "state"],
    "EQUIPOISE_COURSES": ["", "equipoise", "a/b=/opt", "CS101=/opt", "hub=/opt", "equipoise=/nowhere"],
    "EQUIPOISE_HUB_DB": ["", "geheim", "sqlite:///hub.sqlite", "sqlite:////tmp/hub.sqlite", "nosuch://a:geheim@b/c"],
    "EQUIPOISE_MARKS_URL": ["geheim", "sqlite:////var/marks.db", "postgresql+pg8000://a:geheim@/b?unix_sock=/run/x"],
    "EQUIPOISE_BOOK": ["/nowhere"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_what_is_missing_or_wrong_is_named_without_secrets(told, name, value):
    with pytest.raises(environment.NotTold) as caught:
        environment.read(told | {name: value})
    assert name in str(caught.value) and "geheim" not in str(caught.value)


def test_one_gradebook_for_two_courses_is_refused(told, place):
    told["EQUIPOISE_COURSES"] += f" other={place.course}"
    one = "postgresql+pg8000://grader@db/marks"
    with pytest.raises(environment.NotTold, match="Name one for each"):
        environment.read(told | {"EQUIPOISE_MARKS_URL": one})
    both = {"EQUIPOISE_MARKS_URL_EQUIPOISE": one, "EQUIPOISE_MARKS_URL_OTHER": f"{one}2"}
    with pytest.raises(environment.NotTold, match="two courses have the same user"):
        environment.read(told | both)


def hub_says(config: Path, told: Mapping[str, str], folder: Path) -> str:
    """All that a hub says that is to refuse to start."""
    command = [sys.executable, "-m", "jupyterhub", "-f", config]
    done = subprocess.run(command, env=path() | told, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


def path() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}


def test_a_hub_that_is_told_nothing_names_all_that_is_missing(place, tmp_path):
    said = hub_says(place.etc / "jupyterhub_config.py", {}, tmp_path)
    needed = ("EQUIPOISE_URL", "EQUIPOISE_STATE", "EQUIPOISE_COURSES", "EQUIPOISE_HUB_DB")
    assert "Traceback" not in said and all(f"{name} is not set" in said for name in needed)


def test_a_hub_without_an_authenticator_does_not_start(place, told, tmp_path):
    said = hub_says(place.etc / "jupyterhub_config.py", told, tmp_path)
    assert "choose an authenticator" in said and "Traceback" not in said


# ---- one student and the others -------------------------------------------------------------------------------------

BOMB = """
import os, time
born = 0
try:
    while born < 400:
        if os.fork() == 0:
            time.sleep(60); os._exit(0)
        born += 1
except BlockingIOError:
    pass
print(born, flush=True)
"""


def test_a_fork_bomb_ends_at_its_own_limit_and_others_go_on(tmp_path):
    tmp_path.chmod(0o755)
    names = {"one": 900_001, "other": 900_002}  # no user of another hub here has these, and counts with them
    rooms = [Room(tmp_path / name, "student", number, processes=64) for name, number in names.items()]
    for room in rooms:
        room.folder.mkdir()
        room.furnish()
    command = rooms[0].command("/usr/bin/python3", "-c", f"{BOMB}time.sleep(60)", dies_with_hub=True)
    with subprocess.Popen(command) as first:
        for _ in range(600):
            if rooms[0].log.read_text():
                break
            time.sleep(0.1)
        subprocess.run(rooms[1].command("/usr/bin/python3", "-c", BOMB, dies_with_hub=True), check=True)
        first.kill()
    for room in rooms:
        assert 50 < int(room.log.read_text()) < 64


# ---- a class --------------------------------------------------------------------------------------------------------


def test_a_class_with_both_databases_on_a_server(place, server, tmp_path):
    """Release, fetch, submit, collect, autograde, feedback, by formgrader's own calls and nbgrader's commands."""
    [port] = free_ports(1)
    state, base = tmp_path / "state", f"http://127.0.0.1:{port}/jupyter/"
    config = tmp_path / "config" / "jupyterhub_config.py"
    config.parent.mkdir()
    choice = 'c.JupyterHub.authenticator_class = "dummy"\nc.DummyAuthenticator.password = "not used here, but long"\n'
    choice += 'c.JupyterHub.load_groups["formgrade-equipoise"] = {"users": ["grader"]}\n'
    config.write_text((place.etc / "jupyterhub_config.py").read_text() + choice)
    marks = server.database("marks")
    told = place.told() | {
        "EQUIPOISE_URL": base,
        "EQUIPOISE_STATE": str(state),
        "EQUIPOISE_HUB_DB": server.database("hub"),
        "EQUIPOISE_MARKS_URL": marks,
    }
    lab = next(iter(load_course(place.course).labs.values()))
    with Hub(config, base, path() | told).running() as hub, Commands() as commands:
        grader, student = hub.person("grader"), hub.person("student", scopes=tuple(SERVER_SCOPES[-1:]))
        formgrader = "services/equipoise/formgrader/api"
        hub.until(lambda: hub.api("GET", f"{formgrader}/status", grader).is_success)
        assert hub.api("GET", f"{formgrader}/status", student).status_code == 403

        def press(button: str) -> None:
            answer = hub.api("POST", f"{formgrader}/{button}", grader)
            assert answer.is_success and answer.json()["success"], answer.text

        def nbgrader(*words: str) -> str:
            own = student_environment({}, str(home)) | {"JUPYTERHUB_API_TOKEN": student}
            own |= {"EQUIPOISE_EXCHANGE": f"{base}services/exchange"}
            return commands.run(*words, "--course", "equipoise", environment=own, folder=home)

        press(f"assignment/{lab.slug}/assign")
        press(f"assignment/{lab.slug}/release")
        roster = {"students": ["student"]}
        assert hub.api("PUT", "services/exchange/equipoise/roster", grader, json=roster).is_success

        home = tmp_path / "home"
        home.mkdir()
        nbgrader("fetch_assignment", lab.slug)
        work = home / "equipoise" / lab.slug
        assert (work / "data").is_dir()
        (work / f"{lab.slug}.ipynb").write_text(demo.examples(lab)["perfect"], encoding="utf-8")
        nbgrader("submit", lab.slug)

        press(f"assignment/{lab.slug}/collect")
        press(f"submission/{lab.slug}/student/autograde")
        press(f"assignment/{lab.slug}/generate_feedback")
        press(f"assignment/{lab.slug}/release_feedback")
        nbgrader("fetch_feedback", lab.slug)
        assert list(work.glob(f"feedback/*/{lab.slug}.html"))

        with records.reading(marks) as gradebook:
            assert records.marks(gradebook, lab.slug)["student"].points == sum(labs.points(lab).values())
        assert not list(state.rglob("gradebook.db")) and not list(tmp_path.rglob("*.sqlite"))
        assert who_knows("EQUIPOISE_HUB_DB", hub) == []
        told = who_knows(server.password, hub)
        assert told and all("jupyterhub.singleuser" in command for command in told), "formgrader alone has the marks"


def who_knows(word: str, hub: Hub) -> list[str]:
    """The commands of those whom the hub started and in whose environment a word stands."""
    started = psutil.Process(hub.process.pid).children(recursive=True)
    return [" ".join(child.cmdline()) for child in started if word in str(child.environ())]
