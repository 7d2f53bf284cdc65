"""Runs a marking process so that the machine, and the suite, outlive whatever is handed in.

The limits stand for those of a small machine: when memory runs out the largest process is killed, as the kernel
would do. They are far above what our engine allows, so that they never do its work for it.

A guard adopts what its command leaves behind, so it must be a process of its own, with no other children.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
EVERY = 0.1  # seconds between two looks
SETTLE = 5  # seconds in which what ends by itself may end


@dataclass(frozen=True)
class Limits:
    """What one machine gives to one marking process and all that it starts."""

    seconds: float
    bytes: int  # memory of all processes together
    processes: int  # binds no process of root
    user: int | None = None  # whom to run as, where the guard is root


@dataclass(frozen=True)
class Ending:
    """How a marking process ended, and the command lines of what it left running."""

    code: int
    hung: bool = False
    survivors: tuple[str, ...] = ()

    @property
    def died(self) -> bool:
        return self.code < 0 or self.hung


def run(command: Sequence[str | Path], limits: Limits, cwd: Path, env: Mapping[str, str], log: Path) -> Ending:
    """Run ``command`` to its end or to its limits, then end everything that it has started, wherever it hides."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with log.open("ab") as output:
        marking = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=limits.user,
            group=limits.user,
            extra_groups=None if limits.user is None else [],
            preexec_fn=lambda: _restrict(limits),
        )
    ending = _watch(marking, limits)
    with log.open("a") as output:
        print(*(f"still running: {command}" for command in ending.survivors), ending, sep="\n", file=output)
    while family := list(_family()):
        _kill(family)
        _bury(marking)
    return ending


def _watch(marking: subprocess.Popen, limits: Limits) -> Ending:
    deadline = time.monotonic() + limits.seconds
    while time.monotonic() < deadline:
        _bury(marking)
        if marking.returncode is not None:
            return Ending(marking.returncode, survivors=_survivors(marking))
        _spare_the_machine(limits.bytes)
        time.sleep(EVERY)
    return Ending(-9, hung=True)


def _survivors(marking: subprocess.Popen) -> tuple[str, ...]:
    """What still runs when everything that ends by itself has had its time."""
    deadline = time.monotonic() + SETTLE
    while (family := list(_family())) and time.monotonic() < deadline:
        time.sleep(EVERY)
        _bury(marking)
    names = []
    for process in family:
        with suppress(psutil.Error):
            names.append(" ".join(process.cmdline())[:200])
    return tuple(names)


def _restrict(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (limits.processes, limits.processes))


def _family() -> Iterator[psutil.Process]:
    """Everything alive below the guard."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _bury(marking: subprocess.Popen) -> None:
    """Reap whatever has ended; the dead count against the limit on processes."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == marking.pid:
                marking.returncode = os.waitstatus_to_exitcode(ended[1])


def _spare_the_machine(most_bytes: int) -> None:
    """Kill the largest process if memory runs out. What processes share counts once, but is dear to find out."""
    if sum(_sizes("rss").values()) > most_bytes and sum((sizes := _sizes("pss")).values()) > most_bytes:
        _kill([max(sizes, key=sizes.__getitem__)])


def _sizes(kind: str) -> dict[psutil.Process, int]:
    sizes = {}
    for process in _family():
        with suppress(psutil.Error):
            read = process.memory_info if kind == "rss" else process.memory_full_info
            sizes[process] = getattr(read(), kind)
    return sizes


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


if __name__ == "__main__":  # an Ending as JSON for: python -m attacks.guard '{"command": [...], "limits": {...}, ...}'
    asked = json.loads(sys.argv[1])
    paths = {name: Path(asked[name]) for name in ("cwd", "log")}
    ended = run(asked["command"], Limits(**asked["limits"]), env=asked["env"], **paths)
    print(json.dumps(asdict(ended)))
