"""nbgrader's own commands and formgrader's button, marking as ``equipoise grade`` does.

Two of nbgrader's official extension points are enough: the exporter that reads a submission, and the list of
preprocessors that autograding runs (see ``grading/nbgrader_config.py``). nbgrader keeps its loop, its gradebook and its
own preprocessors for saving marks and lateness.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config

from equipoise import labs
from equipoise.content import Lab, load_lab
from equipoise.files import fingerprint
from equipoise.grading import submissions
from equipoise.grading.harden import harden
from equipoise.grading.plan import failure
from equipoise.grading.run import CONFIG_FILE, Classroom


class SubmissionExporter(NotebookExporter):
    """Reads what was handed in, whatever it is; nbgrader would stop at the first file that is no notebook."""

    def from_filename(self, filename: str, resources: dict | None = None, **options: object) -> tuple[str, dict]:
        """Repair what lies in ``submitted``; read anything else as it is."""
        folder = Path(filename).absolute().parent
        if folder.parents[1].name != "submitted":
            return super().from_filename(filename, resources, **options)
        _, lab = _room(self.config, folder.parents[2], folder.name)
        notebook = harden(labs.marked_notebook(lab, {}), submissions.read(folder).handed_in).notebook
        return self.from_notebook_node(notebook, resources, **options)


class Mark(NbGraderPreprocessor):
    """Takes the place of nbgrader's Execute: the submission is marked from its original bytes, in the sandbox."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the executed notebook. Raises GradingError or SandboxError where ``equipoise grade`` would."""
        slug, student = resources["nbgrader"]["assignment"], resources["nbgrader"]["student"]
        room, lab = _room(self.config, Path.cwd(), slug)
        marked, files = room.mark_one(lab, student)
        failure(room.root, slug, student).unlink(missing_ok=True)
        _keep_only(files, Path.cwd() / "autograded" / student / slug)
        return nbformat.reads(marked.notebook, as_version=4), resources


def _room(config: Config, root: Path, slug: str) -> tuple[Classroom, Lab]:
    """The class and its lab as they are now: formgrader's server lives for weeks, and labs are mended meanwhile."""
    course, gradebook = Path(config.Equipoise.course), config.CourseDirectory.get("db_url")
    settings = course / "grading" / CONFIG_FILE
    state = fingerprint(course / "labs" / slug, course / "datasets"), settings.is_file() and settings.read_bytes()
    return _read(course, root, gradebook, slug, state)


@lru_cache(maxsize=16)
def _read(course: Path, root: Path, gradebook: str | None, slug: str, _: object) -> tuple[Classroom, Lab]:
    content, lab = load_lab(course, slug)
    return Classroom(content, root, gradebook), lab


def _keep_only(files: set[str], folder: Path) -> None:
    """nbgrader copies what a link points to; only what the submission itself holds may stay beside its notebook."""
    for path in folder.rglob("*"):
        ours = path.suffix == ".ipynb" or path.relative_to(folder).as_posix() in files
        if not ours and (path.is_symlink() or not path.is_dir()):
            path.unlink()
