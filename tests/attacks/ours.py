"""The suite against our own engine: all attackers and the honest students in one class, marked in one go.

Marking runs in a process of its own, under a guard, so that an attack that succeeds ends a test and not the suite.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from attacks import guard
from attacks.attack import Attack, hand_in
from attacks.evidence import Outcome, all_grades, full_marks, outcome
from attacks.world import LAB, ROOT, SECRETS, VARIABLE, Listeners, World
from equipoise.content import load_course

LIMITS = guard.Limits(seconds=3000, bytes=10_000_000_000, processes=2000)
PATIENCE = "c.Equipoise.limits = {'cell_seconds': 8, 'notebook_seconds': 30}\n"  # so that what hangs costs little


def mark(root: Path, attacks: list[Attack], sandbox: str = "bubblewrap") -> Iterator[tuple[Attack, Outcome]]:
    """Each attack with what it achieved against our engine, in a class made below ``root``.

    What befalls the class, or cannot be traced to one attack, stands against all of them.
    """
    world = World(root)
    world.build()
    with (world.course / "grading" / "nbgrader_config.py").open("a") as settings:
        settings.write(PATIENCE + f"c.Equipoise.sandbox = {sandbox!r}\n")
    lab = world.load()
    run_guarded(world, "release", LAB)
    world.admit("abe")
    for attack in attacks:
        if attack.hand_in_first:
            hand_in(attack, lab, world.classroom, world.data, first=True)
    run_guarded(world, "grade", LAB)
    before = all_grades(world, lab, "abe")
    for attack in attacks:
        hand_in(attack, lab, world.classroom, world.data)
    world.admit("zoe")
    with Listeners() as listeners:
        ending = run_guarded(world, "grade", LAB)
    stopped = ending.code != 0 or not full_marks(world, lab, "zoe")
    spoilt = [] if all_grades(world, lab, "abe") == before else ["another's marks"]
    for attack in attacks:
        others = [other.name for other in attacks if other is not attack]
        survivors = [command for command in ending.survivors if not any(name in command for name in others)]
        found = outcome(attack, world, lab, stopped=stopped, heard=listeners.heard, survivors=survivors, spoilt=spoilt)
        yield attack, found


def run_guarded(world: World, step: str, slug: str) -> guard.Ending:
    """Release or grade a lab of ``world`` in another process, and say how that process ended."""
    paths = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT / "tests")}
    secrets = {"HOME": str(world.home), VARIABLE: SECRETS["environment"]}
    asked = {
        "command": [sys.executable, "-m", "attacks.ours", step, str(world.course), str(world.classroom), slug],
        "limits": asdict(LIMITS),
        "cwd": str(world.root),
        "env": paths | secrets,
        "log": str(world.root / "log"),
    }
    command = [sys.executable, "-m", "attacks.guard", json.dumps(asked)]
    run = subprocess.run(command, env=os.environ | paths, text=True, stdout=subprocess.PIPE, check=True)
    return guard.Ending(**json.loads(run.stdout))


def _mark_class(step: str, course: Path, root: Path, slug: str) -> None:
    """All that this suite asks of our engine."""
    from equipoise.grading.run import Classroom, GradingError

    classroom, lab = Classroom(load_course(course), root), load_course(course).lab(slug)
    if step == "release":
        classroom.release(lab)
        return
    for result in classroom.grade(lab):
        print(result, flush=True)
        try:
            classroom.write_feedback(lab, result.student)
        except GradingError as error:
            print(error, flush=True)
    print(*classroom.report(lab))


if __name__ == "__main__":
    _mark_class(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
