"""One process that has imported the libraries, and from which every kernel of a class is forked.

Importing costs seconds, forking milliseconds. So that a fork is safe, nothing here may own a thread, a socket with
ZeroMQ or an event loop when it forks; the process refuses to start otherwise. Each kernel gets a warden between it
and this process, which watches over memory and processes and passes on what the grader says.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path, PurePosixPath
from typing import NoReturn

import lockdown

TICK = 0.05  # seconds between two looks at a kernel's memory
FIRST_UID = 61184  # what systemd sets apart for users that exist only while a service runs
OURS = ("equipoise", "checker", "lockdown", "names", "student", "warm", "wire", "zygote")  # not for a student to import
PAGE = os.sysconf("SC_PAGE_SIZE")


def main(settings: dict) -> NoReturn:
    """Import, warm up, then fork a warden for each connection, for ever."""
    listener = socket.socket(fileno=settings["listener"])
    versions = _imported(settings["modules"])
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        sys.exit(f"a library started {threads - 1} threads on import; forking would not be safe")
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # wardens are not waited for: they report for themselves
    number = 0
    while True:
        connection, _ = listener.accept()
        number += 1
        if os.fork() == 0:
            listener.close()
            _run(_warden, connection, settings, FIRST_UID + number % 4000, versions)
        connection.close()


def _run(task, *arguments) -> NoReturn:
    """Run the whole of a process that was just forked, and end it here whatever happens."""
    try:
        task(*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _imported(modules: list[str]) -> dict[str, str]:
    for name in modules:
        with contextlib.suppress(ImportError):  # the lab will say so itself
            importlib.import_module(name)
    import checker  # noqa: F401
    import student
    import warm

    student.prepare()
    warm.up()
    return {"python": sys.version}


# ---- the warden -----------------------------------------------------------------------------------------------------


def _warden(connection: socket.socket, settings: dict, uid: int, versions: dict) -> None:
    """Serve one connection: fork the kernel, watch it, report how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    lockdown.die_with_parent()
    order, descriptors, _, _ = socket.recv_fds(connection, 4096, 8)
    if not order:
        return
    names = json.loads(order)
    if not names:  # only asked whether all is ready
        connection.sendall(json.dumps(versions).encode())
        return
    sockets = dict(zip(names, descriptors, strict=True))
    work = None
    if _is_strong(settings):
        lockdown.call("unshare", lockdown.CLONE_NEWPID)
    else:
        work = tempfile.mkdtemp(dir=settings["folder"])
        lockdown.call("prctl", lockdown.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    kernel = os.fork()
    if kernel == 0:
        connection.close()
        _run(_kernel, sockets, settings, uid, work)
    for descriptor in descriptors:
        os.close(descriptor)
    report = _Watch(kernel, settings["limits"], work).until_the_end(connection)
    if work:
        shutil.rmtree(work, ignore_errors=True)
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(report).encode())


def _is_strong(settings: dict) -> bool:
    return settings["sandbox"] == "bubblewrap"


class _Watch:
    """Watches one kernel and all that it starts; ``work`` is its folder if that is not bounded by itself."""

    def __init__(self, kernel: int, limits: dict, work: str | None):
        self.kernel, self.limits, self.work = kernel, limits, work
        self.shared = _memory(os.getpid())  # what every fork shares with the zygote
        self.peak, self.reason = 0, None

    def until_the_end(self, connection: socket.socket) -> dict:
        ended = os.pidfd_open(self.kernel)
        while self.reason is None:
            ready, _, _ = select.select([connection, ended], [], [], TICK)
            if ended in ready:
                break
            if connection in ready:
                self._obey(connection.recv(16))
            self._look()
        self._kill()
        _, status, used = os.wait4(self.kernel, 0)
        self._kill_orphans()
        cpu = used.ru_utime + used.ru_stime
        code = os.waitstatus_to_exitcode(status)
        return {"code": code, "reason": self.reason, "peak_bytes": self.peak, "cpu_seconds": cpu}

    def _obey(self, order: bytes) -> None:
        if order == b"interrupt":
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.kernel, signal.SIGINT)
        else:
            self.reason = "stopped"  # the grader said so, or went away

    def _look(self) -> None:
        family = _family(self.kernel)
        memory = sum(max(0, _memory(member) - self.shared) for member in family)
        self.peak = max(self.peak, memory)
        if memory > self.limits["memory_bytes"]:
            self.reason = "memory"
        elif len(family) > self.limits["processes"] + 8:
            self.reason = "processes"
        elif self.work and _used(self.work) > self.limits["disk_bytes"]:
            self.reason = "disk"

    def _kill(self) -> None:
        for member in [self.kernel, *_family(self.kernel)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)

    def _kill_orphans(self) -> None:
        """Without a process namespace, orphans come to the warden; they are killed until none is left."""
        while left := [member for member in _family(os.getpid()) if member != os.getpid()]:
            for member in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass


def _family(first: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    family = [first]
    for member in family:
        family += children.get(member, [])
    return family


def _memory(process: int) -> int:
    """Resident bytes that are no file's, those shared with other forks included; 0 if the process is gone."""
    try:
        resident, of_files = Path(f"/proc/{process}/statm").read_text().split()[1:3]
        return (int(resident) - int(of_files)) * PAGE
    except (OSError, ValueError):
        return 0


def _used(folder: str) -> int:
    """Bytes in all files below a folder, as far as they can be seen."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total


# ---- the kernel -----------------------------------------------------------------------------------------------------


def _kernel(sockets: dict[str, int], settings: dict, uid: int, work: str | None) -> None:
    """Build the place, give up everything else, then become the student's kernel or the checker."""
    spec, files = _read_order(sockets.pop("order"))
    os.setsid()
    work = work or _place(settings, spec["role"], uid)
    for name, content in files.items():
        _write(work, name, content)
    _environment(spec["environment"], work)
    _give_up(settings, spec["role"], uid, work)
    _silence(sockets)
    _reseed()
    main = sys.modules[spec["role"]].main
    if spec["role"] == "student":
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        sys.path = [place for place in sys.path if place not in settings["paths"]]
        sys.path.append(work)  # after the libraries: a file beside the notebook must not stand in for one of them
    main(spec, sockets)


def _read_order(descriptor: int) -> tuple[dict, dict[str, bytes]]:
    with open(descriptor, "rb") as file:
        size = int.from_bytes(file.read(8), "big")
        spec = json.loads(file.read(size))
        return spec, {name: file.read(length) for name, length in spec["files"]}


def _place(settings: dict, role: str, uid: int) -> str:
    """An empty folder of its own that is bounded, and nothing else to write to."""
    limits = settings["limits"]
    lockdown.call("unshare", lockdown.NAMESPACES & ~lockdown.CLONE_NEWPID)  # the warden keeps its own
    lockdown.be_private()
    owner = uid if os.getuid() == 0 else os.getuid()
    options = f"size={limits['disk_bytes']},nr_inodes=20000,mode=0700,uid={owner}"
    lockdown.mount("proc", "/proc", lockdown.MS_NOSUID | lockdown.MS_NODEV | lockdown.MS_NOEXEC)
    lockdown.mount("tmpfs", "/tmp", options=options)
    lockdown.mount("tmpfs", "/dev/shm", options=f"size={limits['disk_bytes']},nr_inodes=1000,mode=0700,uid={owner}")
    if role == "student":
        lockdown.mount("tmpfs", settings["package"], options="size=0,nr_inodes=2,mode=0555")
    os.mkdir("/tmp/work", 0o700)
    os.chown("/tmp/work", owner, -1)
    return "/tmp/work"


def _write(work: str, name: str, content: bytes) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name} leads out of the folder")
    target = Path(work, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _environment(wanted: dict[str, str], work: str) -> None:
    os.environ.clear()
    os.environ.update(wanted, HOME=work, TMPDIR=work, PATH="/usr/bin:/bin")
    os.chdir(work)


def _give_up(settings: dict, role: str, uid: int, work: str) -> None:
    """Everything that can be given up, in the order that leaves nothing undone."""
    limits = settings["limits"]
    processes = limits["processes"] if _is_strong(settings) else limits["processes"] + _processes()
    if _is_strong(settings):
        for folder, _, names in os.walk(work):
            for name in [".", *names]:
                if os.getuid() == 0:
                    os.chown(os.path.join(folder, name), uid, -1)
        lockdown.become(uid)
    else:
        readable = settings["readable"] + (settings["package_files"] if role == "checker" else [])
        lockdown.restrict_paths([*readable, f"/proc/{os.getpid()}"], [work, "/dev/null"])
    base = int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) * 1024
    lockdown.limit(resource.RLIMIT_CORE, 0)
    lockdown.limit(resource.RLIMIT_DATA, base + limits["memory_bytes"])
    lockdown.limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    lockdown.limit(resource.RLIMIT_NPROC, processes)
    lockdown.limit(resource.RLIMIT_CPU, limits["notebook_seconds"])
    lockdown.limit(resource.RLIMIT_NOFILE, 1024)
    lockdown.drop_capabilities()
    lockdown.filter_calls()


def _processes() -> int:
    """How many threads this user runs already: without a namespace, the limit counts them all."""
    mine, count = os.getuid(), 0
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == mine:
                count += len(os.listdir(f"/proc/{entry}/task"))
    return count


def _silence(sockets: dict[str, int]) -> None:
    """Keep only the sockets that this kernel needs; what libraries print past Python goes nowhere."""
    nowhere = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    wanted = sorted(sockets.values())
    for low, high in zip([2, *wanted], [*wanted, 1024], strict=True):
        os.closerange(low + 1, high)


def _reseed() -> None:
    """Forks would otherwise all draw the same numbers."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
