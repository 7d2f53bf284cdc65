"""The suite against nbgrader as it comes: its own command and its defaults, one attacker and zoe at a time.

Nothing of nbgrader's keeps an attack from the machine, so each runs in a bubblewrap of its own: no network but a
private loopback, a small disk in memory, private copies of everything, and a guard as the first process, which
nothing inside can kill. Where the suite is started by root, what it marks runs as a user without rights.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import nbformat

from attacks import guard
from attacks.attack import Attack, hand_in, load_attacks
from attacks.evidence import Outcome, all_grades, full_marks, outcome
from attacks.world import HONEST, LAB, ROOT, SECRETS, VARIABLE, Listeners, World
from equipoise import labs
from equipoise.content import COURSE_VARIABLE, load_course
from equipoise.datasets import write_data

DISK = 2_000_000_000  # bytes
USER = 54321 if os.geteuid() == 0 else None
LIMITS = guard.Limits(seconds=120, bytes=4_000_000_000, processes=400, user=USER)
PATIENCE = 900  # seconds for one attack with all its steps
INSIDE = World(Path("/tmp/world"))
BIN = Path(sys.executable).parent


def mark(root: Path, attacks: list[Attack]) -> Iterator[tuple[Attack, Outcome]]:
    """Each attack with what it achieved against stock nbgrader, in a class made below ``root``."""
    _prepare(World(root))
    for attack in attacks:
        yield attack, _mark_inside(root, attack)


def _prepare(world: World) -> None:
    """Release the lab to a class in which abe is already marked."""
    world.build()
    course, lab = load_course(world.course), world.load()
    source = world.classroom / "source" / LAB
    for dataset in lab.facts.datasets:
        write_data(course.dataset(dataset), source / "data")
    nbformat.write(labs.instructor_notebook(lab), source / f"{LAB}.ipynb")
    _do(world, "generate_assignment", LAB)
    for student in HONEST:
        world.admit(student)
    _do(world, "autograde", LAB, "--student", "abe")
    _do(world, "generate_feedback", LAB, "--student", "abe")


def _do(world: World, *words: str) -> None:
    command = [BIN / "nbgrader", *words]
    subprocess.run(command, cwd=world.classroom, env=_environment(world), check=True, capture_output=True)


def _environment(world: World) -> Mapping[str, str]:
    """The grader's. Hidden tests draw from the course, so it must be named."""
    return {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(world.home),
        COURSE_VARIABLE: str(world.course),
        VARIABLE: SECRETS["environment"],
    }


def _mark_inside(root: Path, attack: Attack) -> Outcome:
    inside = [sys.executable, "-m", "attacks.stock", attack.name]
    run = subprocess.run([*_bubblewrap(root), *inside], timeout=PATIENCE, text=True, capture_output=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{attack.name}: the wrapper failed: {run.stderr[-1000:]}")
    return Outcome(**json.loads(run.stdout.splitlines()[-1]))


def _bubblewrap(root: Path) -> list[str]:
    """The machine that an attack may ruin."""
    words = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--as-pid-1"]
    words += ["--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    words += ["--tmpfs", str(Path.home()), "--perms", "1777", "--size", str(DISK), "--tmpfs", "/tmp"]
    for folder in map(Path, (sys.base_prefix, sys.prefix, ROOT)):
        for above in reversed([path for path in folder.parents if Path.home() in path.parents]):
            words += ["--perms", "0755", "--dir", str(above)]
        words += ["--ro-bind", str(folder), str(folder)]
    words += ["--ro-bind", str(root), "/tmp/base", "--size", str(DISK), "--tmpfs", str(INSIDE.root)]
    return [*words, "--chdir", str(ROOT / "tests"), "--setenv", "PYTHONPATH", str(ROOT / "tests")]


def _mark(attack: Attack) -> Outcome:
    """Mark one attacker and zoe. Runs inside, as the first process."""
    world = INSIDE
    shutil.copytree("/tmp/base", world.root, dirs_exist_ok=True)
    lab = world.load()
    if attack.hand_in_first:
        hand_in(attack, lab, world.classroom, world.data, first=True)
        _run(world, "autograde", LAB, "--student", attack.student)
        os.utime(world.classroom / "submitted" / attack.student / LAB)
    before = all_grades(world, lab, "abe")
    hand_in(attack, lab, world.classroom, world.data)
    force = ("--force",) if attack.hand_in_first else ()
    with Listeners() as listeners:
        ending = _run(world, "autograde", LAB, *force)
        if ending.code:  # a grader would try again
            _run(world, "autograde", LAB)
    _run(world, "generate_feedback", LAB)
    return outcome(
        attack,
        world,
        lab,
        stopped=ending.died or not full_marks(world, lab, "zoe"),
        heard=listeners.heard,
        survivors=ending.survivors,
        spoilt=[] if all_grades(world, lab, "abe") == before else ["another's marks"],
    )


def _run(world: World, *words: str) -> guard.Ending:
    if USER is not None:
        for path in (world.root, *world.root.rglob("*")):
            os.chown(path, USER, USER, follow_symlinks=False)
    log = Path("/tmp/log")
    return guard.run([BIN / "nbgrader", *words], LIMITS, world.classroom, _environment(world), log)


if __name__ == "__main__":
    chosen = next(attack for attack in load_attacks() if attack.name == sys.argv[1])
    marked = _mark(chosen)
    if os.environ.get("SHOW_LOG"):
        print(Path("/tmp/log").read_text(errors="replace")[-5000:], file=sys.stderr)
    print(json.dumps(asdict(marked)))
