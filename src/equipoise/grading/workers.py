"""Marking in several processes of this machine, so that whatever happens to one of them costs at most its submission.

Each process marks one submission at a time and owns nothing: it gets a job as bytes and answers with bytes. One that
dies, or takes longer than any submission may, is replaced, and its submission is tried once more.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Protocol

from equipoise.grading.parcels import pack_marked, unpack_job, with_remarks

if TYPE_CHECKING:
    from equipoise.grading.execute import Job, Marked

WORKER_BYTES = 2_000_000_000  # a worker reads what kernels print; a flood must end there and not in the machine
PRELOAD = ["equipoise.lean", "equipoise.grading.execute"]
OUT_OF_MEMORY = 77  # a worker's exit code
TRIES = 2
START_SECONDS = 300
READY, MARKED, PROBLEM = b"r", b"m", b"p"  # how a worker's message begins


class Engine(Protocol):
    """Anything that marks, and that can be pickled to be used in another process."""

    def mark(self, job: Job) -> Marked: ...


@dataclass
class Task:
    """A packed job, and how often it was tried."""

    student: str
    data: bytes
    tries: int = 0


@dataclass(frozen=True)
class Outcome:
    """A packed mark, or the reason why there is none."""

    student: str
    data: bytes | None = None
    problem: str = ""


class WorkersError(Exception):
    """No worker can be started; the message says why."""


def usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def get_ready() -> None:
    """Have the process that workers are forked from import what they need, while the grader does something else."""
    forkserver.set_forkserver_preload(PRELOAD)
    with _uninterrupted():
        forkserver.ensure_running()


def answer(engine: Engine, data: bytes) -> bytes:
    """Mark one packed job. A flaw of the engine's is a problem with this submission, not the end of a class."""
    job, remarks = unpack_job(data)
    try:
        return MARKED + pack_marked(with_remarks(engine.mark(job), remarks))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # nobody knows what the process has lost
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return PROBLEM + f"The marking engine failed ({what}).".encode()


def outcome(student: str, message: bytes) -> Outcome:
    """An answer, as the grader's side sees it."""
    if message[:1] == MARKED:
        return Outcome(student, message[1:])
    return Outcome(student, problem=message[1:].decode())


def run(engine: Engine, tasks: Iterable[Task], size: int, patience: float) -> Iterator[Outcome]:
    """Mark ``tasks`` in ``size`` processes; yield each outcome as it comes. Closing ends all processes at once.

    ``tasks`` is read only as fast as they are marked. ``patience`` is the most seconds for one of them. Raises
    WorkersError.
    """
    crew = _Crew(engine, iter(tasks), patience)
    try:
        for _ in range(size):
            crew.hire()
        while crew.workers:
            yield from crew.listen()
    finally:
        for worker in crew.workers:
            worker.dismiss()


class _Crew:
    """The workers, and what waits for them."""

    def __init__(self, engine: Engine, tasks: Iterator[Task], patience: float):
        self.engine, self.tasks, self.patience = engine, tasks, patience
        self.again: deque[Task] = deque()
        self.workers: list[_Worker] = []
        self.stillborn = 0  # workers that died before they were ready, one after the other

    def hire(self) -> None:
        self.workers.append(_Worker(self.engine, self.patience))

    def listen(self) -> Iterator[Outcome]:
        """Wait until a worker says something, or should have."""
        until = min(worker.deadline for worker in self.workers)
        spoken = wait([worker.line for worker in self.workers], max(0.0, until - time.monotonic()))
        for worker in list(self.workers):
            if worker.line in spoken:
                yield from self._hear(worker)
            elif time.monotonic() > worker.deadline and not worker.line.poll():
                yield from self._replace(worker, f"did not answer in {worker.allowed():g} s")

    def _hear(self, worker: _Worker) -> Iterator[Outcome]:
        try:
            message = worker.line.recv_bytes()
        except (EOFError, OSError):
            yield from self._replace(worker, worker.cause_of_death())
            return
        self.stillborn, done = 0, worker.task
        yield from self._employ(worker)  # first, so that it works while the mark is written
        if done:
            yield outcome(done.student, message)

    def _employ(self, worker: _Worker) -> Iterator[Outcome]:
        """Give the next task, or the sack if there is none."""
        task = self.again.popleft() if self.again else next(self.tasks, None)
        worker.task = task
        if task is None:
            self.workers.remove(worker)
            worker.dismiss()
        elif not worker.give(task):
            yield from self._replace(worker, worker.cause_of_death())

    def _replace(self, worker: _Worker, cause: str) -> Iterator[Outcome]:
        self.workers.remove(worker)
        worker.dismiss()
        task = worker.task
        if task is None:
            self.stillborn += 1
            if self.stillborn > 2:
                raise WorkersError(f"The processes that mark {cause} while they start. Nothing more was marked.")
        elif task.tries < TRIES:
            self.again.append(task)
        else:
            yield Outcome(task.student, problem=f"The process that marked it {cause}, {TRIES} times.")
        self.hire()


class _Worker:
    """One process, and the line to it."""

    def __init__(self, engine: Engine, patience: float):
        context = get_context("forkserver")  # a dead worker's successor need not import everything again
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, engine), daemon=True)
        with _uninterrupted():
            self.process.start()
        theirs.close()
        self.patience, self.deadline = patience, time.monotonic() + START_SECONDS
        self.task: Task | None = None

    def give(self, task: Task) -> bool:
        """Send a task; False if the worker is dead."""
        task.tries += 1
        self.deadline = time.monotonic() + self.patience
        try:
            self.line.send_bytes(task.data)
        except OSError:
            return False
        return True

    def allowed(self) -> float:
        """The seconds that it had for what it was doing."""
        return self.patience if self.task else START_SECONDS

    def cause_of_death(self) -> str:
        self.process.join(5)
        code = self.process.exitcode
        if code == OUT_OF_MEMORY:
            return "ran out of memory"
        if code == -signal.SIGKILL:
            return "was killed (perhaps for want of memory)"
        return f"ended with code {code}"

    def dismiss(self) -> None:
        self.line.close()
        self.process.kill()
        self.process.join()
        self.process.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal; those that are starting leave it to the grader's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(line: Connection, engine: Engine) -> None:
    """All that a worker does."""
    signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which programs that are started here would inherit
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_the_grader, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_DATA, (WORKER_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    line.send_bytes(READY)
    with suppress(EOFError, OSError):
        while True:
            line.send_bytes(answer(engine, line.recv_bytes()))


def _end_with_the_grader() -> None:
    wait([parent_process().sentinel])
    os._exit(1)
