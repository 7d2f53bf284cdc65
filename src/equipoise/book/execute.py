"""Pages that compute are executed while Sphinx reads the others, and again only when what they use has changed.

MyST-NB looks each page up in a cache before it executes it. So a page gets the fingerprint of what it uses
(``uses.py``), and pages that the cache does not hold are executed by ``kernels.py`` and put into it before MyST-NB
looks. A build without ``equipoise_kernels``, such as plain ``jupyter-book build``, leaves that to MyST-NB, which
executes one page after the other.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from signal import SIGALRM
from tempfile import TemporaryDirectory

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from equipoise.book import uses
from equipoise.book.build import COLOUR
from equipoise.grading.sandbox import ONE_THREAD

# With more threads a page would compete with the others, and its last digits depend on the number of cores.
ENVIRONMENT = ONE_THREAD | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def setup(app: Sphinx) -> None:
    app.add_config_value("equipoise_kernels", 0, "", [int])
    app.add_config_value("equipoise_libraries", "", "env", [str])  # new libraries: every page is read again
    app.connect("config-inited", _choose_cache)
    app.connect("builder-inited", _take_turn, priority=0)
    app.connect("source-read", _add_key, priority=900)  # when the page is complete
    app.connect("source-read", _take_outcome, priority=901)
    app.connect("env-before-read-docs", _begin)
    app.connect("env-updated", _end_turn)
    app.connect("env-purge-doc", _forget)
    app.connect("build-finished", _end)


def _choose_cache(app: Sphinx, config: Config) -> None:
    """The same for every edition, whose pages compute the same."""
    config.nb_execution_cache_path = str(Path(app.srcdir) / "_build" / ".jupyter_cache")
    config.equipoise_libraries = uses.libraries()


def _take_turn(app: Sphinx) -> None:
    """Of an edition's languages, which are built side by side, only one computes; the others find what it left."""
    folder = Path(app.config.nb_execution_cache_path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    app.equipoise_turn = folder.with_suffix(".turn").open("w")
    fcntl.flock(app.equipoise_turn, fcntl.LOCK_EX)


def _end_turn(app: Sphinx, *_: object) -> None:
    app.equipoise_turn.close()


def _add_key(app: Sphinx, page: str, source: list[str]) -> None:
    if is_myst_markdown_notebook(source[0]):
        notebook, course = read_myst_markdown_notebook(source[0]), app.equipoise_course
        used = [path for dataset in uses.datasets(course, notebook) for path in uses.files(dataset)]
        for path in [*used, *uses.helpers(uses.code(notebook))]:
            app.env.note_dependency(str(path))
        source[0] = uses.with_key(source[0], uses.fingerprint(course, notebook))


def _begin(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Start on the pages that are about to be read and whose results the cache lacks; have them read last."""
    cache = get_cache(app.config.nb_execution_cache_path)
    missing = {}
    for page in pages:
        if notebook := _notebook(app, page):
            _keys(env)[page] = cache.create_hashed_notebook(notebook)[1]
            with suppress(KeyError):
                cache.match_cache_notebook(notebook)
                continue
            missing[page] = notebook
    if missing and app.config.equipoise_kernels:
        paths = {page: Path(env.doc2path(page)) for page in missing}
        config = app.config
        app.equipoise_execution = Execution(
            cache, missing, paths, config.equipoise_kernels, config.nb_execution_timeout
        )
        pages.sort(key=missing.__contains__)
    elif not missing:
        _end_turn(app)


def _notebook(app: Sphinx, page: str) -> NotebookNode | None:
    """The notebook that MyST-NB will make of a page and execute, or None."""
    path = Path(app.env.doc2path(page))
    patterns = app.config.nb_execution_excludepatterns
    if path.suffix != ".md" or any(PurePosixPath(path).match(pattern) for pattern in patterns):
        return None
    app.env.prepare_settings(page)
    source = [path.read_text(encoding="utf-8")]
    app.emit("source-read", page, source)
    return read_myst_markdown_notebook(source[0], path=path) if is_myst_markdown_notebook(source[0]) else None


def _keys(env: BuildEnvironment) -> dict[str, str]:
    """By page: under what its results are in the cache."""
    if not hasattr(env, "equipoise_keys"):
        env.equipoise_keys = {}
    return env.equipoise_keys


def _forget(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    if page not in env.found_docs:
        _keys(env).pop(page, None)


def _take_outcome(app: Sphinx, page: str, source: list[str]) -> None:
    execution: Execution | None = getattr(app, "equipoise_execution", None)
    if execution and page in execution.notebooks:
        execution.keep(page)


def _end(app: Sphinx, exception: Exception | None) -> None:
    """Remove from the cache and from the site what no page shows any more."""
    _end_turn(app)
    if execution := getattr(app, "equipoise_execution", None):
        execution.close()
    if exception is None:
        cache, shown = get_cache(app.config.nb_execution_cache_path), set(_keys(app.env).values())
        for record in cache.list_cache_records():
            if record.hashkey not in shown:
                cache.remove_cache(record.pk)
        figures = {name for _, name in app.env.images.values()}
        for path in Path(app.outdir, "_images").glob("*"):
            if path.name not in figures:
                path.unlink()


class Execution:
    """The process that executes pages, and what has become of each."""

    def __init__(
        self,
        cache: JupyterCacheAbstract,
        notebooks: dict[str, NotebookNode],
        paths: dict[str, Path],
        kernels: int,
        seconds: int,
    ):
        """``kernels``: how many pages at a time; ``seconds``: the most for one cell."""
        self.cache, self.notebooks, self.paths, self.seconds = cache, notebooks, paths, seconds
        self.folder = TemporaryDirectory(prefix="equipoise-")
        self.results = {page: Path(self.folder.name, f"{number}.json") for number, page in enumerate(notebooks)}
        self.codes: dict[str, int] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "import equipoise.lean; from equipoise.book import kernels; kernels.main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ENVIRONMENT,
            text=True,
        )
        with self.process.stdin as orders:
            json.dump(self._orders(kernels), orders)

    def _orders(self, kernels: int) -> dict:
        sources = {page: uses.code(notebook) for page, notebook in self.notebooks.items()}
        imported = uses.imports("\n".join(source for cells in sources.values() for source in cells))
        pages = [
            {
                "name": page,
                "folder": str(self.paths[page].parent),
                "cells": cells,
                "result": str(self.results[page]),
            }
            for page, cells in sources.items()
        ]
        return {"kernels": kernels, "seconds": self.seconds, "modules": sorted(imported), "pages": pages}

    def keep(self, page: str) -> None:
        """Wait until a page has ended, and put its outputs into the cache. Raises ExtensionError if it failed."""
        notebook, outcome = self.notebooks[page], self._outcome(page)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell, executed in zip(cells, outcome["cells"], strict=False):
            cell.update(nbformat.from_dict(executed))
            for output in cell.outputs:
                if output.output_type == "error":
                    raise ExtensionError(f"{self._place(page, cell)}: {output.ename}: {output.evalue}")
        notebook.metadata.language_info = outcome["language"]
        bundle = CacheBundleIn(notebook, str(self.paths[page]), data={"execution_seconds": outcome["seconds"]})
        self.cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)

    def _outcome(self, page: str) -> dict:
        while page not in self.codes:
            line = self.process.stdout.readline()
            if not line:
                raise ExtensionError(f"{self.paths[page]}: the process that executes pages has ended")
            ended, code = json.loads(line)
            self.codes[ended] = code
        if code := self.codes[page]:
            cause = f"a cell took more than {self.seconds} s" if code == -SIGALRM else f"its kernel ended with {code}"
            raise ExtensionError(f"{self.paths[page]}: {cause}")
        return json.loads(self.results[page].read_text(encoding="utf-8"))

    def _place(self, page: str, cell: NotebookNode) -> str:
        """The line of the page's file where a cell failed, as the cell's traceback has it."""
        path = self.paths[page]
        before, found, _ = path.read_text(encoding="utf-8").partition(f"\n{cell.source}\n")
        report = COLOUR.sub("", "\n".join(cell.outputs[-1].traceback))
        lines = re.findall(rf"Cell In\[{cell.execution_count}\], line (\d+)", report)
        return f"{path}:{before.count(chr(10)) + 1 + int(lines[-1])}" if found and lines else str(path)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()
