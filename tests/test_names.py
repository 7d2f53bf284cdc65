"""The names of a cell, held against what Python itself does when the cell runs."""

import builtins

import pytest

from equipoise.grading.inside.names import BUILTINS, bound_names, free_names, independent

CELLS = [  # source, and the values of the names that it needs beside builtins
    ("a = b = 1\n(c, *d), e.x = (1, 2), 3", {"e": lambda: None}),
    ("a: int = 1\nb: str", {}),
    ("a += 1", {"a": 1}),
    ("a = a + 1", {"a": 1}),
    ("a = 1\na = a + 1", {}),
    ("a[b] = 1", {"a": [5], "b": 0}),
    ("import os.path, json as j\nfrom math import pi, e as euler", {}),
    ("for i in items:\n    last = i\nlast", {"items": [1]}),
    ("for x in x:\n    pass", {"x": [1]}),
    ("for a[b] in items:\n    pass", {"a": [5], "b": 0, "items": [1]}),
    ("with opened as (f, g):\n    pass", {"opened": __import__("contextlib").nullcontext((1, 2))}),
    ("squares = [n * k for n in numbers if n > least]", {"numbers": [1], "k": 2, "least": 0}),
    ("pairs = {a: b for a in rows for b in a}", {"rows": [(1,)]}),
    ("n = [n for n in n]", {"n": [1]}),
    ("grid = [[x * y for y in row] for x, row in rows]", {"rows": [(1, [2])]}),
    ("found = any((hit := x) for x in items)", {"items": [1]}),
    ("f = lambda x, y=z: x + y + w\nf(1)", {"z": 1, "w": 1}),
    ("sums = [(lambda y: x + y + z)(1) for x in items]", {"items": [1], "z": 1}),
    ("def f(a, *b, c=d, **e):\n    g = a\n    return b, c, e, g, h\nf(1)", {"d": 1, "h": 1}),
    ("def f(x=lambda y: y):\n    return y\nf()", {"y": 1}),
    ("def f():\n    return g()\ndef g():\n    return k\nf()", {"k": 1}),
    ("def f():\n    x = 1\n    def g():\n        return x + y\n    return g()\nf()", {"y": 1}),
    ("def f():\n    x = 1\n    def g():\n        nonlocal x\n        x += 1\n    g()\nf()", {}),
    ("def f():\n    global a\n    a = b\nf()\na", {"b": 1}),
    ("def f():\n    global a\n    a += 1\nf()", {"a": 1}),
    ("def f():\n    a = 1\n    del a\nf()", {}),
    ("def f():\n    try:\n        1 / 0\n    except ZeroDivisionError as e:\n        str(e)\nf()", {}),
    ("@decorate\ndef f(x: kind) -> result:\n    pass", {"decorate": lambda f: f, "kind": 1, "result": 1}),
    (
        "class C(Base):\n    two = 2\n    four = two + two\n    def f(self):\n        return two\nC().f()",
        {"Base": object, "two": 1},
    ),
    ("class C:\n    a = b\n    c = a", {"b": 1}),
    ("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    text = str(e)", {}),
    ("a = 1\ndel a", {}),
    ("del a", {"a": 1}),
    ("match shape:\n    case [x, *rest]:\n        pass", {"shape": [1, 2]}),
    ("match shape:\n    case {'a': y, **more} as z if y > least:\n        pass", {"shape": {"a": 1}, "least": 0}),
    ("text = f'{value!r:{width}} {[v for v in value]}'", {"value": [1], "width": 5}),
    ("while (line := read()):\n    break", {"read": lambda: 1}),
    ("type(a)", {"a": 1}),
]


def run(source: str, values: dict) -> set[str]:
    """Run a cell that finds ``values`` and return the names that it binds."""
    after = dict(values)
    exec(source, after)
    changed = {name for name in after if name not in values or after[name] is not values[name]}
    return {name for name in changed if not name.startswith("__")}


@pytest.mark.parametrize(("source", "needs"), CELLS)
def test_what_a_cell_binds_is_what_python_binds(source, needs):
    assert bound_names(source) == run(source, needs)


@pytest.mark.parametrize(("source", "needs"), CELLS)
def test_what_a_cell_needs_is_what_python_misses(source, needs):
    assert free_names(source) - BUILTINS == set(needs)
    for name in needs:
        with pytest.raises(NameError, match=f"'{name}'"):
            run(source, {other: value for other, value in needs.items() if other != name})


@pytest.mark.parametrize(
    ("source", "bound", "free"),
    [
        ("def f():\n    return later", {"f"}, {"later"}),
        (
            "async def f():\n    async for a in b:\n        pass\n    async with c as d:\n        d, a",
            {"f"},
            {"b", "c"},
        ),
        ("if flag:\n    a = 1\nelse:\n    b = 2", {"a", "b"}, {"flag"}),
        ("try:\n    import a\nexcept ImportError:\n    a = None\na", {"a"}, set()),
        ("match shape:\n    case [x, *rest]:\n        x\n    case y:\n        y", {"x", "rest", "y"}, {"shape"}),
        ("del a\nb = a", {"b"}, {"a"}),
        ("from math import *", set(), set()),
        ("await a", set(), {"a"}),
        ("display(a)\nlen(b)", set(), {"a", "b"}),
    ],
)
def test_what_may_be_bound_or_called_counts(source, bound, free):
    assert bound_names(source) == bound
    assert free_names(source) - BUILTINS == free


def test_lines_of_ipython_are_skipped_and_lines_of_python_are_not():
    assert free_names("%matplotlib inline\na = b\nif a:\n    !ls {c}") - BUILTINS == {"b"}
    assert free_names("a = (b\n     % c)") == {"b", "c"}
    assert bound_names("%%time\na = 1") == {"a"}


@pytest.mark.parametrize("source", ["def broken(:", "a = 1\0", "(" * 500, "-" * 10_000 + "1", "", "%%bash\necho $HOME"])
def test_what_is_no_python_has_no_names(source):
    assert bound_names(source) == free_names(source) == frozenset()


def test_a_cell_is_independent_if_all_that_it_needs_is():
    cells = [
        "import math\nSIZE = 3",
        "table = load(SIZE)",  # load: from nowhere, so it may be the student's
        "def area(r):\n    return SIZE * math.pi * r",
        "twice = 2 * area(1)",
        "rows = len(table)",
        "def late():\n    return after",
        "after = 1",
    ]
    assert independent(cells) == [True, False, True, True, False, False, True]


def test_builtins_are_those_of_python_and_the_two_of_ipython():
    assert BUILTINS - set(dir(builtins)) == {"display", "get_ipython"}
    assert "len" in free_names("len(a)")
