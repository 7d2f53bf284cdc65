"""What travels between a student's kernel and the tests: plain values unchanged, anything else not at all."""

import datetime as dt
import json
import socket

import numpy as np
import pandas as pd
import pytest

from equipoise.grading.inside import wire

PLAIN = {
    "none": None,
    "truth": True,
    "int": -3,
    "huge": 2**200,
    "float": 0.1,
    "infinite": float("-inf"),
    "text": "Sauerstoffsättigung \ud800",
    "bytes": b"\x00\xff",
    "complex": 1 - 2j,
    "range": range(1, 9, 2),
    "slice": slice(1, None),
    "nested": [1, (2, [None, {"a": {1, 2}}]), frozenset("x")],
    "keys": {(1, "a"): 1.5, None: 2},
    "scalar": np.float64(0.25),
    "small scalar": np.int8(-7),
    "numpy truth": np.bool_(True),
    "moment": np.datetime64("2026-01-02T03:04"),
    "datetime": dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC),
    "date": dt.date(2026, 1, 2),
    "span": dt.timedelta(1, 2, 3),
    "timestamp": pd.Timestamp("2026-01-02", tz="Asia/Kolkata"),
    "timedelta": pd.Timedelta("90min"),
    "not a time": pd.NaT,
    "missing": pd.NA,
    "interval": pd.Interval(0.5, 2, closed="left"),
    "interval of dates": pd.Interval(pd.Timestamp("2026-01-01"), pd.Timestamp("2026-02-01")),
    "month": pd.Period("2026-02", freq="M"),
    "week": pd.Period("2026-02-04", freq="W-WED"),
}
ARRAYS = {
    "strided": np.arange(12.0).reshape(3, 4)[::2, ::-1],
    "empty": np.zeros((0, 3)),
    "no dimension": np.array(5),
    "texts": np.array(["a", "bcd"]),
    "objects": np.array([["a", None], [1, 2.5]], dtype=object),
    "dates": np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
}
EXTENSIONS = {
    "bare categorical": pd.Categorical(["b", "a", None], categories=["b", "a"], ordered=True),
    "bare integers": pd.array([1, None], dtype="Int8"),
    "bare texts": pd.array(["a", None], dtype="string"),
    "intervals": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 3)], closed="both"),
    "intervals with a gap": pd.arrays.IntervalArray.from_tuples([(0.5, 1), np.nan]),
    "months": pd.array(["2026-01", None], dtype="period[M]"),
}
INDEXES = {
    "days": pd.date_range("2026-01-01", periods=3, name="day"),
    "months": pd.date_range("2026-01-01", periods=3, freq="MS", tz="Europe/Berlin"),
    "no steps": pd.DatetimeIndex(["2026-01-01", "2026-01-05"]),
    "spans": pd.timedelta_range("1h", periods=3, freq="90min"),
    "bins": pd.interval_range(0, 3),
    "quarters": pd.period_range("2026Q1", periods=3, freq="Q"),
    "categories of bins": pd.CategoricalIndex(pd.cut([1, 2, 9], [0, 2, 5])),
    "objects": pd.Index(["a", None], dtype=object),
    "objects that are dates": pd.Index([pd.Timestamp("2026-01-01")], dtype=object),
    "truths": pd.Index([True, False]),
}
TABLE = pd.DataFrame(
    {
        "number": [1.5, np.nan],
        "text": ["x", None],
        "band": pd.Categorical(["dark", "light"], categories=["light", "dark"], ordered=True),
        "when": pd.to_datetime(["2026-01-01", "2026-01-02"]),
        "zoned": pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("Europe/Berlin"),
        "masked": pd.array([1, None], dtype="Int64"),
        "flag": [True, False],
        "object": pd.Series(["x", None], dtype=object, index=["a", "b"]).array,
        "dates": pd.Series([dt.datetime(2026, 1, 2)] * 2, dtype=object).array,
        "lists": [[1, 2], [3, 4]],
        "bin": pd.cut([1, 6], [0, 5, 9]),
        "interval": pd.arrays.IntervalArray.from_breaks([0, 5, 9]),
        "month": pd.period_range("2026-01", periods=2, freq="M"),
    },
    index=pd.Index(["a", "b"], name="id"),
)


def across(value):
    encoder = wire.Encoder(lambda kept: 7)
    node = json.loads(json.dumps(encoder.node(value)))
    buffers = [bytearray(memoryview(buffer).cast("B")) for buffer in encoder.buffers]
    return wire.Decoder(buffers, lambda handle: handle).value(node)


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_values_arrive_as_they_were(value):
    arrived = across(value)
    assert type(arrived) is type(value)
    assert arrived is value or arrived == value


@pytest.mark.parametrize("value", ARRAYS.values(), ids=ARRAYS)
def test_arrays_arrive_with_type_and_shape_and_can_be_changed(value):
    arrived = across(value)
    np.testing.assert_array_equal(arrived, value)
    assert (arrived.dtype, arrived.shape) == (value.dtype, value.shape)
    assert arrived.flags.writeable


def test_tables_arrive_with_their_types_and_index():
    pd.testing.assert_frame_equal(across(TABLE), TABLE)
    pd.testing.assert_series_equal(across(TABLE["text"]), TABLE["text"])
    grouped = TABLE.assign(one=1).groupby(["flag", "text"], dropna=False)["number"].agg(["size", "mean"])
    pd.testing.assert_frame_equal(across(grouped), grouped)


@pytest.mark.parametrize("value", EXTENSIONS.values(), ids=EXTENSIONS)
def test_arrays_of_pandas_arrive_as_they_were(value):
    pd.testing.assert_extension_array_equal(across(value), value)


@pytest.mark.parametrize("value", INDEXES.values(), ids=INDEXES)
def test_an_index_arrives_with_its_type_and_its_steps(value):
    pd.testing.assert_index_equal(across(value), value, exact=True, check_freq=True)
    series = pd.Series(range(len(value)), index=value)
    pd.testing.assert_series_equal(across(series), series)


def test_steps_that_words_cannot_say_stay_behind():
    days = pd.date_range("2026-01-01", periods=2, freq=pd.offsets.CDay(holidays=["2026-01-02"]))
    arrived = across(days)
    pd.testing.assert_index_equal(arrived, days, check_freq=False)
    assert arrived.freq is None


def test_series_of_objects_stay_objects():
    for values in (["x", None], [dt.datetime(2026, 1, 2)], [True, False], [[1], [2]]):
        series = pd.Series(values, dtype=object)
        pd.testing.assert_series_equal(across(series), series)


def test_views_of_a_dictionary_arrive_as_views():
    table = {"a": 1, "b": [2]}
    assert across(table.keys()) == table.keys()
    assert list(across(table.values())) == list(table.values())
    assert across({"a": 1}.items()) == {"a": 1}.items()
    assert [type(across(view)) for view in (table.keys(), table.values(), table.items())] == list(wire.VIEWS.values())


def test_a_column_that_cannot_travel_keeps_its_place():
    class Fake:
        pass

    table = TABLE.assign(odd=[Fake(), Fake()], sparse=pd.arrays.SparseArray([0, 1]), number=1)
    arrived = across(table)
    pd.testing.assert_frame_equal(arrived.drop(columns=["odd", "sparse"]), table.drop(columns=["odd", "sparse"]))
    assert list(arrived) == list(table)
    assert [(cell.kind, cell.number, cell.row) for cell in arrived["odd"]] == [("cell", 7, 0), ("cell", 7, 1)]
    assert arrived["odd"]["a"].type.endswith("Fake in the column 'odd'")
    assert arrived["sparse"]["a"].type == "a column of Sparse[int64, 0] in the column 'sparse'"


def test_columns_of_one_name_stay_two():
    twice = pd.concat([TABLE[["number"]], TABLE[["number"]]], axis=1)
    pd.testing.assert_frame_equal(across(twice), twice)


def test_a_subclass_arrives_as_its_plain_type():
    class Liar(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

        def __float__(self):
            return 1.0

    class Frame(pd.DataFrame):
        @property
        def shape(self):
            return (1, 1)

    class Items(dict):
        def items(self):
            return [("forged", 1)]

    assert type(across(Liar(0.25))) is float
    assert across(Liar(0.25)) == 0.25
    assert across(Liar(0.25)) != 0.5
    assert type(across(Frame({"a": [1, 2]}))) is pd.DataFrame
    assert across(Items(true=2)) == {"true": 2}


def test_functions_and_library_objects_stay_and_leave_a_handle():
    from sklearn.linear_model import LogisticRegression

    assert across(len) == wire.Handle(7, "function", "builtins.builtin_function_or_method", "len")
    handle = across((LogisticRegression(), 1))[0]
    assert (handle.kind, handle.type) == ("object", "sklearn.linear_model._logistic.LogisticRegression")


def test_anything_else_is_refused_with_its_type():
    class Fake:
        shape = (200,)

    cycle = []
    cycle.append(cycle)
    with pytest.raises(wire.CannotCross, match="Fake"):
        across([Fake()])
    with pytest.raises(wire.CannotCross, match="nested too deeply"):
        across(cycle)
    with pytest.raises(wire.CannotCross, match="digits"):
        across(10**100_000)
    with pytest.raises(wire.CannotCross, match="Sparse"):
        across(pd.Series(pd.arrays.SparseArray([0, 1])))
    with pytest.raises(wire.CannotCross, match="Fake"):
        across(pd.Series([Fake()]))


FORGED = {
    "no tag": ["unknown", 1],
    "no list": {"a": 1},
    "missing buffer": ["array", "<f8", [2], 3],
    "too few bytes": ["array", "<f8", [2000], 0],
    "objects by pickle": ["array", "|O", [1], 0],
    "structured": ["array", "V8", [1], 0],
    "endless range index": ["rangeindex", 0, 10**18, 1, None],
    "codes beyond": ["categories", ["array", "|i1", [8], 0], ["index", ["list", "a"], None], False],
    "names without columns": ["frame", ["index", ["list", "a", "b"], None], ["rangeindex", 0, 1, 1, None]],
    "handle of no kind": ["handle", 1, "class", "x", "y"],
    "handle without number": ["handle", "1", "function", "x", "y"],
    "unhashable key": ["dict", [["list"], 1]],
    "masked code": ["masked", "object", ["list"]],
    "empty node": [],
    "interval backwards": ["interval", 2, 1, "right"],
    "interval closed nowhere": ["interval", 1, 2, "here"],
    "interval of texts": ["interval", "a", "b", "right"],
    "intervals of two lengths": ["intervals", ["array", "|i1", [8], 0], ["array", "|i1", [4, 2], 0], "right"],
    "intervals of objects": ["intervals", ["objects", [1], ["list"]], ["objects", [1], ["list"]], "right"],
    "period of no number": ["period", "1", "M"],
    "period of no step": ["period", 1, ["M"]],
    "periods of fractions": ["periods", ["array", "<f8", [1], 0], "M"],
    "periods of an unknown step": ["periods", ["array", "<i8", [1], 0], "parsec"],
    "steps that do not fit": ["index", ["array", "<M8[s]", [1], 0], None, "parsec"],
    "steps of numbers": ["index", ["array", "<i8", [1], 0], None, "D"],
    "steps that are no text": ["index", ["array", "<M8[s]", [1], 0], None, 1],
    "endless cells": ["cells", 1, 10**12, "x"],
    "fewer than no cells": ["cells", 1, -1, "x"],
    "cells of no number": ["cells", "1", 1, "x"],
    "cells of no type": ["cells", 1, 1, None],
    "cells often": ["list", *[["cells", 1, 1_000_000, "x"]] * 6],
    "cells of no column": [
        "frame",
        ["index", ["array", "|i1", [1], 0], None],
        ["rangeindex", 0, 2, 1, None],
        ["cells"],
    ],
    "view of lists": ["keys", ["list"]],
    "items that are no pairs": ["items", 1],
    "array of another class": ["objects", [2], 1],
}


@pytest.mark.parametrize("node", FORGED.values(), ids=FORGED)
def test_a_forged_node_is_refused(node):
    with pytest.raises(wire.WireError):
        wire.Decoder([bytearray(b"\x05" * 8)], lambda handle: handle).value(node)


def test_a_deep_node_is_refused():
    node = 1
    for _ in range(500):
        node = ["list", node]
    with pytest.raises(wire.WireError, match="deep"):
        wire.Decoder([], lambda handle: handle).value(node)


@pytest.mark.parametrize(
    "head", [wire.HEAD.pack(1 << 31, 0), wire.HEAD.pack(2, 1 << 20), wire.HEAD.pack(2, 1) + wire.SIZE.pack(1 << 40)]
)
def test_a_message_that_announces_too_much_is_refused_before_it_is_read(head):
    near, far = socket.socketpair()
    with near, far:
        far.sendall(head + b"{}")
        with pytest.raises(wire.WireError, match="too large"):
            wire.receive(near)


def test_messages_come_whole_and_a_closed_line_is_noticed():
    near, far = socket.socketpair()
    with near:
        with far:
            wire.send(far, {"ask": "name"}, [b"abc", np.arange(3)])
        message, buffers = wire.receive(near)
        assert message == {"ask": "name"}
        assert buffers == [b"abc", np.arange(3).tobytes()]
        with pytest.raises(EOFError):
            wire.receive(near)
