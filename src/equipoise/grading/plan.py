"""What has to be marked again, and what has not: decided by content, before anything heavy is imported.

A mark follows from the submission, the lab, the libraries, the engine and its settings. A hash of all of them, the
*identity*, lies as a stamp beside each marked notebook. Whoever has the same identity keeps the mark.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from equipoise.content import Course, Lab
from equipoise.files import fingerprint
from equipoise.grading.submissions import Submission

STAMP = ".submission"
SECRET = ".secret"
LIBRARIES = (  # a new version of any of these may change what a solution computes
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "fairlearn",
    "shap",
    "numba",
    "matplotlib",
    "ipykernel",
    "ipython",
)


@dataclass(frozen=True)
class Stamp:
    """What is kept of a marking, beside what nbgrader keeps."""

    identity: str
    automatic: float  # points that a machine gave; the gradebook must still say the same
    notes: int
    reason: str

    @staticmethod
    def read(folder: Path) -> Stamp | None:
        """The stamp in an autograded folder, or None if there is none that can be used."""
        try:
            return Stamp(**json.loads((folder / STAMP).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def text(self) -> str:
        return json.dumps(asdict(self))

    def holds(self, identity: str, automatic: float) -> bool:
        """Whether the mark in the gradebook is still the one for ``identity``."""
        return self.identity == identity and abs(self.automatic - automatic) < 1e-9


def failure(root: Path, lab: str, student: str) -> Path:
    """Where the reason lies why the last attempt to mark a submission failed; it goes when there is a mark."""
    return root / "autograded" / student / f".{lab}.failed"


def basis(course: Course, lab: Lab, released: object, ours: Mapping[str, bytes], settings: object) -> str:
    """A hash of all that the marks of a lab follow from, but for the submissions; 64 hexadecimal digits."""
    parts = [
        fingerprint(lab.folder, *(course.dataset(slug).folder for slug in lab.facts.datasets)),
        environment(),
        repr(released),
        repr(settings),
        *(name + hashlib.sha256(content).hexdigest() for name, content in sorted(ours.items())),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def identity(basis: str, submission: Submission) -> str:
    """What a mark is known by; 32 hexadecimal digits."""
    return hashlib.sha256((basis + submission.digest()).encode()).hexdigest()[:32]


def environment() -> str:
    """The versions of Python, of the libraries that labs use, and of this engine: where they agree, marks do."""
    engine = Path(__file__).parent
    beside = b"".join((engine.parent / name).read_bytes() for name in ("labs.py", "datasets.py"))
    own = fingerprint(engine) + hashlib.sha256(beside).hexdigest()[:16]
    versions = {"python": platform.python_version()} | {name: _version(name) for name in LIBRARIES}
    return " ".join(f"{name}={number}" for name, number in (versions | {"equipoise": own}).items())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def class_secret(root: Path) -> str:
    """What hidden seeds are drawn from: made once for each class, readable only by its owner."""
    path = root / SECRET
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        draft = path.with_name(f"{SECRET}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(16), encoding="ascii")
        draft.rename(path)
        return path.read_text(encoding="ascii")


def lab_files(folder: Path) -> dict[str, bytes]:
    """The lab's own files beside its notebook, by path: the data that students were given."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".ipynb")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
