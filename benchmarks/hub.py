"""A class that fetches and hands in at the same moment: what that takes from the exchange of a hub.

Run: python benchmarks/hub.py. Thirty students fetch a real lab through the hub's proxy and hand it in solved, all at
once; everything is then read back and compared. Beside it, one student hands in through nbgrader's own classes again
and again: by our exchange, and by the folder that nbgrader uses by itself, on the same machine in the same run. The
ratio says what it costs that a submission is sent, checked, and stored so that it survives a power cut. It writes
benchmarks/hub.md.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psutil
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import default
from traitlets.config import Config

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from deployed import Hub  # noqa: E402
from hubs import exchange_hub  # noqa: E402

from equipoise import demo  # noqa: E402
from equipoise.content import load_course  # noqa: E402
from equipoise.grading.run import Classroom  # noqa: E402
from equipoise.grading.workers import usable_cores  # noqa: E402
from equipoise.hub.student import equipoise_exchange as ours  # noqa: E402

STUDENTS, REPEATS = 30, 15
COURSE, TOKEN = "equipoise", "c" * 32


def main() -> None:
    course = load_course()
    lab = course.lab(course.in_order()[0].facts.lab)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        released = Classroom(course, folder / "class").release(lab)
        work = folder / "work" / COURSE / lab.slug
        shutil.copytree(released, work)
        (work / f"{lab.slug}.ipynb").write_text(demo.examples(lab)["perfect"], encoding="utf-8")
        with exchange_hub(folder, {COURSE: TOKEN}, {}) as hub:
            before = memory(hub)
            class_ = at_once(hub, lab.slug, pack(released), pack(work))
            after = memory(hub)
            os.environ |= {
                ours.ADDRESS: f"{hub.url}services/exchange",
                "JUPYTERHUB_API_TOKEN": hub.person("student-00"),
            }
            size = len(pack(work))
            http = in_turn(lambda: submit_here(folder, lab.slug))
        stock = in_turn(lambda: submit_stock(folder, lab.slug, released))
    write(class_, before, after, http, stock, size)


def pack(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, ".")
    return buffer.getvalue()


def at_once(hub: Hub, lab: str, released: bytes, solved: bytes) -> dict[str, list[float]]:
    """Seconds of each student's fetch and submission. Fails if anything is lost or mixed up."""
    names = [f"student-{number:02}" for number in range(STUDENTS)]
    hub.api("PUT", f"services/exchange/{COURSE}/roster", TOKEN, json={"students": names})
    tokens = {name: hub.person(name) for name in names}
    send(hub, TOKEN, "PUT", f"assignments/{lab}", released)

    def term(name: str) -> tuple[float, float, str]:
        own = solved + name.encode()  # what follows an archive's end is no part of it, and tells whose it is
        fetch, _ = timed(lambda: hub.api("GET", f"services/exchange/{COURSE}/assignments/{lab}", tokens[name]))
        submit, answer = timed(lambda: send(hub, tokens[name], "POST", f"submissions/{lab}", own))
        return fetch, submit, answer.json()["received"]

    start = time.perf_counter()
    with ThreadPoolExecutor(STUDENTS) as class_:
        done = dict(zip(names, class_.map(term, names), strict=True))
    seconds = time.perf_counter() - start
    for name, (_, _, received) in done.items():
        path = f"services/exchange/{COURSE}/submissions/{lab}/{name}/{received}"
        assert hub.api("GET", path, TOKEN).content == solved + name.encode(), name
    fetches, submits, _ = zip(*done.values(), strict=True)
    return {"fetch": list(fetches), "submit": list(submits), "all": [seconds]}


def send(hub: Hub, token: str, method: str, path: str, body: bytes):
    headers = {"Authorization": f"token {token}", "X-Content-SHA256": hashlib.sha256(body).hexdigest()}
    answer = hub.http.request(method, f"services/exchange/{COURSE}/{path}", content=body, headers=headers)
    answer.raise_for_status()
    return answer


def timed(work: Callable) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def in_turn(work: Callable[[], object]) -> float:
    return statistics.median(timed(work)[0] for _ in range(REPEATS))


def submit_here(folder: Path, lab: str) -> None:
    ours.ExchangeSubmit(coursedir=directory(folder, lab), assignment_dir=str(folder / "work")).start()


def submit_stock(folder: Path, lab: str, released: Path) -> None:
    root = folder / "stock"
    if not root.exists():
        for part in ("outbound", "inbound"):
            (root / COURSE / part).mkdir(parents=True)
        shutil.copytree(released, root / COURSE / "outbound" / lab)
    options = {"root": str(root), "cache": str(folder / "cache"), "assignment_dir": str(folder / "work" / COURSE)}
    default.ExchangeSubmit(coursedir=directory(folder, lab), authenticator=Authenticator(), **options).start()


def directory(folder: Path, lab: str) -> CourseDirectory:
    where = {"root": str(folder), "course_id": COURSE, "assignment_id": lab}
    return CourseDirectory(config=Config({"CourseDirectory": where}))


def memory(hub: Hub) -> dict[str, float]:
    """Resident memory of the hub, its proxy and its exchange, in MB."""
    family = [psutil.Process(hub.process.pid), *psutil.Process(hub.process.pid).children(recursive=True)]
    found = {}
    for process in family:
        words = " ".join(process.cmdline())
        name = "exchange" if "hub.exchange" in words else "proxy" if "configurable" in words else "hub"
        found[name] = process.memory_info().rss / 1e6
    return found


def write(class_: dict, before: dict, after: dict, http: float, stock: float, size: int) -> None:
    lines = ["# A class at the exchange", ""]
    lines += [f"{STUDENTS} students fetch and hand in {size / 1e3:.0f} kB at once, through the proxy of a real hub."]
    lines += ["Nothing was lost or mixed up."]
    lines += [f"{date.today()}, {usable_cores()} cores, {platform.machine()}, Python {platform.python_version()}.", ""]
    lines += ["| | median (s) | slowest (s) |", "|---|---|---|"]
    lines += [
        f"| {what} | {statistics.median(class_[what]):.2f} | {max(class_[what]):.2f} |" for what in ("fetch", "submit")
    ]
    lines += [
        "",
        f"All of them: {class_['all'][0]:.1f} s.",
        "",
        "| resident memory (MB) | before | after |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {before[name]:.0f} | {after[name]:.0f} |" for name in sorted(after)]
    lines += ["", "One student, one submission by nbgrader's classes, nobody else (median):"]
    lines += [f"{1000 * http:.0f} ms by the exchange, {1000 * stock:.0f} ms by nbgrader's folder.", ""]
    lines += [f"exchange ratio: {http / stock:.1f}", ""]
    (HERE / "hub.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
