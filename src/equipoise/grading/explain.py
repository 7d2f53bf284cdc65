"""What the sandbox enforces on this machine, found out by trying to break it.

Each attempt runs as a student's cell, in a kernel of the kind that marks; the limits are lowered for it, so that
trying takes seconds.
"""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import dedent

import nbformat
import psutil
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from equipoise.grading.execute import Engine, Job
from equipoise.grading.sandbox import Limits, Nursery, Sandbox

LIMITS = Limits(
    cell_seconds=8,
    notebook_seconds=60,
    memory_bytes=300_000_000,
    processes=20,
    file_bytes=5_000_000,
    disk_bytes=20_000_000,
)
SYSTEM_CALL = "import ctypes; assert ctypes.CDLL(None).syscall(*{numbers}[__import__('platform').machine()]) >= 0"
# Each attempt, as a sentence and the code that succeeds where nothing is enforced.
ATTEMPTS: Mapping[str, str] = {
    "no network connection to this machine": "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
    "no abstract socket of another process": (
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0' + {abstract!r})"
    ),
    "no file of the grader's in view": "open({secret!r}).read()",
    "no variable of the grader's environment": "import os; assert os.environ[{variable!r}]",
    "no other process in view": "open('/proc/{process}/status').read(); import os; os.kill({process}, 0)",
    "no kernel without these limits can be asked for": """
        import socket
        nursery = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nursery.connect({nursery!r})
        nursery.send(b'[]')
        assert nursery.recv(100)""",
    "the engine, the course and its solutions are not there": "import equipoise.labs",
    "system and libraries are read-only": "open(__import__('numpy').__file__, 'a')",
    "no new namespaces": "import os, ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "no looking into processes (ptrace)": "import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
    "no io_uring": SYSTEM_CALL.format(numbers={"x86_64": (425, 1, 0), "aarch64": (425, 1, 0)}),
    "no keys of the kernel's keyring": SYSTEM_CALL.format(
        numbers={"x86_64": (250, 0, -3, 1), "aarch64": (219, 0, -3, 1)}
    ),
    "no programs from memory (memfd)": "import os; os.memfd_create('x')",
    "memory is limited": "x = bytearray(400_000_000)",
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
    "a cell's time is limited": "while True: pass",
    "nothing outlives the kernel": "import subprocess; subprocess.Popen(['sleep', {stays!r}], start_new_session=True)",
}
OUTLIVES = "nothing outlives the kernel"


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
        return [_tried(engine, what, filled(code, things), things) for what, code in ATTEMPTS.items()]


class bait:
    """Things to reach for, if one could: a listener, a file, a variable, a process."""

    def __enter__(self) -> dict[str, object]:
        name = f"equipoise-{os.getpid()}"
        self.listeners = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self.listeners[1].bind("\0" + name)
        self.listeners[1].listen()
        self.file = tempfile.NamedTemporaryFile("w", prefix="equipoise-")
        self.file.write("secret")
        self.file.flush()
        os.environ["EQUIPOISE_BAIT"] = "secret"
        return {
            "port": self.listeners[0].getsockname()[1],
            "abstract": name,
            "secret": self.file.name,
            "variable": "EQUIPOISE_BAIT",
            "process": os.getpid(),
            "stays": f"{300 + os.getpid() / 1e6:.6f}",
        }

    def __exit__(self, *error: object) -> None:
        for listener in self.listeners:
            listener.close()
        self.file.close()
        del os.environ["EQUIPOISE_BAIT"]


def filled(code: str, things: Mapping[str, object]) -> str:
    """An attempt's code with the bait's addresses in it."""
    code = dedent(code).strip()
    for name, value in things.items():
        code = code.replace(f"{{{name}!r}}", repr(value)).replace(f"{{{name}}}", str(value))
    return code


def _tried(engine: Engine, what: str, code: str, things: Mapping[str, object]) -> Probe:
    cell = _run(engine, code)
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if what == OUTLIVES:
        alive = any(things["stays"] in line for line in _command_lines())
        return Probe(what, not alive, "a process that it started is still there" if alive else "ended with it")
    if errors:
        kind, message = errors[0].ename, errors[0].evalue
        return Probe(what, True, f"{kind}: {message}"[:150] if message else "refused")
    return Probe(what, False, "it was possible")


def _command_lines() -> Iterator[str]:
    time.sleep(0.2)  # a killed process takes a moment to go
    for process in psutil.process_iter(["cmdline"]):
        yield " ".join(process.info["cmdline"] or [])


def _run(engine: Engine, code: str) -> NotebookNode:
    """The cell that holds ``code``, after it was run in a kernel of its own."""
    flags = {"grade": False, "solution": True, "locked": False, "task": False, "schema_version": 3}
    answer = flags | {"grade_id": "attempt", "cell_type": "code"}
    cell = new_code_cell(code, id="attempt", metadata={"nbgrader": answer})
    notebook = nbformat.writes(new_notebook(cells=[cell]))
    job = Job(lab="attempt", student="nobody", identity="", key=notebook, handed_in=notebook.encode())
    return nbformat.reads(engine.mark(job).notebook, as_version=4).cells[0]
