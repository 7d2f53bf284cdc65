"""Marking on several machines, through a scheduler of Dask's distributed.

A worker there needs the installed wheel and nothing else: engine settings, jobs and marks travel as bytes. Dask gives
a task whose worker died to another one; the marks are still written by one process, the grader's.
"""

from __future__ import annotations

import atexit
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import cache
from itertools import islice
from uuid import uuid4

from equipoise.grading.plan import environment
from equipoise.grading.workers import PROBLEM, Engine, Outcome, Task, WorkersError, answer, outcome

CONNECT_SECONDS = 30  # without any worker, at the beginning or later
POLL_SECONDS = 0.02
LOST = "The connection to the scheduler was lost. What was marked before is kept."
Opener = Callable[[], AbstractContextManager[tuple[Engine, Callable[[], None]]]]  # with what waits until it is ready


def run(opener: Opener, tasks: Iterable[Task], address: str) -> Iterator[Outcome]:
    """Mark ``tasks`` on the workers of the scheduler at ``address``; yield each outcome as it comes.

    ``opener`` opens an engine; each worker calls it once. Raises WorkersError.
    """
    from distributed import Client, as_completed

    with ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address, timeout=CONNECT_SECONDS, set_as_default=False))
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            threads = max(1, sum(client.nthreads().values()))
        except (OSError, TimeoutError) as error:
            why = "no worker has joined it" if isinstance(error, TimeoutError) else error
            raise WorkersError(f"The scheduler at {address} cannot be used: {why}.") from None
        engine, tasks = pickle.dumps((opener, environment())), iter(tasks)
        names: dict[str, str] = {}

        def submit(task: Task):
            future = client.submit(mark, engine, task.data, key=f"equipoise-{uuid4()}", pure=False)
            names[future.key] = task.student
            return future

        first = [submit(task) for task in islice(tasks, 2 * threads)]
        running = as_completed(first, loop=client.loop, with_results=True, raise_errors=False)
        del first
        for future, result in _finished(running, client):
            for task in islice(tasks, 1):
                running.add(submit(task))
            yield _outcome(names.pop(future.key), result)
            del future, result  # which may leave the worker's memory, and ours


def _finished(running, client) -> Iterator[tuple]:
    """The futures in ``running`` with their results, as they arrive. Raises WorkersError when nobody works on them.

    Nothing else here may wait for a result: one that a dead worker still had is made again by another, or never.
    """
    asked = manned = time.monotonic()
    while not running.is_empty():
        if running.has_ready():
            yield next(running)
            asked = manned = time.monotonic()
            continue
        time.sleep(POLL_SECONDS)
        if time.monotonic() > asked + 1:
            asked = time.monotonic()
            manned = asked if _workers(client) else manned
        if asked > manned + CONNECT_SECONDS:
            raise WorkersError(
                f"The scheduler has had no worker for {CONNECT_SECONDS} s. What was marked before is kept. Start a"
                " worker and run the same command again."
            )


def _workers(client) -> int:
    try:
        return len(client.nthreads())
    except (CancelledError, OSError, TimeoutError):
        raise WorkersError(LOST) from None


def _outcome(student: str, result: object) -> Outcome:
    """What Dask gives as a result: an answer, an exception with its type and traceback, or that it was lost."""
    if isinstance(result, bytes):
        return outcome(student, result)
    if isinstance(result, BaseException):
        raise WorkersError(LOST)
    _, error, _ = result
    return Outcome(student, problem=f"Its marking failed on the cluster ({type(error).__name__}: {error}).")


# ---- on a worker ----------------------------------------------------------------------------------------------------

_here = cache(environment)
_lock = threading.Lock()
_resident: tuple[bytes, Engine, ExitStack] | None = None


def mark(engine: bytes, data: bytes) -> bytes:
    """Mark one packed job with the engine that ``engine`` opens, which stays open for the next one."""
    opener, wanted = pickle.loads(engine)  # from the grader, whom a worker obeys anyhow
    if wanted != _here():
        return PROBLEM + f"A worker has other versions than the grader: {_here()}.".encode()
    return answer(_opened(engine, opener), data)


def _opened(key: bytes, opener: Opener) -> Engine:
    global _resident
    with _lock:
        if _resident is None or _resident[0] != key:
            _close()
            with ExitStack() as stack:  # closes a sandbox that cannot be built
                engine, wait = stack.enter_context(opener())
                wait()
                _resident = key, engine, stack.pop_all()
        return _resident[1]


@atexit.register
def _close() -> None:
    if _resident:
        with suppress(Exception):
            _resident[2].close()
