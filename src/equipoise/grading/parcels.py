"""What travels to a worker and back: jobs and marks as JSON, whether the worker is next door or on another machine.

Both sides take plain data and nothing that runs when it is unpacked.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.grading.execute import Job, Marked

FOLDERS = ("files", "course")  # the fields of a job that hold files


def pack_job(job: Job, remarks: Sequence[tuple[str, str]] = ()) -> bytes:
    """A job, and what was noticed when its files were collected: pairs of a note's kind and its text."""
    plain = dict(vars(job))
    plain["handed_in"] = None if job.handed_in is None else _text(job.handed_in)
    for name in FOLDERS:
        plain[name] = {path: _text(content) for path, content in plain[name].items()}
    return json.dumps({"job": plain, "remarks": list(remarks)}).encode()


def unpack_job(data: bytes) -> tuple[Job, list[tuple[str, str]]]:
    from equipoise.grading.execute import Job

    plain = json.loads(data)
    job = plain["job"]
    job["handed_in"] = None if job["handed_in"] is None else base64.b64decode(job["handed_in"])
    for name in FOLDERS:
        job[name] = {path: base64.b64decode(content) for path, content in job[name].items()}
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


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
