"""One submission from bytes to marks: repaired, run in the sandbox, its tests answered from outside.

Two processes share the work. The student's kernel runs the student's cells and the lab's; the checker runs the tests
and asks the kernel for what they name. Neither sees the other's memory, and only the checker's verdict counts.

A cell that runs too long or stops the kernel costs what depends on it: the kernel is started again, the cells that
had gone well are run once more, and marking goes on.
"""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from queue import Empty
from typing import Any

import nbformat
import zmq
import zmq.asyncio
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution

from equipoise.grading import outputs
from equipoise.grading.harden import Hardened, Kind, Note, harden
from equipoise.grading.inside.names import bound_names, free_names, independent
from equipoise.grading.kernels import KERNEL_NAME
from equipoise.grading.sandbox import ENVIRONMENT, Launched, Limits, Nursery, SandboxError, launch

SERVE = "%answer-a-test"  # the request at which a kernel answers a test (inside/student.py)
BESIDE, COURSE = "beside", "course"  # the checker's folders: what lies beside the notebook, and nowhere near it ours
MOST_RESTARTS = 3
GRACE_SECONDS = 3.0  # between an interrupt and the end
LOOK_SECONDS = 0.25  # between two looks at whether the kernel still lives
START_SECONDS = 30
LONGEST_MESSAGE = 2000  # characters of an error
DEATHS = {
    "memory": "used more memory than the {memory} MB that a submission may use",
    "processes": "started more processes than a submission may",
    "disk": "filled more than the {disk} MB of disk that a submission may use",
    "lost": "was lost",
}
ENFORCED = {
    "bubblewrap": ("no network", "no files but its own", "no other processes", "limits", "tests in another process"),
    "landlock": ("no network", "no files but its own", "limits", "tests in another process"),
}


@dataclass(frozen=True)
class Job:
    """One submission and all that is needed to mark it, as plain data: it may travel to another machine."""

    lab: str
    student: str
    identity: str  # the hash of everything that can change the result
    key: str  # the lab's notebook with its tests, as JSON
    handed_in: bytes | None
    files: Mapping[str, bytes] = field(default_factory=dict)  # the folder beside the notebook
    course: Mapping[str, bytes] = field(default_factory=dict)  # what hidden tests draw their cohorts from
    secret: str = ""  # the class's, from which hidden seeds follow


@dataclass(frozen=True)
class Marked:
    """What came of a job. ``notebook`` is the executed notebook as JSON; ``scores`` has every test."""

    student: str
    identity: str
    notebook: str
    scores: Mapping[str, float]
    notes: tuple[Note, ...]
    answered: frozenset[str]  # the answers that differ from their stub


@dataclass(frozen=True)
class Engine:
    """Marks submissions with kernels from one nursery. Plain data, so that several processes can share the nursery."""

    address: str
    sandbox: str
    limits: Limits

    @classmethod
    def of(cls, nursery: Nursery) -> Engine:
        return cls(nursery.address, nursery.kind, nursery.limits)

    def mark(self, job: Job) -> Marked:
        """Mark one submission. Raises SandboxError if the nursery is gone; nothing that a student does raises."""
        key = nbformat.reads(job.key, as_version=4)
        hardened = harden(key, job.handed_in)
        return asyncio.run(_Marking(self, job, hardened).marked())


class Overrun(Exception):
    """A cell ran longer than it may."""


class Died(Exception):
    """The kernel ended while a cell ran."""


class _Marking:
    """The state of marking one submission."""

    def __init__(self, engine: Engine, job: Job, hardened: Hardened):
        self.engine, self.job, self.limits = engine, job, engine.limits
        self.notebook, self.notes, self.readable = hardened.notebook, list(hardened.notes), hardened.readable
        self.tests: dict[str, dict] = {}
        self.cost = {"seconds": 0.0, "cpu_seconds": 0.0, "peak_bytes": 0}
        self.start, self.restarts, self.stopped = time.monotonic(), 0, ""
        self.room = engine.limits.kept_bytes  # for what the cells to come put out
        self.passed_cells: list[NotebookNode] = []  # to be run again if the kernel has to be started again
        self.student: _Student | None = None
        self.checker: _Checker | None = None

    async def marked(self) -> Marked:
        if self.readable:
            try:
                await self._run_all()
            finally:
                await self._end()
        else:
            self._give_nothing(self.notes[0].text if self.notes else "the submission could not be read")
        return self._result()

    async def _run_all(self) -> None:
        await self._begin()
        for cell in self.notebook.cells:
            if cell.cell_type != "code":
                continue
            if _is_display(cell):
                self._keep(cell)
            elif self.stopped:
                self._skip(cell)
            elif _is_test(cell):
                await self._test(cell)
            else:
                await self._run(cell)
            if self._left() <= 0 and not self.stopped:
                self._stop(f"the notebook used up its {self.limits.notebook_seconds} seconds", Kind.LIMIT)

    # ---- the student's cells

    async def _run(self, cell: NotebookNode) -> None:
        try:
            await self._execute(cell, min(self.limits.cell_seconds, self._left()))
        except Overrun:
            await self._overran(cell)
        except Died as death:
            await self._died(cell, str(death))
        else:
            self.passed_cells.append(cell)

    async def _execute(self, cell: NotebookNode, seconds: float | None, source: str | None = None) -> None:
        """Run a cell and keep what it put out, however it ended. Raises Overrun or Died."""
        student = self.student
        try:
            await student.execute(cell, seconds, source)
        finally:
            if student.cut:
                where = "while this test ran, the code above" if source == SERVE else "this cell"
                self._note(cell, Kind.LIMIT, f"{where} printed more than is kept; the rest was left out")
            self._keep(cell)

    def _keep(self, cell: NotebookNode) -> None:
        """Make what a cell put out harmless, at once; when the notebook has put out its share, keep errors alone.

        Raw output is larger than what is kept of it, so no more than one cell's is ever held.
        """
        cell.outputs = outputs.clean(cell.outputs)
        if cell.outputs and self.room > 0:
            self.room -= len(json.dumps(cell.outputs))
            if self.room <= 0:
                megabytes = self.limits.kept_bytes / 1_000_000
                text = f"the notebook has put out more than {megabytes:g} MB; from this cell on, only errors are kept"
                self._note(cell, Kind.LIMIT, text)
        if self.room <= 0:
            errors = [output for output in cell.outputs if output.output_type == "error"]
            cell.outputs = []
            for error in errors[-1:]:  # of a cell that ends with one, the last
                _show_error(cell, error.ename, outputs.plain(error.evalue, LONGEST_MESSAGE))

    async def _overran(self, cell: NotebookNode) -> None:
        text = f"ran longer than {self.limits.cell_seconds} seconds and was stopped"
        _show_error(cell, "Stopped", f"This cell {text}")
        self._note(cell, Kind.LIMIT, f"this cell {text}")
        if not await self.student.interrupted():
            await self._restart()

    async def _died(self, cell: NotebookNode, reason: str) -> None:
        text = f"the kernel {reason} while this cell ran"
        _show_error(cell, "KernelStopped", text[0].upper() + text[1:])
        self._note(cell, Kind.KILLED, f"{text}; the cells below ran without it")
        await self._restart()

    # ---- tests

    async def _test(self, cell: NotebookNode) -> None:
        name = cell.metadata.nbgrader.grade_id
        try:
            outcome = await self._verdict(cell, name)
        except Overrun:
            outcome = _failed(f"this test took longer than {self.limits.cell_seconds} seconds with your code")
            self._note(cell, Kind.LIMIT, "this test took too long with the code above and was stopped")
            await self._restart()
        except Died as death:
            outcome = _failed(f"your notebook's kernel {death} while this test ran")
            self._note(cell, Kind.KILLED, f"the kernel {death} while this test ran")
            await self._restart()
        self._record(cell, outcome)

    async def _verdict(self, cell: NotebookNode, name: str) -> dict:
        """What the checker says, while the student's kernel answers it."""
        served = asyncio.ensure_future(self._execute(cell, None, SERVE))
        said = asyncio.ensure_future(self.checker.verdict(name))
        seconds = max(0.0, min(self.limits.cell_seconds, self._left()))
        try:
            await asyncio.wait({served, said}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if served.done() and served.exception():
                raise served.exception()
            if not said.done():
                await asyncio.wait({said}, timeout=max(0.0, seconds if served.done() else 0))
            if not said.done():
                self.student.launched.interrupt()
                await asyncio.wait({said}, timeout=GRACE_SECONDS)
                raise Overrun
            await asyncio.wait({served}, timeout=GRACE_SECONDS)
            if not served.done():
                raise Overrun
            served.result()
            return said.result()
        finally:
            for task in (served, said):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    def _record(self, cell: NotebookNode, outcome: dict) -> None:
        worth = float(cell.metadata.nbgrader.points)
        message = None if outcome["passed"] else outputs.plain(outcome["message"], LONGEST_MESSAGE)
        cell.outputs = [_as_printed(output) for output in cell.outputs if output.output_type == "stream"]
        if message is not None:
            _show_error(cell, outcome["type"], message)
        self.tests[cell.metadata.nbgrader.grade_id] = {
            "points": worth if outcome["passed"] else 0.0,
            "of": worth,
            "message": message,
            "seconds": round(outcome["seconds"], 3),
        }

    def _skip(self, cell: NotebookNode) -> None:
        cell.outputs = []
        if _is_test(cell):
            self._record(cell, _failed(f"not run: {self.stopped}"))

    def _give_nothing(self, reason: str) -> None:
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
            if _is_test(cell):
                self._record(cell, _failed(f"not run: {reason}"))

    # ---- processes

    async def _begin(self) -> None:
        files = {f"{BESIDE}/{name}": content for name, content in self.job.files.items()}
        files |= {f"{COURSE}/{name}": content for name, content in self.job.course.items()}
        self.checker = _Checker(self.engine.address, _program(self.job.key), files, self.job.secret)
        await self._start_student()

    async def _start_student(self) -> None:
        self.student = _Student(self.notebook, self.limits)
        line = await self.student.start(self.engine.address, self.job.files)
        with line:
            self.checker.attach(line)

    async def _restart(self) -> None:
        """A new kernel and a new checker, with the state that the cells above had left, as far as it can be had."""
        await self._end()
        self.restarts += 1
        if self.restarts > MOST_RESTARTS:
            self._stop("the kernel had to be started again too often", Kind.KILLED)
            return
        await self._begin()
        for cell in self.passed_cells:
            copy = nbformat.from_dict({**cell, "outputs": []})
            try:
                await self.student.execute(copy, min(self.limits.cell_seconds, self._left()))
            except (Overrun, Died):
                await self._end()
                self._stop("the kernel stopped again when the cells above were run once more", Kind.KILLED)
                return

    async def _end(self) -> None:
        for process in (self.student, self.checker):
            if process is not None:
                report = await process.end()
                self.cost["cpu_seconds"] += report["cpu_seconds"]
                self.cost["peak_bytes"] = max(self.cost["peak_bytes"], report["peak_bytes"])
        self.student = self.checker = None

    def _stop(self, reason: str, kind: Kind) -> None:
        self.stopped = reason
        self.notes.append(Note(None, kind, f"Marking stopped early: {reason}"))

    def _left(self) -> float:
        return self.limits.notebook_seconds - (time.monotonic() - self.start)

    def _note(self, cell: NotebookNode, kind: Kind, text: str) -> None:
        self.notes.append(Note(cell.metadata.get("nbgrader", {}).get("grade_id"), kind, text[0].upper() + text[1:]))

    # ---- the result

    def _result(self) -> Marked:
        self.cost["seconds"] = round(time.monotonic() - self.start, 3)
        self.cost["cpu_seconds"] = round(self.cost["cpu_seconds"], 3)
        self.notebook.metadata["equipoise"] = {
            "lab": self.job.lab,
            "identity": self.job.identity,
            "sandbox": str(self.engine.sandbox),
            "enforced": list(ENFORCED[self.engine.sandbox]),
            "notes": [asdict(note) for note in self.notes],
            "tests": self.tests,
            "cost": self.cost,
        }
        return Marked(
            student=self.job.student,
            identity=self.job.identity,
            notebook=nbformat.writes(self.notebook),
            scores={name: test["points"] for name, test in self.tests.items()},
            notes=tuple(self.notes),
            answered=frozenset(_answered(self.notebook)),
        )


class _Student(NotebookClient):
    """The student's kernel, as nbclient drives one, with limits on time and on what comes back."""

    def __init__(self, notebook: NotebookNode, limits: Limits):
        self.folder = tempfile.TemporaryDirectory(prefix="equipoise-")
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.SNDTIMEO, 0)  # a line that the kernel has spoilt takes nothing, and would be waited for
        manager = AsyncKernelManager(
            kernel_name=KERNEL_NAME,
            transport="ipc",
            ip=f"{self.folder.name}/kernel",
            connection_file=f"{self.folder.name}/connection.json",
            context=context,
        )
        super().__init__(notebook, km=manager, record_timing=False)
        self.reset_execution_trackers()
        self.clear_before_next_output = False
        self.limits, self.printed, self.cut = limits, 0, False

    async def start(self, address: str, files: Mapping[str, bytes]) -> socket.socket:
        """Start the kernel; return the checker's end of the line between the two."""
        near, far = socket.socketpair()
        with near:
            await self.km.start_kernel(address=address, files=files, line=near.fileno())
        self.kc = self.km.client(context=self.km.context)  # else it makes one of its own, which waits
        self.kc.start_channels(hb=False, stdin=False, control=False)
        try:
            async with asyncio.timeout(START_SECONDS):
                while (await self._message())["msg_type"] != "iopub_welcome":
                    continue
        except (TimeoutError, Died):
            raise SandboxError("a kernel did not start; see what the sandbox says with --explain-sandbox") from None
        return far

    @property
    def launched(self) -> Launched | None:
        return self.km.provisioner.launched

    async def execute(self, cell: NotebookNode, seconds: float | None, source: str | None = None) -> None:
        """Run a cell and collect its outputs. Raises Overrun or Died."""
        cell.outputs, self.printed, self.cut = [], 0, False
        request = self._send(source or cell.source)
        try:
            async with asyncio.timeout(seconds):
                while await self._take(cell, request):
                    continue
        except TimeoutError:
            raise Overrun from None

    async def interrupted(self) -> bool:
        """Interrupt the cell that runs; whether the kernel came back."""
        self.launched.interrupt()
        try:
            request = self._send("", silent=True)
            async with asyncio.timeout(GRACE_SECONDS):
                while await self._take(NotebookNode(outputs=[]), request):
                    continue
        except (TimeoutError, Died):
            return False
        return True

    def _send(self, source: str, *, silent: bool = False) -> str:
        """Ask the kernel to run something. Raises Died if nothing can reach it any more."""
        try:
            return self.kc.execute(source, silent=silent, allow_stdin=False, stop_on_error=False)
        except zmq.Again:
            raise Died("broke off its own connection") from None

    async def _take(self, cell: NotebookNode, request: str) -> bool:
        """Take the next message into ``cell``; False once the request is done."""
        message = await self._message()
        try:
            if message["parent_header"].get("msg_id") != request:
                return True
            self._count(message)
            message["content"].pop("transient", None)  # by which it could change what another cell has put out
            if not self.cut or message["msg_type"] == "status":
                self.process_message(message, cell, 0)
        except CellExecutionComplete:
            return False
        except Exception:  # a forged message; it is as if it had not come
            return True
        return True

    def _count(self, message: Mapping[str, Any]) -> None:
        """Beyond the limit, nothing more is kept."""
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self.printed += len(json.dumps(message["content"]))
            self.cut = self.cut or self.printed > self.limits.output_bytes

    def handle_comm_msg(self, *ignored: Any) -> None:
        """Widgets need a browser; marking has none."""

    async def _message(self) -> Mapping[str, Any]:
        """The next message. Raises Died when there is none and the kernel has ended."""
        while True:
            try:
                return await self.kc.get_iopub_msg(timeout=LOOK_SECONDS)
            except Empty:
                if report := self.launched.poll():
                    reason = DEATHS.get(report["reason"], "stopped")
                    megabytes = {"memory": self.limits.memory_bytes, "disk": self.limits.disk_bytes}
                    raise Died(reason.format(**{k: v // 1_000_000 for k, v in megabytes.items()})) from None
            except Died:
                raise
            except Exception:  # not signed, or no message at all
                continue

    async def end(self) -> dict:
        """End the kernel, if it ever started, and everything that it started; return what it used."""
        report = None
        if self.kc:
            self.kc.stop_channels()
        if self.km.provisioner and (launched := self.launched):
            launched.kill()
            report = await asyncio.to_thread(launched.wait, GRACE_SECONDS)
            await self.km.provisioner.cleanup()
        self.km.context.destroy(linger=0)
        self.folder.cleanup()
        return report or {"cpu_seconds": 0.0, "peak_bytes": 0}


class _Checker:
    """The process that runs the tests."""

    def __init__(self, address: str, program: Mapping, files: Mapping[str, bytes], secret: str):
        self.control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setblocking(False)
        environment = ENVIRONMENT | {"EQUIPOISE_COURSE": f"../{COURSE}", "EQUIPOISE_SECRET": secret}
        with far:
            spec = {"role": "checker", "environment": environment, "folder": BESIDE, **program}
            try:
                self.launched = launch(address, spec, files, {"control": far.fileno()})
            except SandboxError:
                self.control.close()
                raise

    def attach(self, line: socket.socket) -> None:
        """Give it its end of the line to the student's kernel; if it has ended, the next verdict says so."""
        self.control.setblocking(True)
        with suppress(OSError):
            self.control.send(b"line")
            socket.send_fds(self.control, [b"here"], [line.fileno()])
        self.control.setblocking(False)

    async def verdict(self, name: str) -> dict:
        """Run one test. Raises Died if the checker ends instead, which a hostile value may cause."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self.control, name.encode())
            return json.loads(await loop.sock_recv(self.control, 1 << 16))
        except (OSError, ValueError):
            raise Died("made the test's own process stop") from None

    async def end(self) -> dict:
        self.launched.kill()
        report = await asyncio.to_thread(self.launched.wait, GRACE_SECONDS)
        self.launched.close()
        self.control.close()
        return report or {"cpu_seconds": 0.0, "peak_bytes": 0}


@lru_cache(maxsize=4)  # a class has one
def _program(key: str) -> dict[str, Any]:
    """What the checker runs: the tests, and of the lab's locked cells those that tests rest on."""
    cells = nbformat.reads(key, as_version=4).cells
    code = [(place, cell) for place, cell in enumerate(cells) if cell.cell_type == "code"]
    tests = [(place, cell) for place, cell in code if _is_test(cell)]
    given = [(place, cell) for place, cell in code if is_locked(cell) and not is_grade(cell)]
    locked = [(place, cell.source) for place, cell in given if not _is_display(cell)]
    alone = [one for one, free in zip(locked, independent(source for _, source in locked), strict=True) if free]
    return {
        "setup": _needed(alone, (cell.source for _, cell in tests)),
        "tests": {cell.metadata.nbgrader.grade_id: [place, cell.source] for place, cell in tests},
    }


def _needed(cells: Iterable[tuple[int, str]], tests: Iterable[str]) -> list[tuple[int, str]]:
    """Of the cells, those that bind a name which a test uses, directly or through another of them."""
    names, needed = set().union(*map(free_names, tests)), []
    for place, source in reversed(list(cells)):
        if bound_names(source) & names:
            names |= free_names(source)
            needed.append((place, source))
    return needed[::-1]


def _is_test(cell: NotebookNode) -> bool:
    return is_grade(cell) and not is_solution(cell)


def _is_display(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("equipoise", {}).get("display"))


def _answered(notebook: NotebookNode) -> Iterable[str]:
    for cell in notebook.cells:
        if is_solution(cell) and cell.metadata.nbgrader.get("checksum") != compute_checksum(cell):
            yield cell.metadata.nbgrader.grade_id


def _failed(message: str) -> dict:
    return {"passed": False, "type": "AssertionError", "message": message, "seconds": 0.0}


def _as_printed(output: NotebookNode) -> NotebookNode:
    """nbgrader takes anything on stderr in a test for a failure; a library's warning is none."""
    return new_output("stream", name="stdout", text=outputs.plain(output.text))


def _show_error(cell: NotebookNode, kind: str, message: str) -> None:
    cell.outputs.append(new_output("error", ename=kind, evalue=message, traceback=[f"{kind}: {message}"]))
