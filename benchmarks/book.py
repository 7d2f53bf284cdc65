"""How fast the book is built: ``equipoise book`` beside stock ``jupyter-book build``, on the same machine in one run.

Run: python benchmarks/book.py. Each side has a copy of the course of its own. Stock Jupyter Book executes one page
after the other, each in a kernel that it starts for it. Builds alternate, so that a machine that changes its pace slows
both sides; of each kind the median counts. Both build the English book only, since stock Jupyter Book knows of no other
language. Clean: nothing was ever built. Warm: nothing has changed. One page: a
sentence was added to a case. The table is written to benchmarks/book.md.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from equipoise.content import find_root, load_course
from equipoise.grading.workers import usable_cores

BIN = Path(sys.executable).parent
STOCK, OURS = "jupyter-book build", "equipoise book"
COMMANDS = {
    STOCK: [BIN / "jupyter-book", "build", "-W", "-n", "--keep-going", "."],
    OURS: [BIN / "equipoise", "book", "--course", "."],
}
KINDS = ("clean", "warm", "one page")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repetitions", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="equipoise-") as scratch:
        measured = compare(Path(scratch), chosen.repetitions)
    wall = {key: statistics.median(seconds for seconds, _ in runs) for key, runs in measured.items()}
    ratio = wall[OURS, "clean"] / wall[STOCK, "clean"]
    text = "\n".join([*table(measured, wall, chosen.repetitions), "", f"build ratio: {ratio:.2f}"])
    (Path(__file__).parent / "book.md").write_text(f"# Building the book\n\n{text}\n", encoding="utf-8")
    print(text)


def compare(scratch: Path, repetitions: int) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Seconds, and seconds of CPU, of every build, by side and kind."""
    courses = {side: copy_course(scratch / side.replace(" ", "-")) for side in COMMANDS}
    measured = defaultdict(list)
    for number in range(repetitions):
        for kind in KINDS:
            for side in list(COMMANDS)[:: 1 if number % 2 else -1]:
                prepare(courses[side], kind, number)
                measured[side, kind].append(cost(COMMANDS[side], courses[side]))
                print(f"{kind}, {side}: {measured[side, kind][-1][0]:.1f} s", file=sys.stderr, flush=True)
    return measured


def copy_course(folder: Path) -> Path:
    left_out = shutil.ignore_patterns(".*", "_build", "source", "release", "locale")
    return shutil.copytree(find_root(), folder, ignore=left_out)


def prepare(course: Path, kind: str, number: int) -> None:
    if kind == "clean":
        shutil.rmtree(course / "_build", ignore_errors=True)
    elif kind == "one page":
        page = load_course(course).in_order()[0].folder / "case.md"
        page.write_text(page.read_text(encoding="utf-8") + f"\nSentence {number}.\n", encoding="utf-8")


def cost(command: list, course: Path) -> tuple[float, float]:
    before, start = os.times(), time.perf_counter()
    built = subprocess.run(command, cwd=course, text=True, capture_output=True, check=False)
    seconds, after = time.perf_counter() - start, os.times()
    if built.returncode:
        raise SystemExit(built.stdout[-2000:] + built.stderr)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, cpu


def table(measured: dict, wall: dict, repetitions: int) -> list[str]:
    pages = len(load_course().pages)
    machine = f"{usable_cores()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        f"{pages} pages, of which {len(load_course().cases)} compute; median of {repetitions}."
        f" {time.strftime('%Y-%m-%d')}, {machine}.",
        "",
        "| | clean (s) | warm (s) | one page (s) | CPU of a clean build (s) |",
        "|---|---|---|---|---|",
    ]
    for side in COMMANDS:
        cells = [f"{wall[side, kind]:.1f}" for kind in KINDS]
        cpu = statistics.median(cpu for _, cpu in measured[side, "clean"])
        lines.append(f"| {side} | {' | '.join(cells)} | {cpu:.1f} |")
    return lines


if __name__ == "__main__":
    main()
