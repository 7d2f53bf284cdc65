"""How fast a class is marked: ``equipoise grade`` beside nbgrader's own ``autograde``, on the same machine in one run.

Run: python benchmarks/marking.py. Both sides mark copies of the same class of the pulse-oximetry lab: solved
notebooks and each planted mistake in turn. Stock nbgrader runs with its defaults, once serially and once as two
processes that share the class between them; since it takes minutes, it marks the first ``--stock`` students only, and
throughput is compared in submissions a second. Marks must agree test by test. The table is written to
benchmarks/marking.md.
"""

import argparse
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import nbformat
import psutil
from nbgrader.api import Gradebook

from equipoise import labs
from equipoise.content import find_root, load_lab
from equipoise.grading.run import write_source
from equipoise.grading.workers import usable_cores

LAB = "pulse-oximetry"
BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "EQUIPOISE_COURSE": str(find_root())}
OWN_COMPUTING = """
import contextlib, io, json, sys, time
from IPython.core.interactiveshell import InteractiveShell
import matplotlib
matplotlib.use("agg")
shell = InteractiveShell.instance()
sources = json.load(open(sys.argv[1]))
for _ in range(3):  # the first rounds import and warm up
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.process_time()
        for source in sources:
            shell.run_cell(source)
        used = time.process_time() - start
print(used)
"""


@dataclass
class Cost:
    """What a command took: seconds, seconds of CPU of it and all its children, peak bytes (shared ones once)."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--submissions", type=int, default=100)
    options.add_argument("--stock", type=int, default=20, help="students that stock nbgrader marks")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="equipoise-") as scratch:
        table, ratio = compare(Path(scratch), chosen.submissions, chosen.stock)
    text = "\n".join([*table, "", f"throughput ratio: {ratio:.1f}"])
    (Path(__file__).parent / "marking.md").write_text(f"# Marking a class\n\n{text}\n", encoding="utf-8")
    print(text)


def compare(scratch: Path, count: int, stock: int) -> tuple[list[str], float]:
    """The table's lines, and how many times the throughput of serial stock nbgrader ours is."""
    names = make_class(scratch / "ours", count)
    for side in ("serial", "two"):
        shutil.copytree(scratch / "ours", scratch / side)
        for name in names[stock:]:
            shutil.rmtree(scratch / side / "submitted" / name)
    runs = [mark_with_equipoise(scratch / "ours")]
    again = mark_with_equipoise(scratch / "ours")
    serial = mark_with_nbgrader(scratch / "serial", [names[:stock]])
    two = mark_with_nbgrader(scratch / "two", [names[: stock // 2], names[stock // 2 : stock]])
    runs.append(mark_with_equipoise(scratch / "ours", "--force"))  # before and after, for machines change their pace
    ours = Cost(*(sum(values) / 2 for values in zip(*map(astuple, runs), strict=True)))
    differences = compare_scores(scratch, names[:stock])
    computing = own_computing(scratch)
    ours.cpu_seconds += kernels_seconds(scratch / "course" / "grading")  # the system counts only what was waited for
    each = ours.seconds / count
    ratios = [serial.seconds / stock / each, two.seconds / stock / each]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        f"{count} submissions of {LAB}; stock nbgrader marked {stock} of them. {time.strftime('%Y-%m-%d')}, {machine}.",
        "",
        "| | seconds a submission | CPU seconds a submission | times ours | peak memory (MB) |",
        "|---|---|---|---|---|",
        row("nbgrader autograde, serial", serial, stock, ratios[0]),
        row("nbgrader autograde, two processes", two, stock, ratios[1]),
        row("equipoise grade", ours, count, 1.0),
        "",
        f"The solved notebook's own computing, in a warm process on each core: {computing:.2f} s of CPU. Overhead of"
        f" marking: {ours.cpu_seconds / count - computing:.2f} s of CPU a submission (start-up of the run included).",
        f"A second run, with nothing changed: {again.seconds:.1f} s.",
        f"Tests marked differently from stock nbgrader: {differences}.",
    ]
    return lines, ratios[0]


def row(name: str, cost: Cost, count: int, times: float) -> str:
    each, cpu = cost.seconds / count, cost.cpu_seconds / count
    return f"| {name} | {each:.2f} | {cpu:.2f} | {times:.1f} | {cost.peak_bytes / 1e6:.0f} |"


def make_class(root: Path, count: int) -> list[str]:
    """Release the lab into ``root`` and hand in ``count`` notebooks: solved, and with each mistake in turn."""
    course, lab = load_lab(find_root(), LAB)
    write_source(lab, course, root / "source" / LAB)
    write_config(root)
    release = [BIN / "nbgrader", "generate_assignment", LAB]
    subprocess.run(release, cwd=root, env=ENVIRONMENT, check=True, capture_output=True)
    (root / "nbgrader_config.py").unlink()  # each side brings its own
    solved = labs.solutions(lab)
    answers = itertools.cycle([solved, *(solved | {m.replaces: m.source} for m in labs.mistakes(lab))])
    names = [f"student{number:03}" for number in range(count)]
    for name in names:
        folder = root / "submitted" / name / LAB
        shutil.copytree(root / "release" / LAB, folder)
        nbformat.write(labs.submission(lab, next(answers)), folder / f"{LAB}.ipynb")
    return names


def mark_with_equipoise(root: Path, *options: str) -> Cost:
    """In a copy of the course, because ``equipoise grade`` marks the class in the course's folder ``grading``."""
    course = root.parent / "course"
    if not course.exists():
        shutil.copytree(find_root(), course, ignore=shutil.ignore_patterns(".*", "_build", "source", "release"))
        shutil.copytree(root, course / "grading", dirs_exist_ok=True)
    return cost_of([[BIN / "equipoise", "grade", LAB, "--course", course, *options]], course)


def mark_with_nbgrader(root: Path, shares: list[list[str]]) -> Cost:
    """One process for each share of the students."""
    write_config(root)
    everyone = [name for share in shares for name in share]
    commands = []
    for share in shares:
        others = ",".join(name for name in everyone if name not in share)
        commands.append([BIN / "nbgrader", "autograde", LAB, f"--CourseDirectory.student_id_exclude={others}"])
    return cost_of(commands, root)


def write_config(root: Path) -> None:
    """nbgrader's defaults, but for where the class is."""
    lines = ["c = get_config()", f"c.CourseDirectory.root = {str(root)!r}", "c.CourseDirectory.course_id = 'benchmark'"]
    (root / "nbgrader_config.py").write_text("\n".join(lines))


def cost_of(commands: list[list], folder: Path) -> Cost:
    """Run the commands at the same time and measure them together."""
    before, start = os.times(), time.perf_counter()
    running = [
        subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    with Peak([process.pid for process in running]) as peak:
        codes = [process.wait() for process in running]
    seconds, after = time.perf_counter() - start, os.times()
    if any(codes):
        raise SystemExit(f"{commands[0][:3]} ended with {codes}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(seconds, cpu, peak.bytes)


class Peak(threading.Thread):
    """Samples the memory of processes and their descendants; what forks share counts once."""

    def __init__(self, processes: list[int]):
        super().__init__(daemon=True)
        self.processes, self.bytes, self.done = processes, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(5):  # reading all that memory takes a while itself
            self.bytes = max(self.bytes, sum(self._bytes(process) for process in self.processes))

    def _bytes(self, process: int) -> int:
        total = 0
        try:
            for member in [one := psutil.Process(process), *one.children(recursive=True)]:
                try:
                    total += member.memory_full_info().pss
                except psutil.Error:
                    continue
        except psutil.Error:
            return total
        return total

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.done.set()
        self.join()


def compare_scores(scratch: Path, names: list[str]) -> int:
    """How many tests of these students have different points on the two sides."""
    ours = scores(scratch / "course" / "grading", names)
    return sum(ours[key] != points for key, points in scores(scratch / "serial", names).items())


def scores(root: Path, names: list[str]) -> dict[tuple[str, str], float]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        found = {
            (name, grade.name): grade.auto_score
            for name in names
            for grade in gradebook.find_submission_notebook(LAB, LAB, name).grades
            if grade.cell.cell_type == "code"
        }
    assert found, f"no scores in {root}"
    return found


def kernels_seconds(root: Path) -> float:
    """CPU seconds of all kernels and checkers, as the engine measured them."""
    notebooks = [json.loads(path.read_text()) for path in root.glob(f"autograded/*/{LAB}/{LAB}.ipynb")]
    return sum(notebook["metadata"]["equipoise"]["cost"]["cpu_seconds"] for notebook in notebooks)


def own_computing(scratch: Path) -> float:
    """CPU seconds of the solved notebook and its tests, less the cells that only show something."""
    _, lab = load_lab(find_root(), LAB)
    cells = labs.marked_notebook(lab, labs.solutions(lab)).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    needed = [cell.source for cell in code if not cell.metadata.get("equipoise", {}).get("display")]
    (scratch / "cells.json").write_text(json.dumps(needed))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, "-c", OWN_COMPUTING, scratch / "cells.json"]
    place = {"cwd": scratch / "ours" / "release" / LAB, "env": ENVIRONMENT | threads, "text": True}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, **place) for _ in range(usable_cores())]
    said = [process.communicate()[0] for process in running]
    return statistics.mean(float(text.split()[-1]) for text in said)


if __name__ == "__main__":
    main()
