"""Marking one submission in the real sandbox: what counts, what it costs to break, what students are told."""

import time

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import compute_checksum, determine_grade
from support import ROOT

from equipoise import labs, proof
from equipoise.grading.execute import Engine, Job
from equipoise.grading.sandbox import Limits, Nursery, Sandbox

LIMITS = Limits(
    cell_seconds=4,
    notebook_seconds=40,
    memory_bytes=300_000_000,
    processes=20,
    output_bytes=100_000,
    kept_bytes=1_000_000,
)
SETUP = "import numpy as np\nimport pandas as pd\nLIMIT = 10\n\ndef given(x):\n    return x + 1"


@pytest.fixture(scope="module")
def engine():
    with Nursery(Sandbox.BUBBLEWRAP, LIMITS, ("IPython", "numpy", "pandas", "sklearn.linear_model")) as nursery:
        yield Engine.of(nursery)


def cell(number, name, source):
    """A cell of the lab: ``test-…`` is a test of one point, ``given…`` is locked, anything else an answer."""
    test, answer = name.startswith("test"), not name.startswith(("test", "given"))
    flags = {"grade": test, "solution": answer, "locked": not answer, "task": False, "schema_version": 3}
    about = flags | {"grade_id": name, "cell_type": "code"} | ({"points": 1} if test else {})
    made = new_code_cell(source, id=f"cell-{number}", metadata={"nbgrader": about})
    made.metadata.nbgrader["checksum"] = compute_checksum(made)
    return made


def mark(engine, cells, answers, **more):
    """Mark ``answers`` to a lab of ``cells`` (source by name); return the marked notebook and the result."""
    key = new_notebook(cells=[cell(number, *one) for number, one in enumerate(cells.items())])
    handed_in = nbformat.from_dict(key)
    for one in handed_in.cells:
        one.source = answers.get(one.metadata.nbgrader.grade_id, one.source)
    job = Job("lab", "ada", "1", nbformat.writes(key), nbformat.writes(handed_in).encode(), **more)
    result = engine.mark(job)
    return nbformat.reads(result.notebook, as_version=4), result


def message(notebook, name):
    return notebook.metadata.equipoise.tests[name].message


STUB = "raise NotImplementedError()"
LAB = {
    "given": SETUP,
    "value": STUB,
    "test-value": "# Test: a number\nassert value == given(2), f'value is {value}, expected 3'",
    "double": STUB,
    "test-double": "# Test: a function\nfor x in (1, 2.5):\n    assert double(x) == 2 * x, f'{double(x)} for {x}'",
    "table": STUB,
    "test-table": "# Test: a table\nassert table['a'].sum() == LIMIT, f'the sum is {table.a.sum()}'\ntable['a'] = 0",
    "model": STUB,
    "test-model": (
        "# Test: a model\nfrom sklearn.linear_model import LinearRegression\nassert isinstance(model, LinearRegression)"
        "\nassert abs(model.coef_[0] - 2) < 1e-9 and model.fit_intercept\n"
        "assert abs(model.predict(pd.DataFrame({'x': [3.0]}))[0] - 6) < 1e-9, 'predicts wrongly'"
    ),
    "after": STUB,
    "test-after": "# Test: what a test does to a copy stays there\nassert after == 10, f'after is {after}'",
}
RIGHT = {
    "value": "value = given(2)",
    "double": "def double(x):\n    print('doubling', x)\n    return 2 * x",
    "table": "table = pd.DataFrame({'a': [1, 2, 3, 4]})",
    "model": (
        "from sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression().fit(pd.DataFrame({'x': [0.0, 1.0]}), [0.0, 2.0])"
    ),
    "after": "after = int(table['a'].sum())",
}


def test_a_right_answer_earns_all_and_nbgraders_rule_says_the_same(engine):
    notebook, result = mark(engine, LAB, RIGHT)
    assert result.scores == dict.fromkeys([name for name in LAB if name.startswith("test")], 1.0)
    assert result.answered == set(RIGHT)
    tests = [one for one in notebook.cells if labs.is_test(one)]
    assert [determine_grade(one)[0] for one in tests] == [1.0] * 5
    assert "doubling 2.5" in notebook.cells[4].outputs[0].text
    assert notebook.metadata.equipoise.cost.cpu_seconds > 0
    assert notebook.metadata.equipoise.cost.peak_bytes > 0


def test_a_wrong_answer_costs_its_test_and_its_message_is_kept(engine):
    wrong = RIGHT | {"value": "value = 7", "double": "def double(x):\n    return x", "table": STUB}
    notebook, result = mark(engine, LAB, wrong)
    assert result.scores == {"test-value": 0, "test-double": 0, "test-table": 0, "test-model": 1, "test-after": 0}
    assert message(notebook, "test-value") == "value is 7, expected 3"
    assert message(notebook, "test-double") == "1 for 1"
    assert "`table` is not defined" in message(notebook, "test-table")
    assert [determine_grade(one)[0] for one in notebook.cells if labs.is_test(one)] == list(result.scores.values())


def test_nothing_answered_earns_nothing(engine):
    _, result = mark(engine, LAB, {})
    assert set(result.scores.values()) == {0}
    assert not result.answered


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("class Same:\n    def __eq__(self, other): return True\nvalue = Same()", "holds Same"),
        ("value = lambda: 3", "`<lambda>` is a function"),
        ("value = [3] * 2", "value is [3, 3]"),
        ("value = float('nan')", "value is nan"),
        ("class F(float):\n    def __eq__(self, o): return True\n    __hash__ = None\nvalue = F(1)", "value is 1.0"),
        ("value = (n for n in [3])", "holds generator"),
        ("given = lambda x: 0\nvalue = 0", "value is 0"),
        ("value = []\nvalue.append(value)", "nested too deeply"),
    ],
)
def test_objects_that_pretend_gain_nothing(engine, value, words):
    notebook, result = mark(engine, LAB, RIGHT | {"value": value})
    assert result.scores["test-value"] == 0
    assert words in message(notebook, "test-value")


def test_a_fake_estimator_answers_only_what_its_class_has(engine):
    fake = (
        "class Fake:\n    coef_ = [2]\n    fit_intercept = True\n    def predict(self, x): return [6]\n"
        "Fake.__module__ = 'sklearn.linear_model._base'\nmodel = Fake()"
    )
    notebook, result = mark(engine, LAB, RIGHT | {"model": fake})
    assert result.scores["test-model"] == 0
    assert "claims to be sklearn.linear_model._base.Fake" in message(notebook, "test-model")


def test_a_kernel_that_is_ended_costs_its_cell_and_what_rests_on_it(engine):
    wrong = RIGHT | {"double": "import os\nos._exit(0)"}
    notebook, result = mark(engine, LAB, wrong)
    assert result.scores == {"test-value": 1, "test-double": 0, "test-table": 1, "test-model": 1, "test-after": 1}
    assert [(note.cell, note.kind) for note in result.notes] == [("double", "killed")]
    assert "The kernel stopped while this cell ran" in notebook.cells[3].outputs[0].evalue


def test_a_kernel_that_is_ended_again_and_again_ends_in_marks_all_the_same(engine):
    dying = dict.fromkeys(RIGHT, "import os\nos._exit(0)")
    notebook, result = mark(engine, LAB, dying)
    assert set(result.scores.values()) == {0}
    assert "started again too often" in message(notebook, "test-after")


MORE = """
table = pd.DataFrame({"a": [1, 2, 3, 4]})
table["bin"] = pd.cut(table["a"], [0, 2, 9])
table["month"] = pd.period_range("2026-01", periods=4, freq="M")
table["why"] = pd.Series(["x", None, "y", "z"], dtype=object)
table["odd"] = [object() for _ in range(4)]

def total(table):
    return sum(part["a"].sum() for _, part in table.groupby("bin", observed=True))
"""
TEST_MORE = """
assert table['a'].sum() == LIMIT, f'the sum is {table.a.sum()}'
assert list(table.dropna(subset='a').sort_values('a')['why']) == ['x', None, 'y', 'z'], 'another order'
assert total(table[table['a'] > 1]) == 9, f'the total is {total(table)}'
"""


def test_more_columns_than_were_asked_for_cost_nothing_as_in_one_process(engine, tmp_path):
    lab, answers = LAB | {"test-table": TEST_MORE}, RIGHT | {"table": MORE}
    alone = new_notebook(cells=[cell(n, name, answers.get(name, lab[name])) for n, name in enumerate(lab)])
    _, result = mark(engine, lab, answers)
    assert result.scores == dict.fromkeys(result.scores, 1) == proof.run(alone, tmp_path, ROOT).scores


ODD = """
class Odd:
    def __init__(self, number):
        self.number = number
    def yes(self, other):
        return 4
    __eq__ = __radd__ = yes

def numbers(table):
    return [odd.number for odd in table["odd"]]

table = pd.DataFrame({"a": [1, 2, 3, 4], "odd": [Odd(number) for number in range(4)]})
"""


def test_a_column_that_cannot_travel_costs_the_test_that_looks_into_it(engine):
    tests = {
        "test-sum": "assert sum(table['odd']) == 4",
        "test-equal": "assert (table['odd'] == 4).all()",
        "test-truth": "assert table['odd'].all() and table.loc[0, 'odd']",
        "test-attribute": "assert table.loc[0, 'odd'].number == 0",
        "test-given-back": "assert numbers(table.iloc[::-1]) == [3, 2, 1, 0]",
    }
    notebook, result = mark(engine, {"given": SETUP, "table": STUB} | tests, {"table": ODD})
    assert result.scores == dict.fromkeys(tests, 0) | {"test-given-back": 1}
    for name in set(tests) - {"test-given-back"}:
        assert "`table` holds Odd in the column 'odd', which a test cannot look into" in message(notebook, name)


@pytest.mark.parametrize(
    "loop", ["while True: pass", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"]
)
def test_an_endless_loop_costs_its_cell_even_if_it_swallows_interrupts(engine, loop):
    _, result = mark(engine, LAB, RIGHT | {"double": loop})
    assert result.scores == {"test-value": 1, "test-double": 0, "test-table": 1, "test-model": 1, "test-after": 1}
    assert any(note.cell == "double" and note.kind == "limit" for note in result.notes)


def test_a_function_that_never_returns_costs_its_test(engine):
    notebook, result = mark(engine, LAB, RIGHT | {"double": "def double(x):\n    while True: pass"})
    assert result.scores == {"test-value": 1, "test-double": 0, "test-table": 1, "test-model": 1, "test-after": 1}
    assert "took longer than 4 seconds" in message(notebook, "test-double")


def test_a_function_that_ends_the_kernel_costs_its_test(engine):
    _, result = mark(engine, LAB, RIGHT | {"double": "def double(x):\n    import os\n    os._exit(0)"})
    assert result.scores == {"test-value": 1, "test-double": 0, "test-table": 1, "test-model": 1, "test-after": 1}


def test_too_much_memory_is_an_error_or_the_end_of_the_cell(engine):
    notebook, result = mark(engine, LAB, RIGHT | {"double": "x = bytearray(10 ** 9)"})
    assert result.scores["test-double"] == 0 and result.scores["test-after"] == 1
    assert notebook.cells[3].outputs[0].ename == "MemoryError"


def test_a_cell_that_prints_faster_than_is_read_is_not_taken_for_endless(engine):
    lines = "value = given(2)\nfor number in range(5000):\n    print(number, flush=True)"
    _, result = mark(engine, LAB, RIGHT | {"value": lines})
    assert result.scores["test-value"] == 1
    assert [note.text for note in result.notes] == ["This cell printed more than is kept; the rest was left out"]


def test_output_is_cut_and_said_so(engine):
    notebook, result = mark(engine, LAB, RIGHT | {"double": "print('x' * 10 ** 6)\n" + RIGHT["double"]})
    assert result.scores["test-double"] == 1
    assert len(nbformat.writes(notebook)) < 300_000
    assert any("printed more than is kept" in note.text for note in result.notes)


FLOOD = "print('x' * 10 ** 6)"


def test_output_that_is_cut_in_one_cell_or_test_is_whole_again_in_the_next(engine):
    flooding = f"def double(x):\n    {FLOOD}\n    return 2 * x"
    notebook, result = mark(engine, LAB, RIGHT | {"double": flooding, "table": "print('here')\n1 / 0"})
    assert result.scores["test-double"] == 1
    assert [output.get("text", output.get("ename")) for output in notebook.cells[5].outputs] == [
        "here\n",
        "ZeroDivisionError",
    ]
    cut = [note for note in result.notes if "printed more than is kept" in note.text]
    assert [(note.cell, note.kind) for note in cut] == [("test-double", "limit")]


def test_a_cell_that_prints_too_much_and_ends_its_kernel_is_told_both(engine):
    _, result = mark(
        engine, LAB, RIGHT | {"double": f"import os, time\n{FLOOD}\nprint(flush=True)\ntime.sleep(0.5)\nos._exit(0)"}
    )
    assert [(note.cell, note.kind) for note in result.notes] == [("double", "limit"), ("double", "killed")]


def test_a_whole_notebook_has_a_share_of_output_and_then_only_its_errors_are_kept(engine):
    pieces = "for _ in range(9): display('y' * 9_000)"
    lab = {"given": SETUP} | {f"a{n}": STUB for n in range(20)} | {"late": STUB, "test-late": "assert late == 3, 'no'"}
    answers = {f"a{n}": pieces for n in range(20)} | {"a19": pieces + "\nraise ValueError('e' * 5_000)"}
    notebook, result = mark(engine, lab, answers | {"late": f"{pieces}\nlate = 3"})
    assert result.scores == {"test-late": 1}
    assert len(nbformat.writes(notebook)) < 1.5 * LIMITS.kept_bytes
    assert len(notebook.cells[1].outputs) == 9
    assert [(note.kind, note.text) for note in result.notes] == [
        ("limit", "The notebook has put out more than 1 MB; from this cell on, only errors are kept")
    ]
    ((error,), last) = notebook.cells[20].outputs, notebook.cells[21].outputs
    assert (error.ename, last) == ("ValueError", []) and len(error.evalue) < 2_100


def test_a_display_is_not_changed_by_a_later_cell_when_it_was_looked_at(engine):
    lab = {"first": STUB, "second": STUB}
    answers = {
        "first": "handle = display('plain', display_id='one')",
        "second": "from IPython.display import HTML\nhandle.update(HTML('<script>alert(1)</script>'))",
    }
    notebook, _ = mark(engine, lab, answers)
    assert notebook.cells[0].outputs[0].data == {"text/plain": "'plain'"}


def test_a_file_of_the_students_stands_nowhere_in_place_of_the_course(engine):
    lab = {"given": "import os\nplace = os.environ['EQUIPOISE_COURSE']\nbeside = sorted(os.listdir())", "value": STUB}
    lab |= {
        "test-value": "assert open(place + '/_toc.yml').read() == 'ours' and value == 'theirs'\nassert 'data' in beside"
    }
    for name in ("course", "course/_toc.yml", "course/_toc.yml/x"):
        files = {name: b"theirs", "data/a.csv": b"1"}
        answers = {"value": f"value = open({name!r}).read()"}
        _, result = mark(engine, lab, answers, files=files, course={"_toc.yml": b"ours"})
        assert result.scores == {"test-value": 1}, name


def test_tests_whose_own_process_never_started_are_told_so(engine):
    notebook, result = mark(engine, LAB, RIGHT, course={"../x": b""})
    assert set(result.scores.values()) == {0}
    assert "the test's own process stop" in message(notebook, "test-value")


def test_two_submissions_draw_different_numbers(engine):
    draw = "import random\nprint(random.random(), np.random.random())"
    drawn = [mark(engine, LAB, {"value": draw})[0].cells[1].outputs[0].text.split() for _ in range(2)]
    assert len({number for pair in drawn for number in pair}) == 4


def test_what_a_function_prints_on_stderr_costs_nothing(engine):
    noisy = "import warnings\ndef double(x):\n    warnings.warn('careful')\n    return 2 * x"
    notebook, result = mark(engine, LAB, RIGHT | {"double": noisy})
    assert result.scores["test-double"] == 1
    assert {output.name for output in notebook.cells[4].outputs} == {"stdout"}


def test_hidden_text_is_in_no_process_of_the_students(engine):
    lab = LAB | {"test-double": "# Test: a function\nCANARY = 'c4n4ry'\nassert double(2) == 4, 'no'"}
    spy = (
        "def double(x):\n    import gc\n    word = ''.join(['c4n', '4ry'])\n"
        "    print('seen', sum(word in str(thing)[:500] for thing in gc.get_objects()))\n    return 4"
    )
    notebook, _ = mark(engine, lab, RIGHT | {"double": spy})
    assert "seen 0" in notebook.cells[4].outputs[0].text


def test_nothing_outlives_its_submission(engine):
    left = "import subprocess\nsubprocess.Popen(['sleep', '4242.5'], start_new_session=True)"
    mark(engine, LAB, RIGHT | {"double": left})
    time.sleep(0.3)
    assert not any("4242.5" in " ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))


def test_each_submission_starts_from_an_empty_folder(engine):
    for _ in range(2):
        notebook, _ = mark(
            engine, LAB, {"value": "import os\nprint(sorted(os.listdir()))\nopen('x', 'w')"}, files={"data/a.csv": b"1"}
        )
        assert notebook.cells[1].outputs[0].text == "['data']\n"


def test_what_cannot_be_read_gets_nothing_with_its_reason(engine):
    key = nbformat.writes(new_notebook(cells=[cell(n, *one) for n, one in enumerate(LAB.items())]))
    for handed_in in (None, b"", b"{", b"[]", b"\xff\xfe"):
        result = engine.mark(Job("lab", "ada", "1", key, handed_in))
        assert set(result.scores.values()) == {0} and len(result.scores) == 5
        assert result.notes[0].kind == "unreadable"
