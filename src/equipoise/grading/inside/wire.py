"""How values travel from a student's kernel to the process that tests them: as plain data, never as code.

The sender runs beside the student's code, so nothing that arrives is believed. A message is JSON plus raw buffers; what
it may build is the short list in ``_BUILDERS``, within limits. Whatever the student's object claimed to be, the test
sees a plain number, text, list, array or table, or a handle to something that can only be asked (``Handle``).
A column of a table that cannot travel keeps its place, and is missed only by a test that looks into it.

A node is null, a boolean, a number, a text, or ``[tag, ...]``.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

MOST_BYTES = 200_000_000  # of one message
MOST_JSON = 40_000_000
MOST_BUFFERS = 10_000
MOST_DEPTH = 60
MOST_DIGITS = 4000
MOST_CELLS = 5_000_000  # of columns that did not travel
LONGEST_NAME = 200
PLAIN_KINDS = "biufcMmSU"
HEAD = struct.Struct("!II")
SIZE = struct.Struct("!Q")
LIBRARIES = ("sklearn", "fairlearn", "shap", "scipy")  # whose objects may be asked, but do not travel


class WireError(Exception):
    """The other side sent something that is no message, or a value outside the limits."""


class CannotCross(Exception):
    """A value of a type that does not travel; the message names the type."""


@dataclass(frozen=True)
class Handle:
    """Something that stays where it is: a function, an object of a named library, or a cell of a column."""

    number: int
    kind: str  # "function", "object" or "cell"
    type: str  # "sklearn.pipeline.Pipeline": as claimed; of a cell, what its column holds
    name: str
    row: int = 0  # of a cell


# ---- messages -------------------------------------------------------------------------------------------------------


def send(line: socket.socket, message: Any, buffers: Sequence[Any] = ()) -> None:
    """Send JSON and raw buffers."""
    text = json.dumps(message).encode()
    views = [memoryview(buffer).cast("B") for buffer in buffers]
    head = HEAD.pack(len(text), len(views)) + b"".join(SIZE.pack(view.nbytes) for view in views)
    line.sendall(head + text)
    for view in views:
        line.sendall(view)


def receive(line: socket.socket) -> tuple[Any, list[bytearray]]:
    """Return the next message and its buffers. Raises WireError, EOFError when the line was closed, TimeoutError."""
    length, count = HEAD.unpack(_exactly(line, HEAD.size))
    if length > MOST_JSON or count > MOST_BUFFERS:
        raise WireError("a value is too large")
    sizes = [SIZE.unpack(_exactly(line, SIZE.size))[0] for _ in range(count)]
    if sum(sizes) > MOST_BYTES:
        raise WireError("a value is too large")
    text = _exactly(line, length)
    buffers = [_exactly(line, size) for size in sizes]
    try:
        return json.loads(text), buffers
    except (ValueError, RecursionError):
        raise WireError("an answer is no message") from None


def _exactly(line: socket.socket, size: int) -> bytearray:
    data, got = bytearray(size), 0
    view = memoryview(data)
    while got < size:
        count = line.recv_into(view[got:])
        if not count:
            raise EOFError("the line was closed")
        got += count
    return data


# ---- sending --------------------------------------------------------------------------------------------------------


def words(values: pd.api.extensions.ExtensionArray) -> tuple[list[str | None], np.ndarray]:
    """The different texts in an array of texts, None for a missing one, and for each element the number of its text.

    Most columns repeat a few objects, which are told apart by their address: eight times as fast as by what they say.
    """
    if values.dtype.storage != "python":
        codes, texts = pd.factorize(values, use_na_sentinel=False)
        return [text if isinstance(text, str) else None for text in texts], codes
    objects = np.ascontiguousarray(np.asarray(values, dtype=object))
    codes, addresses = pd.factorize(np.frombuffer(objects, np.intp) if objects.size else np.empty(0, np.intp))
    example = np.empty(len(addresses), np.intp)
    example[codes] = np.arange(len(codes))
    return [text if isinstance(text, str) else None for text in objects[example].tolist()], codes


class Encoder:
    """Turns a value into a node and buffers. ``keep`` files what stays behind and returns its number."""

    def __init__(self, keep: Callable[[Any], int]):
        self.keep, self.buffers, self.size = keep, [], 0

    def node(self, value: Any, depth: int = 0) -> Any:
        """The node of ``value``. Raises CannotCross."""
        if depth > MOST_DEPTH:
            raise CannotCross("something nested too deeply")
        if value is None or value is True or value is False:
            return value
        for kind, encode in _ENCODERS:
            if isinstance(value, kind):
                return encode(self, value, depth + 1)
        return self._handle(value)

    def _handle(self, value: Any) -> list:
        kind = type(value)
        home = f"{kind.__module__}.{kind.__qualname__}"
        if home.partition(".")[0] in LIBRARIES:
            return ["handle", self.keep(value), "object", home, ""]
        if callable(value):
            return ["handle", self.keep(value), "function", home, str(getattr(value, "__name__", "function"))]
        raise CannotCross(home.removeprefix("__main__.").removeprefix("builtins."))

    def buffer(self, data: Any) -> int:
        self.size += memoryview(data).nbytes
        if self.size > MOST_BYTES:
            raise CannotCross(f"something larger than {MOST_BYTES // 1_000_000} MB")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _int(self, value: int, depth: int) -> Any:
        plain = int.__int__(value)
        if plain.bit_length() > 4 * MOST_DIGITS:
            raise CannotCross("a whole number of thousands of digits")
        return plain if abs(plain) < 1 << 63 else ["int", hex(plain)]

    def _float(self, value: float, depth: int) -> float:
        return float.__float__(value)

    def _text(self, value: str, depth: int) -> str:
        self.size += len(value)
        if self.size > MOST_JSON // 6:  # six bytes for a character that JSON escapes
            raise CannotCross("a text that is too long")
        return str.__str__(value)

    def _bytes(self, value: bytes, depth: int) -> list:
        return ["bytes", self.buffer(bytes(value))]

    def _complex(self, value: complex, depth: int) -> list:
        return ["complex", value.real, value.imag]

    def _range(self, value: range | slice, depth: int) -> list:
        return [type(value).__name__, *(self.node(part, depth) for part in (value.start, value.stop, value.step))]

    def _many(self, value: Any, depth: int) -> list:
        base = next(kind for kind in (list, tuple, set, frozenset) if isinstance(value, kind))
        return [base.__name__, *(self.node(part, depth) for part in base.__iter__(value))]

    def _dict(self, value: dict, depth: int) -> list:
        return ["dict", *([self.node(key, depth), self.node(part, depth)] for key, part in dict.items(value))]

    def _scalar(self, value: np.generic, depth: int) -> list:
        return ["scalar", self._array(np.asarray(value).reshape(1), depth)]

    def _array(self, value: np.ndarray, depth: int) -> list:
        value = np.asarray(value)
        if value.dtype.kind in PLAIN_KINDS:
            plain = np.ascontiguousarray(value)
            data = plain.view("u1").data if plain.size else b""
            return ["array", value.dtype.str, list(value.shape), self.buffer(data)]
        if value.dtype.kind == "O":
            return ["objects", list(value.shape), *(self.node(part, depth) for part in value.ravel().tolist())]
        raise CannotCross(f"an array of {value.dtype}")

    def _column(self, values: Any, depth: int) -> list:
        """The values of a Series or Index."""
        kind = values.dtype
        if isinstance(kind, pd.StringDtype):
            texts, codes = words(values.array)
            plain = [None if part is None else self._text(part, depth) for part in texts]
            return ["text", str(kind), plain, self._array(codes, depth)]
        if isinstance(kind, pd.CategoricalDtype):
            codes = np.asarray(values.cat.codes if isinstance(values, pd.Series) else values.codes)
            return ["categories", self._array(codes, depth), self._index(kind.categories, depth), bool(kind.ordered)]
        if isinstance(kind, pd.DatetimeTZDtype):
            moments = pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None)
            return ["zoned", self._array(moments.to_numpy(), depth), str(kind.tz)]
        if isinstance(kind, pd.IntervalDtype):
            ends = (self._column(pd.Index(end), depth) for end in (values.array.left, values.array.right))
            return ["intervals", *ends, values.array.closed]
        if isinstance(kind, pd.PeriodDtype):
            return ["periods", self._array(values.array.asi8, depth), values.array.freqstr]
        if isinstance(kind, np.dtype):
            return self._array(values.to_numpy(), depth)
        if str(kind) in MASKED:
            return ["masked", str(kind), self._array(values.astype(object).to_numpy(), depth)]
        raise CannotCross(f"a column of {kind}")

    def _column_or_cells(self, values: pd.Series, depth: int) -> list:
        """A column of a table, or what keeps its place if it cannot travel: a test may not even look at it."""
        count, size = len(self.buffers), self.size
        try:
            return self._column(values, depth)
        except CannotCross as error:
            del self.buffers[count:]
            self.size = size
            return ["cells", self.keep(values), len(values), f"{error} in the column {_text(values.name)}"]

    def _index(self, value: pd.Index, depth: int) -> list:
        if isinstance(value, pd.RangeIndex):
            return ["rangeindex", value.start, value.stop, value.step, self.node(value.name, depth)]
        if isinstance(value, pd.MultiIndex):
            levels = [self._index(level, depth + 1) for level in value.levels]
            codes = [self._array(np.asarray(code), depth) for code in value.codes]
            return ["multiindex", levels, codes, [self.node(name, depth) for name in value.names]]
        return ["index", self._column(value, depth), self.node(value.name, depth), _frequency(value)]

    def _series(self, value: pd.Series, depth: int) -> list:
        return ["series", self._column(value, depth), self._index(value.index, depth), self.node(value.name, depth)]

    def _frame(self, value: pd.DataFrame, depth: int) -> list:
        columns = [self._column_or_cells(value.iloc[:, number], depth) for number in range(value.shape[1])]
        return ["frame", self._index(value.columns, depth), self._index(value.index, depth), *columns]

    def _moment(self, value: pd.Timestamp | pd.Timedelta, depth: int) -> list:
        zone = getattr(value, "tz", None)
        return [type(value).__name__.lower(), value.isoformat(), None if zone is None else str(zone)]

    def _interval(self, value: pd.Interval, depth: int) -> list:
        return ["interval", self.node(value.left, depth), self.node(value.right, depth), value.closed]

    def _period(self, value: pd.Period, depth: int) -> list:
        return ["period", value.ordinal, value.freqstr]

    def _bare(self, value: pd.api.extensions.ExtensionArray, depth: int) -> list:
        return self._column(pd.Series(value, copy=False), depth)

    def _view(self, value: Any, depth: int) -> list:
        name = next(name for name, kind in VIEWS.items() if isinstance(value, kind))
        return [name, *(self.node(part, depth) for part in value)]

    def _iso(self, value: dt.date | dt.time, depth: int) -> list:
        return [type(value).__name__, value.isoformat()]

    def _span(self, value: dt.timedelta, depth: int) -> list:
        return ["span", value.days, value.seconds, value.microseconds]


def _frequency(index: pd.Index) -> str | None:
    """What an index of times says of its steps, if words can say it."""
    step = index.freq if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
    with suppress(ValueError):
        if step is not None and pd.tseries.frequencies.to_offset(step.freqstr) == step:
            return step.freqstr
    return None


def _text(name: Any) -> str:
    return repr(str.__str__(name)[:LONGEST_NAME]) if isinstance(name, str) else "without a name"


VIEWS = {"keys": type({}.keys()), "values": type({}.values()), "items": type({}.items())}
MASKED = {"boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"}
_ENCODERS: tuple[tuple[Any, Callable], ...] = (
    (type(pd.NaT), lambda self, value, depth: ["nat"]),
    (type(pd.NA), lambda self, value, depth: ["na"]),
    (np.generic, Encoder._scalar),  # before float: numpy's float64 is one
    (int, Encoder._int),
    (float, Encoder._float),
    (str, Encoder._text),
    ((bytes, bytearray), Encoder._bytes),
    (complex, Encoder._complex),
    ((range, slice), Encoder._range),
    ((list, tuple, set, frozenset), Encoder._many),
    (dict, Encoder._dict),
    (np.ndarray, Encoder._array),
    (pd.DataFrame, Encoder._frame),
    (pd.Series, Encoder._series),
    (pd.Index, Encoder._index),
    ((pd.Timestamp, pd.Timedelta), Encoder._moment),
    ((dt.datetime, dt.date, dt.time), Encoder._iso),
    (dt.timedelta, Encoder._span),
    (pd.Interval, Encoder._interval),
    (pd.Period, Encoder._period),
    (pd.api.extensions.ExtensionArray, Encoder._bare),
    (tuple(VIEWS.values()), Encoder._view),
)


# ---- receiving ------------------------------------------------------------------------------------------------------


class Decoder:
    """Builds plain values from a node that nobody vouches for. ``stand_in`` makes what represents a Handle."""

    def __init__(self, buffers: Sequence[bytearray], stand_in: Callable[[Handle], Any]):
        self.buffers, self.stand_in, self.cells = buffers, stand_in, 0

    def value(self, node: Any) -> Any:
        """The value of ``node``. Raises WireError."""
        try:
            return self._value(node, 0)
        except WireError:
            raise
        except Exception as error:  # of numpy and pandas, on values that do not fit together
            raise WireError(f"an answer does not fit together ({type(error).__name__})") from None

    def _value(self, node: Any, depth: int) -> Any:
        if depth > 2 * MOST_DEPTH:
            raise WireError("an answer is nested too deeply")
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        tag, *rest = node
        if tag not in _BUILDERS:
            raise WireError("an answer is no message")
        return _BUILDERS[tag](self, depth + 1, *rest)

    def _values(self, nodes: Sequence[Any], depth: int) -> list:
        return [self._value(node, depth) for node in nodes]

    def _array(self, depth: int, kind: str, shape: list[int], number: int) -> np.ndarray:
        dtype = np.dtype(kind)
        if dtype.kind not in PLAIN_KINDS or dtype.hasobject:
            raise WireError(f"an array of {dtype}")
        return np.frombuffer(self.buffers[number], dtype).reshape(shape).copy()

    def _objects(self, depth: int, shape: list[int], *nodes: Any) -> np.ndarray:
        return np.fromiter(self._values(nodes, depth), dtype=object, count=len(nodes)).reshape(shape)

    def _scalar(self, depth: int, node: Any) -> np.generic:
        return self._value(node, depth)[0]

    def _text(self, depth: int, kind: str, texts: list[str], codes: Any) -> Any:
        plain = [None if part is None else str(part) for part in texts]
        kinds = pd.StringDtype(na_value=pd.NA if kind == "string" else np.nan)
        return pd.array(plain, dtype=kinds)[self._value(codes, depth)]

    def _categories(self, depth: int, codes: Any, categories: Any, ordered: bool) -> pd.Categorical:
        return pd.Categorical.from_codes(self._value(codes, depth), self._value(categories, depth), bool(ordered))

    def _zoned(self, depth: int, values: Any, zone: str) -> Any:
        return pd.DatetimeIndex(self._value(values, depth)).tz_localize("UTC").tz_convert(zone).array

    def _masked(self, depth: int, kind: str, values: Any) -> Any:
        if kind not in MASKED:
            raise WireError(f"a column of {kind}")
        return pd.array(self._value(values, depth), dtype=kind)

    def _intervals(self, depth: int, left: Any, right: Any, closed: str) -> pd.arrays.IntervalArray:
        ends = (pd.Index(self._value(end, depth)) for end in (left, right))
        return pd.arrays.IntervalArray.from_arrays(*ends, closed=closed)

    def _periods(self, depth: int, ordinals: Any, step: str) -> pd.arrays.PeriodArray:
        numbers = self._value(ordinals, depth).astype("i8", casting="equiv")
        return pd.arrays.PeriodArray(numbers, dtype=pd.PeriodDtype(_short(step)))

    def _cells(self, depth: int, number: int, length: int, kind: str) -> np.ndarray:
        self.cells += length
        if not isinstance(number, int) or length < 0 or self.cells > MOST_CELLS:
            raise WireError("a value is too large")
        handles = (Handle(number, "cell", _short(kind), "", row) for row in range(length))
        return np.fromiter(map(self.stand_in, handles), dtype=object, count=length)

    def _rangeindex(self, depth: int, start: int, stop: int, step: int, name: Any) -> pd.RangeIndex:
        if len(range(start, stop, step)) > MOST_BYTES:
            raise WireError("a value is too large")
        return pd.RangeIndex(start, stop, step, name=self._value(name, depth))

    def _multiindex(self, depth: int, levels: list, codes: list, names: list) -> pd.MultiIndex:
        values = self._values
        return pd.MultiIndex(values(levels, depth), values(codes, depth), names=values(names, depth))

    def _index(self, depth: int, values: Any, name: Any, step: str | None = None) -> pd.Index:
        values, name = self._value(values, depth), self._value(name, depth)
        index = pd.Index(values, dtype=values.dtype, name=name)
        return index if step is None else type(index)(index, freq=_short(step))  # which fails unless it fits

    def _series(self, depth: int, values: Any, index: Any, name: Any) -> pd.Series:
        values, index, name = self._value(values, depth), self._value(index, depth), self._value(name, depth)
        return pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)

    def _frame(self, depth: int, columns: Any, index: Any, *values: Any) -> pd.DataFrame:
        names, index = self._value(columns, depth), self._value(index, depth)
        if len(names) != len(values):
            raise WireError("a table with more names than columns")
        columns = (_as_it_is(column, index) for column in self._values(values, depth))
        frame = pd.DataFrame(dict(enumerate(columns)), index=index)
        frame.columns = names
        return frame

    def _moment(self, depth: int, text: str, zone: str | None) -> pd.Timestamp:
        moment = pd.Timestamp(text)
        return moment if zone is None else moment.tz_convert(zone)

    def _handle(self, depth: int, number: int, kind: str, type_: str, name: str) -> Any:
        if not isinstance(number, int) or kind not in ("function", "object"):
            raise WireError("an answer is no message")
        return self.stand_in(Handle(number, kind, _short(type_), _short(name)))


def _as_it_is(values: Any, index: pd.Index) -> Any:
    """Objects that stay objects: left to itself, pandas makes text of them, or dates."""
    return pd.Series(values, index=index, dtype=object, copy=False) if values.dtype == object else values


def _short(text: Any) -> str:
    if not isinstance(text, str):
        raise WireError("an answer is no message")
    return text[:LONGEST_NAME]


_BUILDERS: Mapping[str, Callable] = {
    "nat": lambda self, depth: pd.NaT,
    "na": lambda self, depth: pd.NA,
    "int": lambda self, depth, text: int(text[: 4 * MOST_DIGITS], 16),
    "bytes": lambda self, depth, number: bytes(self.buffers[number]),
    "complex": lambda self, depth, real, imaginary: complex(real, imaginary),
    "range": lambda self, depth, *parts: range(*self._values(parts, depth)),
    "slice": lambda self, depth, *parts: slice(*self._values(parts, depth)),
    "list": lambda self, depth, *parts: self._values(parts, depth),
    "tuple": lambda self, depth, *parts: tuple(self._values(parts, depth)),
    "set": lambda self, depth, *parts: set(self._values(parts, depth)),
    "frozenset": lambda self, depth, *parts: frozenset(self._values(parts, depth)),
    "dict": lambda self, depth, *pairs: {self._value(key, depth): self._value(part, depth) for key, part in pairs},
    "array": Decoder._array,
    "objects": Decoder._objects,
    "scalar": Decoder._scalar,
    "text": Decoder._text,
    "categories": Decoder._categories,
    "zoned": Decoder._zoned,
    "masked": Decoder._masked,
    "intervals": Decoder._intervals,
    "periods": Decoder._periods,
    "cells": Decoder._cells,
    "rangeindex": Decoder._rangeindex,
    "multiindex": Decoder._multiindex,
    "index": Decoder._index,
    "series": Decoder._series,
    "frame": Decoder._frame,
    "timestamp": Decoder._moment,
    "timedelta": lambda self, depth, text, zone: pd.Timedelta(text),
    "datetime": lambda self, depth, text: dt.datetime.fromisoformat(text),
    "date": lambda self, depth, text: dt.date.fromisoformat(text),
    "time": lambda self, depth, text: dt.time.fromisoformat(text),
    "span": lambda self, depth, *parts: dt.timedelta(*parts),
    "interval": lambda self, depth, left, right, closed: pd.Interval(*self._values((left, right), depth), closed),
    "period": lambda self, depth, ordinal, step: pd.Period(ordinal=ordinal, freq=_short(step)),
    "keys": lambda self, depth, *parts: dict.fromkeys(self._values(parts, depth)).keys(),
    "values": lambda self, depth, *parts: dict(enumerate(self._values(parts, depth))).values(),
    "items": lambda self, depth, *parts: dict(self._values(parts, depth)).items(),
    "handle": Decoder._handle,
}
