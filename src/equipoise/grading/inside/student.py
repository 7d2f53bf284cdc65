"""A student's kernel: IPython over the sockets that it was born with, and a desk where tests may ask for values.

It runs beside the student's code, which can change everything here. So nothing outside believes it: what the desk
answers is decoded as plain data (``wire.py``), and what the kernel prints is only ever shown.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import tornado.platform.asyncio  # noqa: F401  (the event loop's, which would be imported after the fork)
import wire
import zmq
from ipykernel.displayhook import ZMQDisplayHook
from ipykernel.iostream import IOPubThread, OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from jupyter_client.session import Session
from tornado.ioloop import IOLoop
from traitlets.config import Config
from zmq.eventloop.zmqstream import ZMQStream

SERVE = "%answer-a-test"  # the one request that is not a cell


def prepare() -> None:
    """Build the kernel before the fork, all but its sockets: it costs more than the rest of a kernel's start."""
    quiet = Config({"HistoryManager": {"enabled": False}})  # with it comes a thread
    ZMQInteractiveShell.instance(user_ns={}, config=quiet, xmode="Plain")  # ten times as fast as coloured excerpts
    log = logging.getLogger("kernel")
    log.setLevel(logging.ERROR)
    kernel = StudentKernel.instance(session=Session(key=b"", username="student"), user_ns={}, log=log)
    kernel._execute_sleep = 0  # outputs are on their way when a cell ends
    kernel.shell.kernel = kernel


def main(spec: dict, sockets: dict[str, int]) -> None:
    """Run the kernel until it is killed. ``sockets``: bound and listening file descriptors, and the line."""
    kernel, context = StudentKernel.instance(), zmq.Context()
    session = kernel.session
    session.key, session.pid = spec["key"].encode(), os.getpid()
    outlet = _bound(context, zmq.XPUB, sockets["iopub"])
    outlet.setsockopt(zmq.XPUB_NODROP, 1)  # who prints faster than is read waits, and nobody misses a cell's end
    publisher = Publisher(outlet, pipe=False, session=session)
    sys.stdout = OutStream(session, publisher, "stdout", watchfd=False)
    sys.stderr = OutStream(session, publisher, "stderr", watchfd=False)
    sys.displayhook = ZMQDisplayHook(session, publisher.background_socket)
    kernel.shell_stream = ZMQStream(_bound(context, zmq.ROUTER, sockets["shell"]))
    kernel.iopub_thread, kernel.iopub_socket = publisher, publisher.background_socket
    kernel.shell.displayhook.pub_socket = kernel.shell.display_pub.pub_socket = publisher.background_socket
    kernel.desk = Desk(socket.socket(fileno=sockets["line"]), kernel.shell.user_ns)
    kernel.start()
    # Greets the grader, who waits for that. Last, since sending through the socket would hide what has arrived.
    subscriptions = ZMQStream(publisher.socket)
    subscriptions.on_recv(publisher._handle_subscription)
    IOLoop.current().start()


def _bound(context: zmq.Context, kind: int, descriptor: int) -> zmq.Socket:
    """A ZeroMQ socket on a Unix socket that listens already, so that no folder has to be shared for it."""
    made = context.socket(kind)
    made.linger = 1000
    made.setsockopt(zmq.USE_FD, descriptor)
    made.bind(f"ipc:///equipoise-{descriptor}")
    return made


class Publisher(IOPubThread):
    """ipykernel's publisher without its thread, whose handovers cost more than most cells do.

    What other threads print waits until the main thread, which owns the socket, prints or ends its cell.
    """

    def _setup_event_pipe(self) -> None:
        """There is no thread to wake."""

    def _setup_xpub_listener(self) -> None:
        """The kernel's own loop listens."""

    def schedule(self, f: Callable[[], Any]) -> None:
        self._events.append(f)
        if threading.current_thread() is threading.main_thread():
            while self._events:
                self._events.popleft()()


class StudentKernel(IPythonKernel):
    """IPython's kernel, which also lets a test ask for values when it is told so."""

    desk: Any = None

    async def do_execute(self, code: str, *args: Any, **kwargs: Any) -> dict:
        if code != SERVE:
            return await super().do_execute(code, *args, **kwargs)
        self.desk.serve()
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}

    def _publish_execute_input(self, code: str, parent: dict, execution_count: int) -> None:
        """The grader knows what it sent."""

    def _publish_status(self, status: str, *args: Any, **kwargs: Any) -> None:
        """The grader waits for the end of a cell, and knows that it began."""
        if status != "busy":
            super()._publish_status(status, *args, **kwargs)


class Desk:
    """Answers what a test asks: the value of a name, a call, an attribute, an item."""

    def __init__(self, line: socket.socket, namespace: dict[str, Any]):
        self.line, self.namespace, self.kept = line, namespace, []

    def serve(self) -> None:
        """Answer until the test is over."""
        self.kept.clear()
        while True:
            request, buffers = wire.receive(self.line)
            if request["ask"] == "done":
                return
            self._answer(request, buffers)

    def _answer(self, request: dict, buffers: list[bytearray]) -> None:
        encoder = wire.Encoder(self._keep)
        try:
            answer = {"value": encoder.node(self._do(request, buffers))}
        except wire.CannotCross as error:
            answer = {"error": "type", "type": str(error)}
        except _Absent:
            answer = {"error": "absent"}
        except BaseException as error:
            answer = {"error": "raised", "type": type(error).__name__, "message": _text(error)}
        wire.send(self.line, answer, encoder.buffers if "value" in answer else ())

    def _do(self, request: dict, buffers: list[bytearray]) -> Any:
        if request["ask"] == "name":
            if request["name"] not in self.namespace:
                raise _Absent
            return self.namespace[request["name"]]
        subject = self.kept[request["handle"]]
        if request["ask"] == "attribute":
            return getattr(subject, request["name"])
        arguments = _Arguments(io.BytesIO(buffers[0]), self.kept).load()
        if request["ask"] == "item":
            return subject[arguments]
        positional, named = arguments
        return subject(*positional, **named)

    def _keep(self, value: Any) -> int:
        self.kept.append(value)
        return len(self.kept) - 1


class _Absent(Exception):
    """The name is not defined."""


class _Arguments(pickle.Unpickler):
    """What a test passes on: its own values, and handles to what the student made: things, and cells of a column."""

    def __init__(self, file: io.BytesIO, kept: list):
        super().__init__(file)
        self.kept = kept

    def persistent_load(self, handle: int | tuple[int, int]) -> Any:
        if isinstance(handle, int):
            return self.kept[handle]
        number, row = handle
        return self.kept[number].iloc[row]


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except BaseException:
        return ""


os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
