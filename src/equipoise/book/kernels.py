"""The process that executes pages: it imports the libraries once, then forks a kernel for each page.

Importing takes seconds, a page's own sums often less than one. The pages are the book's own, so they run without a
sandbox, as they would under ``jupyter-book build``; the kernel is ipykernel's own, in the process of the fork.

``execute.py`` calls ``main`` in a process of its own, sends it one JSON document, and reads a line for each page that
has ended.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import nbformat
from ipykernel.inprocess import InProcessKernelManager

OUTPUTS = ("display_data", "error", "execute_result", "stream")


def main() -> None:
    """Execute every page of the orders, ``kernels`` at a time, and say which has ended."""
    orders = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what a library prints past Python is no answer
        _import(orders["modules"])
        for page, code in _executed(orders["pages"], orders["kernels"], orders["seconds"]):
            print(json.dumps([page, code]), file=answers, flush=True)


def _import(modules: list[str]) -> None:
    sys.modules["debugpy"] = None  # ipykernel would import and start a debugger
    for name in ("ipykernel.inprocess.ipkernel", *modules):
        with contextlib.suppress(ImportError):  # the page will say so itself
            importlib.import_module(name)


def _executed(pages: list[dict], kernels: int, seconds: int) -> Iterator[tuple[str, int]]:
    """The name of each page as it ends, and the exit code of its process."""
    waiting, running = list(pages), {}
    while waiting or running:
        while waiting and len(running) < kernels:
            page = waiting.pop(0)
            running[_fork(page, seconds)] = page["name"]
        process, status = os.wait()
        yield running.pop(process), os.waitstatus_to_exitcode(status)


def _fork(page: dict, seconds: int) -> int:
    process = os.fork()
    if process == 0:
        try:
            os.chdir(page["folder"])
            Path(page["result"]).write_text(json.dumps(_execute(page["cells"], seconds)))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return process


def _execute(cells: list[str], seconds: int) -> dict:
    """What the cells printed and showed, up to the first that failed. ``seconds``: the most for one cell."""
    start = time.monotonic()
    manager = InProcessKernelManager()
    manager.start_kernel()
    client, kernel = manager.client(), manager.kernel
    client.start_channels()
    _draw_in_the_page(kernel.shell)
    executed = []
    for cell in cells:
        signal.alarm(seconds)  # nothing handles it: the process ends
        # Not by a message: a cell that awaits would wait for the loop that is busy with the message.
        with contextlib.redirect_stdout(kernel.stdout), contextlib.redirect_stderr(kernel.stderr):
            result = kernel.shell.run_cell(cell, store_history=True)
            sys.stdout.flush()
            sys.stderr.flush()
        executed.append({"execution_count": result.execution_count, "outputs": list(_outputs(client))})
        if not result.success:
            break
    signal.alarm(0)
    return {"cells": executed, "language": kernel.language_info, "seconds": time.monotonic() - start}


def _draw_in_the_page(shell) -> None:
    """What happens when a page imports matplotlib, which here was imported before the page began."""
    if "matplotlib.pyplot" in sys.modules:
        from matplotlib_inline.backend_inline import configure_inline_support

        configure_inline_support(shell, "module://matplotlib_inline.backend_inline")


def _outputs(client) -> Iterator[nbformat.NotebookNode]:
    while client.iopub_channel.msg_ready():
        message = client.get_iopub_msg(timeout=0)
        if message["msg_type"] in OUTPUTS:
            yield nbformat.v4.output_from_msg(message)
