"""One process that has imported the libraries, from which every kernel is forked, and which watches over them.

Importing costs seconds, forking milliseconds. So that a fork is safe, nothing here may own a thread, a socket with
ZeroMQ or an event loop when it forks; the process refuses to start otherwise. Each kernel belongs to a connection: what
comes through it are orders, what goes back is how the kernel ended, and when it closes, the kernel ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import lockdown

TICK, IDLE = 0.05, 1.0  # seconds between two looks at the kernels' memory, and whether the grader is there
FIRST_UID = 61184  # what systemd sets apart for users that exist only while a service runs
OURS = ("equipoise", "checker", "lockdown", "names", "student", "warm", "wire", "zygote")  # not for a student to import
PAGE = os.sysconf("SC_PAGE_SIZE")


def main(settings: dict) -> NoReturn:
    """Import, warm up, then fork and watch kernels for as long as the grader is there."""
    lockdown.be_called("nursery")
    listener = socket.socket(fileno=settings["listener"])
    gc.disable()  # while a hundred thousand objects come to stay
    versions = _imported(settings["modules"])
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        sys.exit(f"a library started {threads - 1} threads on import; forking would not be safe")
    settings["calls"] = lockdown.CallFilter(alone=settings["sandbox"] == "bubblewrap")
    settings["ours"] = [name for name in sys.modules if name.partition(".")[0] in OURS]
    gc.collect()
    gc.freeze()
    gc.enable()
    Ward(listener, settings, versions).keep()


def _imported(modules: list[str]) -> dict[str, str]:
    sys.modules["debugpy"] = None  # ipykernel would import and start a debugger
    for name in modules:
        with contextlib.suppress(ImportError):  # the lab will say so itself
            importlib.import_module(name)
    import checker  # noqa: F401
    import student
    import warm

    student.prepare()
    warm.up()
    return {"python": sys.version}


# ---- watching over kernels ------------------------------------------------------------------------------------------


@dataclass
class Kernel:
    """One kernel that lives. ``work`` is its folder, if that is not bounded by itself."""

    line: socket.socket
    process: int
    ended: int  # becomes readable when it has
    work: str | None
    peak: int = 0
    reason: str | None = None  # why it is being ended


class Ward:
    """All kernels, and the connections that have not ordered one yet."""

    def __init__(self, listener: socket.socket, settings: dict, versions: dict):
        self.listener, self.settings, self.versions = listener, settings, versions
        self.limits, self.strong = settings["limits"], settings["sandbox"] == "bubblewrap"
        self.shared = _memory(os.getpid())  # what every kernel shares with this process
        self.grader, self.own_processes = os.getppid(), os.open("/proc/self/ns/pid", os.O_RDONLY)
        self.waiting: list[socket.socket] = []
        self.kernels: list[Kernel] = []
        self.forked, self.last_look = 0, 0.0

    def keep(self) -> NoReturn:
        """Do what the grader says, and look after the kernels, until the grader is gone."""
        if not self.strong:
            lockdown.call("prctl", lockdown.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        try:
            while os.getppid() == self.grader:
                self._turn()
        except Exception:  # of this process itself, which should not happen: the log is what the grader can read
            traceback.print_exc()
        finally:
            for kernel in self.kernels:
                self._kill(kernel, _children())
            self._end_orphans()
            os._exit(0)

    def _turn(self) -> None:
        obedient = {kernel.line: kernel for kernel in self.kernels if kernel.reason is None}
        ending = {kernel.ended: kernel for kernel in self.kernels}
        sources = [self.listener, *self.waiting, *obedient, *ending]
        ready, _, _ = select.select(sources, [], [], TICK if self.kernels else IDLE)
        for source in ready:  # orders first: what has ended is gone afterwards
            if source is self.listener:
                self._accept()
            elif source in obedient:
                self._obey(obedient[source])
            elif source in ending:
                self._bury(ending[source])
            else:
                self._take_order(source)
        if self.kernels and time.monotonic() - self.last_look > TICK:
            self._look()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        peer, _, _ = struct.unpack("iii", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if _descends(peer, os.getpid()):
            connection.close()  # a kernel must not ask for kernels
        else:
            self.waiting.append(connection)

    def _take_order(self, connection: socket.socket) -> None:
        self.waiting.remove(connection)
        try:
            order, descriptors, _, _ = socket.recv_fds(connection, 4096, 8)
        except OSError:  # the grader's worker died in the middle
            order = b""
        names = json.loads(order or "null")
        if names:
            self._fork(connection, dict(zip(names, descriptors, strict=True)))
        elif names == []:  # only asked whether all is ready
            connection.sendall(json.dumps(self.versions).encode())
        if not names:
            connection.close()

    def _fork(self, connection: socket.socket, sockets: dict[str, int]) -> None:
        self.forked += 1
        work = None if self.strong else tempfile.mkdtemp(dir=self.settings["folder"])
        if self.strong:
            lockdown.call("unshare", lockdown.CLONE_NEWPID)  # of the children only
        process = os.fork()
        if process == 0:
            _run(_kernel, sockets, self.settings, FIRST_UID + self.forked % 4000, work)
        if self.strong:
            lockdown.call("setns", self.own_processes, lockdown.CLONE_NEWPID)
        for descriptor in sockets.values():
            os.close(descriptor)
        self.kernels.append(Kernel(connection, process, os.pidfd_open(process), work))

    def _obey(self, kernel: Kernel) -> None:
        try:
            order = kernel.line.recv(16)
        except OSError:
            order = b""
        if order == b"interrupt":
            os.kill(kernel.process, signal.SIGINT)  # it is there, since nobody has waited for it
        else:
            kernel.reason = "stopped"  # the grader said so, or went away
            self._kill(kernel, _children())

    def _look(self) -> None:
        self.last_look, children = time.monotonic(), _children()
        for kernel in self.kernels:
            kernel.reason = kernel.reason or self._excess(kernel, children)
            if kernel.reason:
                self._kill(kernel, children)
        self._end_orphans()

    def _excess(self, kernel: Kernel, children: dict[int, list[int]]) -> str | None:
        family = _family(kernel.process, children)
        memory = sum(max(0, _memory(member) - self.shared) for member in family)
        kernel.peak = max(kernel.peak, memory)
        if memory > self.limits["memory_bytes"]:
            return "memory"
        if len(family) > self.limits["processes"] + 8:
            return "processes"
        if kernel.work and _used(kernel.work) > self.limits["disk_bytes"]:
            return "disk"
        return None

    def _kill(self, kernel: Kernel, children: dict[int, list[int]]) -> None:
        for member in _family(kernel.process, children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)

    def _bury(self, kernel: Kernel) -> None:
        """Say how a kernel ended, once nothing of it is left."""
        _, status, used = os.wait4(kernel.process, 0)
        self.kernels.remove(kernel)
        self._end_orphans()
        if kernel.work:
            shutil.rmtree(kernel.work, ignore_errors=True)
        report = {
            "code": os.waitstatus_to_exitcode(status),
            "reason": kernel.reason,
            "peak_bytes": kernel.peak,
            "cpu_seconds": used.ru_utime + used.ru_stime,
        }
        with contextlib.suppress(OSError):
            kernel.line.sendall(json.dumps(report).encode())
        kernel.line.close()
        os.close(kernel.ended)

    def _end_orphans(self) -> None:
        """Without a process namespace, what loses its parent comes here, and ends here."""
        known = {kernel.process for kernel in self.kernels}
        while not self.strong and (orphans := set(_children().get(os.getpid(), ())) - known):
            for orphan in orphans:
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)


def _parent(process: int) -> int:
    """The parent of a process; 0 if there is none in view."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _children() -> dict[int, list[int]]:
    """The children of every process in view."""
    children: dict[int, list[int]] = {}
    for process in [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]:
        children.setdefault(_parent(process), []).append(process)
    return children


def _descends(process: int, ancestor: int) -> bool:
    while process and process != ancestor:
        process = _parent(process)
    return process == ancestor


def _family(first: int, children: dict[int, list[int]]) -> list[int]:
    """A process and all its descendants."""
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


def _run(task: Callable[..., None], *arguments: Any) -> NoReturn:
    """Run the whole of a process that was just forked, and end it here whatever happens."""
    try:
        task(*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _kernel(sockets: dict[str, int], settings: dict, uid: int, work: str | None) -> None:
    """Build the place, give up everything else, then become the student's kernel or the checker."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    spec, files = _read_order(sockets.pop("order"))
    lockdown.be_called(spec["role"])
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
        for name in settings["ours"]:
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
    lockdown.call("unshare", lockdown.NAMESPACES & ~lockdown.CLONE_NEWPID)  # that one it was born into
    lockdown.be_private()
    owner = uid if lockdown.owns_several_users() else os.getuid()
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
    strong = settings["sandbox"] == "bubblewrap"
    processes = limits["processes"] if strong else limits["processes"] + _processes()
    if strong:
        for folder, _, names in os.walk(work) if lockdown.owns_several_users() else ():
            for name in [".", *names]:
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
    settings["calls"].apply()
    lockdown.die_with_parent()


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
    """Forks would otherwise all draw the same numbers; Python's own generator sees to that itself."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
