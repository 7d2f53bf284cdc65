"""How a class of 10,000 would scale to 64 workers, and where its one writer saturates.

Run: python benchmarks/scaling.py [--postgresql URL], the address of an empty database. Nobody has 64 machines at hand,
so this simulates them, fed with times that are measured here first: marking real submissions with the real engine,
preparing jobs, and writing marks to a real gradebook. The table is written to benchmarks/scaling.md.

What is simulated is the grader's loop (``grading/workers.py``): whoever finishes first is heard first, gets the next
job, and only then is the mark written. Workers do not slow each other down, as on machines of their own; sending
jobs over a network is not counted. Since all times are of one machine and one run, read the ratios.
"""

import argparse
import heapq
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook

from equipoise import demo
from equipoise.content import find_root, load_lab
from equipoise.grading.execute import Marked
from equipoise.grading.parcels import unpack_job
from equipoise.grading.run import Classroom, _Run, engine_for, modules
from equipoise.grading.writer import Writer

LAB = "pulse-oximetry"
SUBMISSIONS = 10_000
WORKERS = (1, 2, 4, 8, 16, 32, 64)
ROUNDS = 4  # of marking the example class; the first is not counted
WRITTEN = 300


@dataclass(frozen=True)
class Times:
    """Seconds that one submission takes, one number for each that was measured."""

    mark: Sequence[float]  # of a worker
    prepare: Sequence[float]  # of the grader: read a folder, pack the job
    write: Sequence[float]  # of the grader: enter a mark and put the files in place


@dataclass(frozen=True)
class Outcome:
    seconds: float
    writer_busy: float  # share of the time
    workers_busy: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--postgresql", metavar="URL", help="the address of an empty database")
    url = options.parse_args().postgresql
    with tempfile.TemporaryDirectory(prefix="equipoise-") as scratch:
        room, lab = example_class(Path(scratch))
        mark, prepare, marked = marking_times(room, lab)
        stores = {"SQLite": room.url} | ({"PostgreSQL": url} if url else {})
        times = {name: Times(mark, prepare, writing_times(room, lab, where, marked)) for name, where in stores.items()}
    text = "\n".join(["# 10,000 submissions on 1 to 64 workers, simulated", *report(times)])
    (Path(__file__).parent / "scaling.md").write_text(f"{text}\n", encoding="utf-8")
    print(text)


# ---- measure --------------------------------------------------------------------------------------------------------


def example_class(folder: Path) -> tuple[Classroom, object]:
    course, lab = load_lab(find_root(), LAB)
    room = Classroom(course, folder / "class")
    room.release(lab)
    demo.hand_in_examples(room, lab)
    return room, lab


def marking_times(room: Classroom, lab) -> tuple[list[float], list[float], Marked]:
    """Seconds to mark, seconds to prepare a job, and one mark."""
    mark, prepare = [], []
    with engine_for(room.sandbox, room.limits, modules(lab)) as (engine, wait):
        wait()
        for number in range(ROUNDS):
            tasks = _Run(room, room.plan(lab, force=True)).tasks()
            for task, seconds in timed(tasks):
                prepare += [seconds] if number else []
                job, _ = unpack_job(task.data)
                start = time.perf_counter()
                marked = engine.mark(job)
                mark += [time.perf_counter() - start] if number else []
    return mark, prepare[1::2], marked  # without the first, which also builds the key


def timed(things: Iterator) -> Iterator[tuple[object, float]]:
    start = time.perf_counter()
    for thing in things:
        yield thing, time.perf_counter() - start
        start = time.perf_counter()


def writing_times(room: Classroom, lab, url: str, marked: Marked) -> list[float]:
    """Seconds to write the marks of students who are new to the gradebook."""
    if url != room.url:
        copy_release(room, lab, url)
    files = room.plan(lab).files
    with Writer(room.root, url, room.config, lab.slug) as writer:
        seconds = []
        for number in range(WRITTEN):
            start = time.perf_counter()
            writer.write(Marked(**vars(marked) | {"student": f"student{number}"}), files, "")
            seconds.append(time.perf_counter() - start)
    return seconds[WRITTEN // 10 :]


def copy_release(room: Classroom, lab, url: str) -> None:
    """Enter the lab in another gradebook, as it was released in the first."""
    with Gradebook(room.url, "equipoise") as ours, Gradebook(url, "equipoise") as other:
        notebook = ours.find_notebook(lab.slug, lab.slug)
        other.update_or_create_assignment(lab.slug)
        other.update_or_create_notebook(lab.slug, lab.slug)
        for cell in notebook.grade_cells:
            facts = {"max_score": cell.max_score, "cell_type": cell.cell_type}
            other.update_or_create_grade_cell(cell.name, lab.slug, lab.slug, **facts)
        for cell in notebook.solution_cells:
            other.update_or_create_solution_cell(cell.name, lab.slug, lab.slug)


# ---- simulate -------------------------------------------------------------------------------------------------------


def simulate(times: Times, workers: int, submissions: int, seed: int = 0) -> Outcome:
    """The grader's loop: ``workers`` mark, one process prepares jobs and writes marks."""
    dice = random.Random(seed)
    now, writing, marking = 0.0, 0.0, 0.0
    waiting, finished = submissions, []

    def employ() -> None:
        nonlocal now, waiting, marking
        if waiting:
            waiting -= 1
            now += dice.choice(times.prepare)
            seconds = dice.choice(times.mark)
            marking += seconds
            heapq.heappush(finished, now + seconds)

    for _ in range(workers):
        employ()
    while finished:
        now = max(now, heapq.heappop(finished))
        employ()
        seconds = dice.choice(times.write)
        now += seconds
        writing += seconds
    return Outcome(now, writing / now, marking / now / workers)


def report(times: dict[str, Times]) -> Iterator[str]:
    one = next(iter(times.values()))
    machine = f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    yield f"\nMeasured ({machine}), medians: marking {ms(one.mark)}, preparing a job {ms(one.prepare)}; writing a mark"
    yield "; ".join(f"to {name} {ms(each.write)}" for name, each in times.items()) + ".\n"
    yield "| gradebook | workers | minutes | times one worker | workers busy | writer busy |"
    yield "|---|---|---|---|---|---|"
    for name, each in times.items():
        outcomes = {workers: simulate(each, workers, SUBMISSIONS) for workers in WORKERS}
        for workers, outcome in outcomes.items():
            ratio = outcomes[1].seconds / outcome.seconds
            shares = f"{outcome.workers_busy:.0%} | {outcome.writer_busy:.0%}"
            yield f"| {name} | {workers} | {outcome.seconds / 60:.1f} | {ratio:.1f} | {shares} |"
    yield ""
    for name, each in times.items():
        most = statistics.mean(each.mark) / (statistics.mean(each.prepare) + statistics.mean(each.write))
        yield f"{name}: the grader saturates at {most:.0f} workers; more of them only wait."


def ms(seconds: Sequence[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ms"


if __name__ == "__main__":
    main()
