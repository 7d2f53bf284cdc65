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
}
ARRAYS = {
    "strided": np.arange(12.0).reshape(3, 4)[::2, ::-1],
    "empty": np.zeros((0, 3)),
    "no dimension": np.array(5),
    "texts": np.array(["a", "bcd"]),
    "objects": np.array([["a", None], [1, 2.5]], dtype=object),
    "dates": np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
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
    with pytest.raises(wire.CannotCross, match="period"):
        across(pd.Series(pd.period_range("2026-01", periods=2, freq="M")))


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
