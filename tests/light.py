"""An engine that runs nothing, for tests of all that is around marking: it answers what the notebook asks for.

A submission is JSON: {"answers": {test: share of its points}, "essay": true, "do": "die"}. In worker processes, light
stand-ins take the place of the engine's own classes, so that what is killed by the dozen starts fast;
``test_class_run.py`` holds them against the real ones.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType

PYTHON = sys.executable
NOTE = {"cell": None, "kind": "unreadable", "text": "This is not a notebook."}


@dataclass(frozen=True)
class Job:
    lab: str
    student: str
    identity: str
    key: str
    handed_in: bytes | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    course: Mapping[str, bytes] = field(default_factory=dict)
    secret: str = ""


@dataclass(frozen=True)
class Marked:
    student: str
    identity: str
    notebook: str
    scores: Mapping[str, float]
    notes: tuple
    answered: frozenset[str]


@dataclass(frozen=True)
class Note:
    cell: str | None
    kind: str
    text: str


class Engine:
    def __reduce__(self):
        return _arrive, ()

    def mark(self, job: Job) -> Marked:
        try:
            said = json.loads(job.handed_in)
            note = ()
        except (TypeError, ValueError):
            said, note = {}, (Note(**NOTE),)
        _do(said)
        cells = [cell for cell in json.loads(job.key)["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]
        tests = [cell["metadata"]["nbgrader"] for cell in cells if not cell["metadata"]["nbgrader"]["solution"]]
        shares = said.get("answers", {})
        return Marked(
            student=job.student,
            identity=job.identity,
            notebook=json.dumps({"metadata": {"equipoise": {"notes": [], "said": said}}, "cells": []}),
            scores={test["grade_id"]: test["points"] * shares.get(test["grade_id"], 0) for test in tests},
            notes=note,
            answered=frozenset(["memo"] if said.get("essay") else []),
        )


def _do(said: dict) -> None:
    """What a submission may bring about in a worker."""
    time.sleep(said.get("seconds", 0))
    match said.get("do"):
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once":
            mark = Path(said["mark"])
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise RuntimeError("a flaw\nof the engine's")
        case "eat":
            bytearray(10**13)
        case "too much":
            raise SystemExit(3)


def _arrive() -> Engine:
    """What a worker makes of a pickled engine."""
    stand_in()
    return Engine()


@contextmanager
def engine_for(*settings):
    yield Engine(), lambda: None


def handed_in(answers: Mapping[str, float] = MappingProxyType({}), **said) -> bytes:
    return json.dumps({"answers": dict(answers), **said}).encode()


def stand_in() -> None:
    """Put this module's stand-ins in the place of the real ones, in this process."""
    for name, things in {"execute": (Job, Marked, Engine), "harden": (Note,)}.items():
        module = ModuleType(f"equipoise.grading.{name}")
        for thing in things:
            setattr(module, thing.__name__, thing)
        sys.modules[module.__name__] = module
    sys.modules["equipoise.grading.harden"].Kind = str


# ---- what tests run in a process of its own, to be killed or starved ------------------------------------------------


def classroom(course: Path, root: Path):
    """A class whose engine is this one, and its lab."""
    stand_in()
    from equipoise.content import load_course
    from equipoise.grading import run, workers

    workers.PRELOAD, run.engine_for = ["light"], engine_for
    content = load_course(course)
    return run.Classroom(content, root), next(iter(content.labs.values()))


def grade(course: Path, root: Path) -> None:
    """Mark a class as `equipoise grade` does."""
    room, lab = classroom(course, root)
    for _ in room.grade(lab):
        pass


def grade_until(step: int, course: Path, root: Path) -> None:
    """The same, but die without a word at the given step of writing; end with code 0 if there are fewer steps."""
    room, lab = classroom(course, root)
    from sqlalchemy import Engine as Database
    from sqlalchemy import event

    from equipoise.grading.writer import Writer

    steps, write = iter(range(step)), Writer.write

    def count(*_) -> None:
        if next(steps, None) is None:
            os._exit(9)

    def hook(name: str, arguments: tuple) -> None:
        if watching and name in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "open"):
            count()

    def watched(*arguments):
        watching.append(True)
        return write(*arguments)

    watching: list[bool] = []
    Writer.write = watched
    sys.addaudithook(hook)
    event.listen(Database, "begin", count)
    event.listen(Database, "commit", count)
    for _ in room.mark(room.plan(lab), jobs=1):
        watching.clear()


def write_many(root: Path, url: str, lab: str, scores: dict[str, float], students: list[str]) -> None:
    """Be one of several graders that share nothing but a gradebook."""
    from traitlets.config import Config

    from equipoise.grading.writer import Writer

    with Writer(root, url, Config({"CourseDirectory": {"course_id": "equipoise"}}), lab) as writer:
        for student in students:
            writer.write(Marked(student, "id", "{}", scores, (), frozenset(["memo"])), {}, "")


def grade_by_command(course: Path, root: Path, log: Path) -> None:
    """The command itself; what it prints goes to ``log``."""
    room, lab = classroom(course, root)
    from equipoise import cli
    from equipoise.grading import run

    run.Classroom = lambda content: room
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    cli.app(["grade", lab.slug, "--course", str(course)])


def grade_on_a_small_disk(what: str, course: Path, root: Path, log: Path) -> None:
    """Mark a class of which one part lies on a disk that is too small; then enlarge the disk and go on.

    ``what`` is "autograded", or "." for all of it. Writes to ``log`` what the first run said and how many marks the
    class had then; exits with the number of submissions that the second run still had to mark.
    """
    room, lab = classroom(course, root)
    from equipoise.grading.run import GradingError

    disk = root / what
    disk.mkdir(exist_ok=True)
    content = {path.relative_to(disk): path.read_bytes() for path in disk.rglob("*") if path.is_file()}
    need = sum(map(len, content.values())) + 3_000_000
    _mount_for_this_process_only(disk, need)
    for name, data in content.items():
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).write_bytes(data)
    said = ""
    try:
        for _ in room.mark(room.plan(lab)):
            pass
    except GradingError as error:
        said = str(error)
    chosen = room.plan(lab)
    lines = [said, str(len(chosen.settled)), *(str(path) for path in root.glob("autograded/*/.*"))]
    _libc("mount", None, os.fsencode(disk), None, MS_REMOUNT, f"size={100 * need}".encode())
    again = sum(result.state == "marked" for result in room.mark(chosen))
    lines.append(str(sum(result.state == "unchanged" for result in room.plan(lab).settled)))
    log.write_text("\n".join(lines))
    sys.exit(again)


MS_REMOUNT, MS_PRIVATE_ALL, CLONE_NEWNS, CLONE_NEWUSER = 32, 0x44000, 0x20000, 0x10000000


def _mount_for_this_process_only(folder: Path, size: int) -> None:
    user, group = os.getuid(), os.getgid()
    _libc("unshare", CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER)
    if user:
        for name, line in {"setgroups": "deny", "uid_map": f"0 {user} 1", "gid_map": f"0 {group} 1"}.items():
            Path("/proc/self", name).write_text(line)
    _libc("mount", None, b"/", None, MS_PRIVATE_ALL, None)
    _libc("mount", b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode())


def _libc(name: str, *arguments) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
