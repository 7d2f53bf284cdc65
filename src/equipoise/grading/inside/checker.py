"""The process that runs a lab's tests, and nothing of the student's.

A test sees what the lab's own locked cells define, here run once more, and everything else as it comes from the
student's kernel: numbers, texts, arrays and tables as copies, functions and fitted models as stand-ins that pass
each call on. A stand-in has no answers of its own: it cannot be compared, added or counted.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import io
import json
import operator
import os
import pickle
import socket
import sys
import time
from dataclasses import dataclass
from types import CodeType
from typing import Any

import pandas as pd
import wire
from IPython.core.inputtransformer2 import TransformerManager

LONGEST_MESSAGE = 2000
transform = TransformerManager().transform_cell


class TestError(Exception):
    """The test cannot go on, for a reason that the student should read."""


def main(spec: dict, sockets: dict[str, int]) -> None:
    """Run tests as they are asked for, until the other side goes away."""
    os.makedirs(spec["folder"], exist_ok=True)
    os.chdir(spec["folder"])
    control = socket.socket(fileno=sockets["control"])
    checker = Checker(spec["setup"], spec["tests"])
    sys.stdout = sys.stderr = io.TextIOWrapper(io.FileIO("/dev/null", "w"))  # tests speak through their assertions
    while message := control.recv(1 << 16):
        name = message.decode()
        if name == "line":
            _, descriptors, _, _ = socket.recv_fds(control, 16, 1)
            checker.line = socket.socket(fileno=descriptors[0])
        else:
            control.send(json.dumps(checker.run(name)).encode())


class Checker:
    """``setup``: [position, source] of the locked cells that tests rest on; ``tests``: the same by test id."""

    def __init__(self, setup: list[tuple[int, str]], tests: dict[str, tuple[int, str]]):
        self.waiting, self.tests, self.line = list(setup), tests, None
        self.base: dict[str, Any] = {"__name__": "__main__", "display": lambda *things, **options: None}

    def run(self, name: str) -> dict:
        """Run one test and say how it ended: {"passed", "type", "message", "seconds"}."""
        start = time.perf_counter()
        position, source = self.tests[name]
        try:
            self._set_up(position)
            exec(_compiled(source, "<test>"), Namespace(self.base, Student(self.line)))
            outcome = {"passed": True, "type": "", "message": ""}
        except BaseException as error:
            outcome = {"passed": False, **_described(error)}
        with contextlib.suppress(OSError):  # a kernel that is gone is noticed elsewhere
            wire.send(self.line, {"ask": "done"})
        return outcome | {"seconds": time.perf_counter() - start}

    def _set_up(self, position: int) -> None:
        while self.waiting and self.waiting[0][0] < position:
            _, source = self.waiting.pop(0)
            exec(_compiled(source, "<lab>"), self.base)


def _compiled(source: str, name: str) -> CodeType:
    """A cell's code, plain Python or with IPython's magics; looking for these takes longer than compiling."""
    try:
        return compile(source, name, "exec")
    except SyntaxError:
        return compile(transform(source), name, "exec")


class Namespace(dict):
    """The globals of one test. A name that the lab does not define is asked of the student when it is needed."""

    def __init__(self, base: dict[str, Any], student: Student):
        super().__init__(base)
        self.student = student

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name.startswith("__"):
            raise KeyError(name)
        self[name] = value = self.student.fetch(name)
        return value


class Student:
    """The other end of the line."""

    def __init__(self, line: socket.socket):
        self.line = line

    def fetch(self, name: str) -> Any:
        """The value of a name in the student's notebook. Raises TestError."""
        return self.ask(f"`{name}`", {"ask": "name", "name": name})

    def ask(self, subject: str, request: dict, arguments: Any = None) -> Any:
        """Send a request and return the value, or raise TestError with a sentence about ``subject``."""
        try:
            wire.send(self.line, request, [_pickled(arguments)])
            answer, buffers = wire.receive(self.line)
            if not isinstance(answer, dict):
                raise wire.WireError("an answer is no message")
        except (EOFError, OSError):
            raise TestError("your notebook's kernel stopped while this test asked for a value") from None
        except wire.WireError as error:
            raise TestError(f"{subject} cannot be read: {error}") from None
        if "error" in answer:
            raise TestError(_sentence(subject, answer))
        try:
            return wire.Decoder(buffers, lambda handle: stand_in(handle, subject, self)).value(answer.get("value"))
        except wire.WireError as error:
            raise TestError(f"{subject} cannot be read: {error}") from None


def _sentence(subject: str, answer: dict) -> str:
    kind, type_, message = answer["error"], _short(answer.get("type")), _short(answer.get("message"))
    if kind == "absent":
        return f"{subject} is not defined: run the cells above from the top, and look at the name's spelling"
    if kind == "type":
        return _out_of_sight(subject, type_)
    return f"{subject} stopped with {type_}: {message}" if message else f"{subject} stopped with {type_}"


def _out_of_sight(subject: str, type_: str) -> str:
    return (
        f"{subject} holds {type_}, which a test cannot look into. It needs a number, a text, a list, a dictionary,"
        " an array or a pandas table"
    )


def _short(text: object) -> str:
    return text[:LONGEST_MESSAGE] if isinstance(text, str) else ""


class Silent:
    """Something that stays in the student's kernel and has no answers of its own; ``_reason`` says what it is."""

    __slots__ = ()

    def _refuse(self, *others: Any) -> Any:
        raise TestError(self._reason())

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __bool__ = __len__ = __iter__ = __contains__ = __float__ = __int__ = __index__ = __hash__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __abs__ = __neg__ = __pow__ = __round__ = __format__ = __array__ = _refuse


class Cell(Silent):
    """Keeps the place of a table's cell whose column could not travel."""

    __slots__ = ("_handle", "_subject")

    def __init__(self, handle: wire.Handle, subject: str):
        self._handle, self._subject = handle, subject

    def __repr__(self) -> str:
        return f"<{self._handle.type}>"

    def __getattr__(self, name: str) -> Any:
        # Not TestError: pandas asks what an object is like before it moves it, and Python how to copy it.
        raise AttributeError(name if name.startswith("_") else self._reason())

    def _reason(self) -> str:
        return _out_of_sight(self._subject, self._handle.type)


class StandIn(Silent):
    """Represents a function or a fitted model in the student's kernel."""

    __slots__ = ("_handle", "_kind", "_student", "_subject")

    def __init__(self, handle: wire.Handle, kind: type | None, subject: str, student: Student):
        self._handle, self._kind, self._subject, self._student = handle, kind, subject, student

    @property
    def __class__(self) -> type:
        return self._kind or StandIn

    @property
    def __name__(self) -> str:
        return self._handle.name

    def __call__(self, *positional: Any, **named: Any) -> Any:
        request = {"ask": "call", "handle": self._handle.number}
        return self._student.ask(self._subject, request, (positional, named))

    def __getattr__(self, name: str) -> Any:
        if not _may_be_asked(self._kind, name):
            raise AttributeError(f"{self._subject} has no {name}")
        request = {"ask": "attribute", "handle": self._handle.number, "name": name}
        return self._student.ask(f"{self._subject}.{name}", request)

    def __getitem__(self, key: Any) -> Any:
        if self._kind is None or not hasattr(self._kind, "__getitem__"):
            raise TestError(f"{self._subject} is a function; the test needs its result")
        return self._student.ask(f"{self._subject}[{key!r}]", {"ask": "item", "handle": self._handle.number}, key)

    def _reason(self) -> str:
        what = "a function" if self._kind is None else f"a {self._kind.__name__}"
        return f"{self._subject} is {what}; the test needs a number, a text, a list or a table here"


def stand_in(handle: wire.Handle, subject: str, student: Student) -> Silent:
    """What represents a handle in the answer about ``subject``.

    An object must claim to be of a class that a library here really has.
    """
    if handle.kind == "cell":
        return Cell(handle, subject)
    if handle.kind == "function":
        return StandIn(handle, None, f"`{handle.name}`", student)
    kind = _library_class(handle.type)
    if kind is None:
        raise wire.WireError(f"it claims to be {handle.type}")
    return StandIn(handle, kind, f"your {kind.__name__}", student)


def _library_class(path: str) -> type | None:
    module, _, name = path.rpartition(".")
    if module.partition(".")[0] not in wire.LIBRARIES:
        return None
    try:
        kind = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return kind if isinstance(kind, type) else None


def _may_be_asked(kind: type | None, name: str) -> bool:
    """Only what objects of this class have: its public members, its settings, and what fitting learnt (``coef_``)."""
    if kind is None or name.startswith("_"):
        return False
    settings = getattr(kind, "_get_param_names", list)()
    return hasattr(kind, name) or name in settings or (name.endswith("_") and hasattr(kind, "fit"))


class _Arguments(pickle.Pickler):
    def persistent_id(self, value: Any) -> int | tuple[int, int] | None:
        if type(value) is Cell:
            return value._handle.number, value._handle.row
        return value._handle.number if type(value) is StandIn else None

    def reducer_override(self, value: Any) -> Any:
        """A column of text goes as its few words and their numbers."""
        if not isinstance(value, pd.arrays.StringArray):
            return NotImplemented
        texts, codes = wire.words(value)
        return operator.getitem, (_Words(texts, value.dtype), codes)


@dataclass
class _Words:
    """Arrives as an array of these texts."""

    texts: list[str | None]
    kind: pd.StringDtype

    def __reduce__(self) -> tuple:
        return pd.array, (self.texts, self.kind)


def _pickled(arguments: Any) -> bytes:
    """What a test passes to the student's function. It is ours, so pickle is safe in this direction."""
    file = io.BytesIO()
    try:
        _Arguments(file, protocol=pickle.HIGHEST_PROTOCOL).dump(arguments)
    except Exception as error:
        raise TestError(f"the test passes on something that cannot be passed on ({error})") from None
    return file.getvalue()


def _described(error: BaseException) -> dict:
    try:
        message = str(error)
    except BaseException:
        message = ""
    kind = type(error).__name__
    if isinstance(error, TestError):
        kind = "AssertionError"
    elif not isinstance(error, AssertionError):
        message = f"the test stopped with {kind}: {message}"
    return {"type": kind, "message": message[:LONGEST_MESSAGE] or "the test failed without a message"}
