"""What travels to a worker and back, whether it is next door or on another machine: JSON, behind it files as they are.

Both sides take plain data and nothing that runs when it is unpacked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.grading.execute import Job, Marked

FOLDERS = ("files", "course")  # the fields of a job that hold files


def pack_job(job: Job, remarks: Sequence[tuple[str, str]] = ()) -> bytes:
    """A job, and what was noticed when its files were collected: pairs of a note's kind and its text."""
    plain = dict(vars(job))
    contents = [content for name in FOLDERS for content in plain[name].values()]
    contents += [] if job.handed_in is None else [job.handed_in]
    plain["handed_in"] = None if job.handed_in is None else len(job.handed_in)
    for name in FOLDERS:
        plain[name] = {path: len(content) for path, content in plain[name].items()}
    head = json.dumps({"job": plain, "remarks": list(remarks)}).encode()
    return b"".join([len(head).to_bytes(8), head, *contents])


def unpack_job(data: bytes) -> tuple[Job, list[tuple[str, str]]]:
    from equipoise.grading.execute import Job

    rest = BytesIO(data)
    plain = json.loads(rest.read(int.from_bytes(rest.read(8))))
    job = plain["job"]
    for name in FOLDERS:
        job[name] = {path: rest.read(size) for path, size in job[name].items()}
    job["handed_in"] = None if job["handed_in"] is None else rest.read(job["handed_in"])
    return Job(**job), [(kind, text) for kind, text in plain["remarks"]]


def pack_marked(marked: Marked) -> bytes:
    plain = dict(vars(marked), notes=[asdict(note) for note in marked.notes], answered=sorted(marked.answered))
    return json.dumps(plain).encode()


def unpack_marked(data: bytes) -> Marked:
    from equipoise.grading.execute import Marked
    from equipoise.grading.harden import Kind, Note

    plain = json.loads(data)
    notes = tuple(Note(note["cell"], Kind(note["kind"]), note["text"]) for note in plain["notes"])
    return Marked(**plain | {"notes": notes, "answered": frozenset(plain["answered"])})


def with_remarks(marked: Marked, remarks: Sequence[tuple[str, str]]) -> Marked:
    """The same with remarks about the files put before its notes, in the notebook too."""
    if not remarks:
        return marked
    from equipoise.grading.harden import Kind, Note

    notes = tuple(Note(None, Kind(kind), text) for kind, text in remarks) + tuple(marked.notes)
    notebook = json.loads(marked.notebook)
    notebook["metadata"]["equipoise"]["notes"] = [asdict(note) for note in notes]
    return replace(marked, notes=notes, notebook=json.dumps(notebook, indent=1))
