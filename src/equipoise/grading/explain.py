"""What the sandbox enforces on this machine, found out by trying to break it.

Each attempt runs as a student's cell, in a kernel of the kind that marks; the limits are lowered for it, so that
trying takes seconds.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

import nbformat
import psutil
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from equipoise.grading.execute import Engine, Job
from equipoise.grading.harden import Kind, Note
from equipoise.grading.inside import lockdown
from equipoise.grading.sandbox import Limits, Nursery, Sandbox

LIMITS = Limits(
    cell_seconds=8,
    notebook_seconds=60,
    memory_bytes=300_000_000,
    processes=20,
    file_bytes=5_000_000,
    disk_bytes=20_000_000,
    output_bytes=1_000_000,
)
OUTLIVES, OUTPUT, NOTEBOOK = "nothing outlives the kernel", "output is limited", "a notebook's time is limited"
YOUNGER = "no call that is too young to be judged"
NOTEBOOK_SECONDS = 3  # while NOTEBOOK is tried
SYSTEM_CALLS = """
    import ctypes, errno
    call, passed = ctypes.CDLL(None, use_errno=True).syscall, []
    for name, arguments in {calls!r}.items():
        arguments = [ctypes.c_long(argument) for argument in arguments]
        if call(*arguments) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            passed.append(name)
    print(*passed)
    if not passed:
        raise PermissionError('each of them is refused')"""
CLONE_FS = 0x200  # with a new namespace it is an error to all but a filter, so that nothing is cloned
NONSENSE = (-1,) * 6  # arguments with which no call does anything, should it be let through
# Each attempt, as a sentence and the code that succeeds where nothing is enforced.
ATTEMPTS: Mapping[str, str] = {
    "no network connection to this machine": "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
    "no abstract socket of another process": (
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0' + {abstract!r})"
    ),
    "no socket of another process by its path": "import socket; socket.socket(socket.AF_UNIX).connect({stream!r})",
    "no message to a socket of another process": """
        import socket
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', {datagram!r})""",
    "no file of the grader's in view": "open({secret!r}).read()",
    "no file of the grader's can be emptied": "import os; os.truncate({secret!r}, 0)",
    "mode and times of the grader's files stay": """
        import os
        before = os.stat({secret!r})
        os.chmod({secret!r}, 0o640)
        os.utime({secret!r}, (0, 0))
        after = os.stat({secret!r})
        assert (after.st_mode, after.st_mtime) != (before.st_mode, before.st_mtime)""",
    "attributes of the grader's files stay": """
        import errno, os
        try:
            os.setxattr({secret!r}, 'user.equipoise', b'x')
        except OSError as error:
            if error.errno != errno.ENOTSUP:  # said by a file system that was asked
                raise""",
    "attributes of the libraries' files stay": """
        import errno, fcntl
        with open(__import__('numpy').__file__) as file:
            try:
                flags = fcntl.ioctl(file, 0x80086601, bytes(8))
                fcntl.ioctl(file, 0x40086602, flags)
            except OSError as error:
                if error.errno != errno.ENOTTY:  # said by a file system that was asked
                    raise""",
    "no variable of the grader's environment": "import os; assert {variable!r} in os.environ",
    "no files of other processes in view": "open('/proc/{process}/status').read()",
    "no signal to other processes": "import os; os.kill({process}, 0)",
    "limits and priority of other processes stay": """
        import ctypes, os, resource
        def changed(read, change):
            try:
                before = read()
                change()
                return read() != before
            except OSError:
                return False
        call = ctypes.CDLL(None).syscall
        processor = {min(os.sched_getaffinity(0))}
        passed = [
            changed(
                lambda: resource.prlimit({process}, resource.RLIMIT_CORE),
                lambda: resource.prlimit({process}, resource.RLIMIT_CORE, (0, 0))),
            changed(
                lambda: os.getpriority(os.PRIO_PROCESS, {process}),
                lambda: os.setpriority(os.PRIO_PROCESS, {process}, 19)),
            changed(
                lambda: os.sched_getscheduler({process}),
                lambda: os.sched_setscheduler({process}, os.SCHED_BATCH, os.sched_param(0))),
            changed(
                lambda: len(os.sched_getaffinity({process})) > 1,
                lambda: os.sched_setaffinity({process}, processor)),
            changed(
                lambda: call({ioprio_get}, 1, {process}),
                lambda: call({ioprio_set}, 1, {process}, 3 << 13)),
        ]
        print(passed)
        assert any(passed)""",
    "no kernel without these limits can be asked for": """
        import socket
        nursery = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nursery.connect({nursery!r})
        nursery.send(b'[]')
        assert nursery.recv(100)""",
    "the engine, the course and its solutions are not there": "import equipoise.labs",
    "system and libraries are read-only": "open(__import__('numpy').__file__, 'a')",
    **dict.fromkeys(lockdown.REFUSED_CALLS, SYSTEM_CALLS),
    YOUNGER: SYSTEM_CALLS,
    "no call by the numbers of another architecture": """
        import ctypes, mmap, os
        def x32():
            return ctypes.CDLL(None).syscall(0x40000000 | 39)
        def i386():
            code = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
            code.write(bytes.fromhex('b814000000cd80c3'))  # mov eax, 20; int 0x80; ret
            return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        passed = []
        for getpid in (x32, i386) if os.uname().machine == 'x86_64' else ():
            if os.fork() == 0:
                os._exit(7 if getpid() == os.getpid() else 0)
            if os.waitstatus_to_exitcode(os.wait()[1]) == 7:
                passed.append(getpid.__name__)
        print(*passed)
        if not passed:
            raise PermissionError('each of them is refused')""",
    "no typing into a terminal": """
        import ctypes, errno
        def refused(order):
            ctypes.CDLL(None, use_errno=True).ioctl(0, ctypes.c_ulong(order), None)
            return ctypes.get_errno() == errno.EPERM
        if all(map(refused, (0x5412, 0x5412 | 1 << 32, 0x541c))):  # TIOCSTI, the same to the kernel, TIOCLINUX
            raise PermissionError('each way is refused')""",
    "memory is limited": "x = bytearray(400_000_000)",
    "memory that processes share is limited": """
        import mmap
        shared = mmap.mmap(-1, 400_000_000)
        for page in range(0, len(shared), mmap.PAGESIZE):
            shared[page] = 1
        import time; time.sleep(1)""",
    "memory of a device is limited": """
        import mmap, os
        shared = mmap.mmap(os.open('/dev/zero', os.O_RDWR), 400_000_000)
        for page in range(0, len(shared), mmap.PAGESIZE):
            shared[page] = 1
        import time; time.sleep(1)""",
    "memory of several processes together is limited": """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                x = b'x' * 150_000_000
                time.sleep(20)
        time.sleep(6)""",
    "the number of processes is limited": """
        import os, time
        for _ in range(60):
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)""",
    "the size of a file is limited": "open('large', 'wb').write(bytes(6_000_000))",
    "the size of all files together is limited": """
        for n in range(30):
            open(f'part{n}', 'wb').write(bytes(1_000_000))
        import time; time.sleep(1)""",
    OUTPUT: "for _ in range(20): print('x' * 100_000)",
    "a cell's time is limited": "while True: pass",
    NOTEBOOK: f"import time; time.sleep({NOTEBOOK_SECONDS + 3})",
    OUTLIVES: "import subprocess; subprocess.Popen(['sleep', {stays!r}], start_new_session=True)",
}
# How a refused attempt ends; any other error says that it was not tried at all.
REFUSALS = """
    PermissionError OSError FileNotFoundError ConnectionRefusedError ConnectionResetError TimeoutError
    ProcessLookupError BlockingIOError ModuleNotFoundError MemoryError AssertionError KernelStopped Stopped
""".split()  # noqa: SIM905


@dataclass(frozen=True)
class Probe:
    """One thing that should be enforced, and what happened when it was tried."""

    what: str
    enforced: bool
    said: str


def explain(sandbox: Sandbox) -> list[Probe]:
    """Try everything. Raises SandboxError if the sandbox cannot be built."""
    with bait() as things, Nursery(sandbox, LIMITS, ("IPython", "numpy", "pandas")) as nursery:
        engine, things = Engine.of(nursery), things | {"nursery": nursery.address}
        # Each attempt has a kernel of its own: some of them end it.
        return [_tried(engine, what, filled(what, things), things) for what in ATTEMPTS]


class bait:
    """Things to reach for, if one could: sockets, a file, a variable, a process."""

    def __enter__(self) -> dict[str, object]:
        self.open = ExitStack()
        folder = self.open.enter_context(tempfile.TemporaryDirectory(prefix="equipoise-"))
        abstract = f"equipoise-{os.getpid()}"
        Path(folder, "secret").write_text("secret")
        process = self.open.enter_context(subprocess.Popen(["sleep", "600"]))
        self.open.callback(process.kill)
        server = self.open.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._listen(socket.SOCK_STREAM, f"\0{abstract}").listen()
        self._listen(socket.SOCK_STREAM, f"{folder}/stream").listen()
        self._listen(socket.SOCK_DGRAM, f"{folder}/datagram")
        os.environ["EQUIPOISE_BAIT"] = "secret"
        return {
            "port": server.getsockname()[1],
            "abstract": abstract,
            "stream": f"{folder}/stream",
            "datagram": f"{folder}/datagram",
            "secret": f"{folder}/secret",
            "variable": "EQUIPOISE_BAIT",
            "process": process.pid,
            "stays": f"{300 + os.getpid() / 1e6:.6f}",
        }

    def _listen(self, kind: int, address: str) -> socket.socket:
        listener = self.open.enter_context(socket.socket(socket.AF_UNIX, kind))
        listener.bind(address)
        return listener

    def __exit__(self, *error: object) -> None:
        self.open.close()
        del os.environ["EQUIPOISE_BAIT"]


def filled(what: str, things: Mapping[str, object]) -> str:
    """An attempt's code with the bait's addresses and this machine's numbers of system calls in it."""
    code = dedent(ATTEMPTS[what]).strip()
    numbers = {name: lockdown.call_number(name) for name in ("ioprio_get", "ioprio_set")}
    for name, value in {**things, **numbers, "calls": _calls(what)}.items():
        code = code.replace(f"{{{name}!r}}", repr(value)).replace(f"{{{name}}}", str(value))
    return code


def _calls(what: str) -> dict[str, tuple[int, ...]]:
    """The system calls that belong to an attempt, as this machine numbers them, with arguments."""
    if what == YOUNGER:
        return {str(number): (number, *NONSENSE) for number in lockdown.YOUNGER_CALLS}
    names = lockdown.REFUSED_CALLS.get(what, "").split()
    calls = {name: (number, *NONSENSE) for name in names if (number := lockdown.call_number(name)) >= 0}
    if "unshare" in calls:
        calls["clone"] = (lockdown.call_number("clone"), lockdown.CLONE_NEWUSER | CLONE_FS)
    return calls


def _tried(engine: Engine, what: str, code: str, things: Mapping[str, object]) -> Probe:
    if what == NOTEBOOK:
        engine = replace(engine, limits=replace(engine.limits, notebook_seconds=NOTEBOOK_SECONDS))
    cell, notes = _run(engine, code)
    if error := next((output for output in cell.outputs if output.output_type == "error"), None):
        said = f"{error.ename}: {error.evalue}"[:150] if error.evalue else "refused"
        return Probe(what, True, said) if error.ename in REFUSALS else Probe(what, False, f"could not be tried: {said}")
    if what == OUTLIVES and not any(things["stays"] in line for line in _command_lines()):
        return Probe(what, True, "what it started ended with it")
    if what == OUTPUT and any(note.kind is Kind.LIMIT for note in notes):
        return Probe(what, True, "the rest was left out")
    printed = " ".join(output.text.strip() for output in cell.outputs if output.output_type == "stream")
    return Probe(what, False, f"it was possible: {printed}"[:150] if printed else "it was possible")


def _command_lines() -> Iterator[str]:
    time.sleep(0.2)  # a killed process takes a moment to go
    for process in psutil.process_iter(["cmdline"]):
        yield " ".join(process.info["cmdline"] or [])


def _run(engine: Engine, code: str) -> tuple[NotebookNode, tuple[Note, ...]]:
    """The cell that holds ``code``, after it was run in a kernel of its own, and what is noted of it."""
    flags = {"grade": False, "solution": True, "locked": False, "task": False, "schema_version": 3}
    answer = flags | {"grade_id": "attempt", "cell_type": "code"}
    cell = new_code_cell(code, id="attempt", metadata={"nbgrader": answer})
    notebook = nbformat.writes(new_notebook(cells=[cell]))
    job = Job(lab="attempt", student="nobody", identity="", key=notebook, handed_in=notebook.encode())
    marked = engine.mark(job)
    return nbformat.reads(marked.notebook, as_version=4).cells[0], marked.notes
