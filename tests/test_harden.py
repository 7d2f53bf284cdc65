"""Whatever is handed in comes out in the released shape, with the student's own work in it."""

import json
import random
import time
from copy import deepcopy
from itertools import pairwise

import nbformat
import pytest
from nbgrader.utils import is_locked, is_solution

from equipoise import labs
from equipoise.grading.harden import MOST_CELLS, Kind, harden

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg=="
SECONDS = 8  # of CPU, for the worst of files; on a quiet machine all take less than 2
SPLIT_IN_TWO = "train, test = split_by_patient(readings)"  # a statement that stands alone at the end of a solution


@pytest.fixture(scope="module", name="lab")
def _lab(course):
    return course.labs["pulse-oximetry"]


@pytest.fixture(scope="module", name="key")
def _key(lab):
    key = labs.marked_notebook(lab, {})
    for cell in key.cells:
        cell.metadata.pop("equipoise", None)
    named(key, "compare").metadata["equipoise"] = {"display": True}
    return key


@pytest.fixture(scope="module", name="marked")
def _marked(lab, key):
    """What must come out of a submission with every answer right."""
    marked = deepcopy(key)
    for cell in marked.cells:
        cell.source = labs.solutions(lab).get(labs.grade_id(cell), cell.source)
    return marked


@pytest.fixture(name="work")
def _work(lab):
    """A submission with every answer right, to be spoilt."""
    return labs.submission(lab, labs.solutions(lab))


def named(notebook, name):
    return next(cell for cell in notebook.cells if labs.grade_id(cell) == name)


def place(notebook, name):
    return notebook.cells.index(named(notebook, name))


def written(notebook) -> bytes:
    return json.dumps(notebook).encode()


def said(result) -> dict[str | None, str]:
    return {note.cell: note.text for note in result.notes}


def sources(result, first, last):
    """The sources from one named cell to another, both included."""
    cells = result.notebook.cells
    return [cell.source for cell in cells[place(result.notebook, first) : place(result.notebook, last) + 1]]


def own(source, cell_type="code", **more):
    cell = {"cell_type": cell_type, "metadata": {}, "source": source} | more
    return nbformat.from_dict(cell | ({"outputs": [], "execution_count": 1} if cell_type == "code" else {}))


def copy_of(cell, source):
    """A cell as JupyterLab pastes or splits it: with all metadata, and another id."""
    return nbformat.from_dict({**deepcopy(cell), "id": "pasted", "source": source})


def split(notebook, name, at):
    """Split a cell as JupyterLab does: the upper part is new, the lower keeps the id, line ends at the cut go."""
    cell, i = named(notebook, name), place(notebook, name)
    upper, lower = cell.source[:at].rstrip("\n"), cell.source[at:].lstrip("\n")
    notebook.cells.insert(i, copy_of(cell, upper))
    cell.source = lower
    return upper, lower


# --- A submission that needs no repair


def test_honest_submission_passes_unchanged_and_without_notes(key, marked, work):
    before = deepcopy(key)
    result = harden(key, written(work))
    assert result.notebook == marked
    assert result.notes == ()
    assert result.readable
    assert key == before
    nbformat.validate(result.notebook)


def test_untouched_submission_is_the_key(lab, key):
    result = harden(key, written(labs.student_notebook(lab)))
    assert result.notebook == key
    assert result.notes == ()


# --- Repairs after which the notebook is as if nothing had happened


def tag_test(notebook):
    named(notebook, "test-gap").metadata["tags"] = ["skip-execution"]


def decorate(notebook):
    notebook.metadata = {"kernelspec": {"name": "evil", "display_name": "x"}, "widgets": 7}
    for cell in notebook.cells:
        cell.metadata |= {"execution": {"iopub.status.busy": "x"}, "tags": ["hide-input"], "foreign": {"a": [1]}}
        if cell.cell_type == "code" and labs.grade_id(cell) != "compare":
            cell.execution_count, cell.outputs = 7, [{"output_type": "stream", "name": "stdout", "text": "x"}]


def change_test(notebook):
    named(notebook, "test-gap").source = "pass"


def change_setup(notebook):
    named(notebook, "setup").source += "\nimport pickle"


def change_locked_text(notebook):
    named(notebook, "rubric").source = named(notebook, "rubric").source.replace(" |\n", " |  \n\n")


def white_space(notebook):
    for cell in notebook.cells:
        if is_locked(cell):
            cell.source = cell.source.replace("\n", "  \n") + "\n\n"


def delete_test(notebook):
    notebook.cells.remove(named(notebook, "test-gap"))


def delete_locked(notebook):
    notebook.cells.remove(named(notebook, "setup"))


def delete_text(notebook):
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code" or labs.grade_id(cell) == "memo"]


def move(notebook):
    notebook.cells.append(notebook.cells.pop(place(notebook, "gap")))


def reverse(notebook):
    notebook.cells.reverse()


def copy_test(notebook):
    notebook.cells.append(deepcopy(named(notebook, "test-gap")))


def copy_answer(notebook):
    notebook.cells.insert(0, deepcopy(named(notebook, "gap")))


def stub_after_answer(notebook):
    given = named(notebook, "gap").source.splitlines()[:2]
    stub = "\n".join([*given, "    # YOUR CODE HERE", "    raise NotImplementedError()"])
    notebook.cells.insert(place(notebook, "gap") + 1, copy_of(named(notebook, "gap"), stub))


def flip(name, **flags):
    def spoil(notebook):
        named(notebook, name).metadata.nbgrader |= flags

    return spoil


def schema(version):
    def spoil(notebook):
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader["schema_version"] = version

    return spoil


def forget_name(notebook):
    del named(notebook, "gap").metadata["nbgrader"]["grade_id"]


def forget_metadata(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


def forget_name_and_id(notebook):
    cell = named(notebook, "gap")
    cell.metadata, cell.id = {}, "another"


def forget_essay(notebook):
    cell = named(notebook, "memo")
    cell.metadata, cell.id = {}, "another"


def rename(notebook):
    named(notebook, "gap").metadata.nbgrader["grade_id"] = "hole"


def swap_names(notebook):
    named(notebook, "gap").metadata.nbgrader["grade_id"] = "test-gap"


def retype(name, cell_type):
    def spoil(notebook):
        named(notebook, name).cell_type = cell_type

    return spoil


def same_ids(notebook):
    for cell in notebook.cells:
        cell.id = "cell-1"


def wrong_fields(notebook):
    for cell in notebook.cells:
        cell.outputs, cell.attachments, cell.execution_count, cell.metadata["tags"] = 5, "x", {}, 7


def blank_cells(notebook):
    for i in range(0, 50, 3):
        notebook.cells.insert(i, own(" \n"))


def lines(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.splitlines(keepends=True)


ORDER = {None: "put back into the released order"}
REPAIRS = [
    (tag_test, {"test-gap": "tag"}),
    (decorate, {}),
    (change_test, {"test-gap": "had been changed"}),
    (change_setup, {"setup": "had been changed"}),
    (change_locked_text, {}),
    (white_space, {}),
    (delete_test, {"test-gap": "This cell was not in the notebook"}),
    (delete_locked, {"setup": "This cell was not in the notebook"}),
    (delete_text, {}),
    (move, ORDER),
    (reverse, ORDER),
    (copy_test, {"test-gap": "more than once"}),
    (copy_answer, {"gap": "more than once"}),
    (stub_after_answer, {"gap": "more than once"}),
    (flip("test-gap", points=2000), {"test-gap": "points or flags"}),
    (flip("test-gap", solution=True), {"test-gap": "points or flags"}),
    (flip("test-gap", grade=False), {"test-gap": "points or flags"}),
    (flip("gap", locked=True, solution=False), {"gap": "points or flags"}),
    (schema(1), {}),
    (schema(99), {}),
    (schema("x"), {}),
    (forget_name, {"gap": "lost its name"}),
    (forget_name_and_id, {"gap": "lost its name"}),
    (forget_essay, {"memo": "lost its name"}),
    (rename, {"gap": "lost its name"}),
    (swap_names, {"gap": "lost its name", "test-gap": "more than once"}),
    (retype("gap", "markdown"), {"gap": "another type"}),
    (retype("test-gap", "raw"), {"test-gap": "another type"}),
    (retype("memo", "code"), {"memo": "another type"}),
    (same_ids, {}),
    (wrong_fields, {}),
    (blank_cells, {}),
    (lines, {}),
]


@pytest.mark.parametrize(("spoil", "expected"), REPAIRS, ids=[f"{n}-{r[0].__name__}" for n, r in enumerate(REPAIRS)])
def test_accident_or_trick_leaves_no_trace_but_a_note(key, marked, work, spoil, expected):
    spoil(work)
    result = harden(key, written(work))
    assert result.readable
    assert said(result).keys() == expected.keys()
    assert all(words in said(result)[cell] for cell, words in expected.items())
    assert {note.kind for note in result.notes} <= {Kind.REPAIRED}
    assert result.notebook == marked


@pytest.mark.parametrize("ids", [True, False])
def test_notebook_without_metadata_is_recognised(key, marked, work, ids):
    """By text and id; without ids, by text, the stubs' first lines and the essay's place."""
    forget_metadata(work)
    if not ids:
        for cell in work.cells:
            del cell["id"]
    result = harden(key, written(work))
    assert result.notebook == marked
    assert all("lost its name" in text for text in said(result).values())


@pytest.mark.parametrize("minor", [0, 4, 5, 6, 99, "x", None])
def test_any_minor_version_is_read(key, marked, work, minor):
    work.nbformat_minor = minor
    assert harden(key, written(work)).notebook == marked


def test_notebook_of_format_3_is_read(key, marked, work):
    old = nbformat.convert(deepcopy(work), 3)
    assert "worksheets" in old
    result = harden(key, written(old))
    assert result.notebook == marked
    assert result.notes == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-32"),
        lambda text: json.dumps(json.loads(text), indent=1).replace("\n", "\r\n").encode(),
        lambda text: text.replace('"execution_count": null', f'"execution_count": {"9" * 5000}').encode(),
        lambda text: text.replace(
            '"execution_count": null', '"execution_count": NaN, "more": [-Infinity, 1e999]'
        ).encode(),
        lambda text: text.replace('"metadata": {', '"metadata": {"raw": "\t\n\x01", ').replace(", }", "}").encode(),
        lambda text: text.replace('"cells":', '"cells": 7, "cells":').encode(),
        lambda text: text.replace('"source":', '"source": ["twice"], "source":').encode(),
    ],
    ids=["bom", "utf-16", "utf-32", "crlf", "huge-int", "nan", "control-characters", "cells-twice", "source-twice"],
)
def test_unusual_file_is_read(key, marked, work, change):
    result = harden(key, change(json.dumps(work, ensure_ascii=False)))
    assert result.notebook == marked
    assert result.notes == ()


def test_file_of_another_encoding_loses_only_the_characters_concerned(key, work):
    named(work, "memo").source = "café"
    result = harden(key, json.dumps(work, ensure_ascii=False).encode("latin-1", "replace"))
    assert named(result.notebook, "memo").source == "caf\ufffd"
    assert "no UTF-8" in said(result)[None]


def test_lone_surrogates_and_nul_cannot_reach_the_file(key, work):
    named(work, "gap").source = "x = '\ud800\0'"
    work.cells.append(own("\udfff", id="\ud800"))
    result = harden(key, written(work))
    assert named(result.notebook, "gap").source == "x = '?\ufffd'"
    nbformat.writes(result.notebook).encode()


# --- Answers that are missing, doubled or split


def test_deleted_answer_is_its_stub_again(key, marked, work):
    work.cells.remove(named(work, "gap"))
    result = harden(key, written(work))
    assert named(result.notebook, "gap") == named(key, "gap")
    assert said(result) == {"gap": "This answer was not in the notebook; it was put back as released."}
    i = place(marked, "gap")
    assert result.notebook.cells[:i] + result.notebook.cells[i + 1 :] == marked.cells[:i] + marked.cells[i + 1 :]


def test_what_was_written_in_place_of_a_deleted_answer_runs_after_its_stub(key, work):
    i = place(work, "gap")
    work.cells[i : i + 1] = [own("# My own way"), own("largest_gap = lambda rates: 0")]
    result = harden(key, written(work))
    stub = named(key, "gap").source
    assert sources(result, "gap", "test-gap")[:-1] == [stub, "# My own way", "largest_gap = lambda rates: 0"]


def test_answer_that_was_typed_anew_elsewhere_in_its_gap_is_the_answer(key, marked, work):
    i = place(work, "gap")
    work.cells[i] = own("# My own way\n" + work.cells[i].source)
    result = harden(key, written(work))
    assert sources(result, "gap", "test-gap")[0] == work.cells[i].source
    assert len(result.notebook.cells) == len(marked.cells)


def test_answer_typed_elsewhere_is_an_own_cell_there(key, work):
    cell = work.cells.pop(place(work, "gap"))
    work.cells.insert(0, own(cell.source))
    result = harden(key, written(work))
    assert named(result.notebook, "gap") == named(key, "gap")
    assert result.notebook.cells[0].source == cell.source


def test_own_cells_stay_where_they_are_without_anything_but_text(key, work):
    shown = {"output_type": "stream", "name": "stdout", "text": "x"}
    extra = own("1 / 0", id="cell-14", metadata={"tags": ["skip-execution"], "nbgrader": {"grade_id": "x"}})
    extra["outputs"] = [shown]
    note = own(
        "My thoughts", "markdown", attachments={"a.png": {"image/png": PNG}, "b.svg": {"image/svg+xml": "<svg/>"}}
    )
    i = place(work, "gap")
    work.cells[i + 1 : i + 1] = [extra, note]
    work.cells.insert(0, own("first", "raw"))
    result = harden(key, written(work))
    i = place(result.notebook, "gap")
    code, text = result.notebook.cells[i + 1 : i + 3]
    assert (code.source, code.metadata, code.outputs, code.execution_count) == ("1 / 0", {}, [], None)
    assert (text.source, text.attachments) == ("My thoughts", {"a.png": {"image/png": PNG}})
    assert result.notebook.cells[0].source == "first"
    assert [cell.id for cell in result.notebook.cells if cell.id.startswith("extra")] == [
        "extra-1",
        "extra-2",
        "extra-3",
    ]
    assert result.notes == ()
    nbformat.validate(result.notebook)


def test_ids_of_own_cells_avoid_the_keys(key, work):
    renamed = deepcopy(key)
    renamed.cells[0].id = "extra-1"
    work.cells.append(own("x = 1"))
    assert harden(renamed, written(work)).notebook.cells[-1].id == "extra-2"


def test_free_cells_belong_to_the_student(key, work):
    work.cells[0].source = "My title"
    assert harden(key, written(work)).notebook.cells[0].source == "My title"


def test_free_text_that_was_turned_into_code_stays_code(key, work):
    work.cells[0] = own("x = 1", id=work.cells[0].id)
    cells = harden(key, written(work)).notebook.cells
    assert cells[0] == key.cells[0]
    assert (cells[1].cell_type, cells[1].source) == ("code", "x = 1")


def test_answers_of_another_lab_are_not_taken_for_its_ids(key, work):
    """Both have a memo, and cells of the same ids."""
    work.cells = [cell for cell in work.cells if not is_locked(cell)]
    for cell in work.cells:
        if labs.grade_id(cell) not in (None, "memo"):
            cell.metadata.nbgrader["grade_id"] += "-elsewhere"
            cell.source = "elsewhere"
    result = harden(key, written(work))
    assert result.readable
    assert named(result.notebook, "gap") == named(key, "gap")


def test_of_two_answers_in_one_place_the_last_counts_and_both_run(key, work):
    answer = named(work, "gap")
    right = answer.source
    work.cells.insert(place(work, "gap"), copy_of(answer, "first = 'try'"))
    result = harden(key, written(work))
    assert sources(result, "compare", "gap")[-2:] == ["first = 'try'", right]
    assert "more than once" in said(result)["gap"]


def test_answer_in_its_place_counts_and_not_a_copy_elsewhere(key, marked, work):
    """A student reuses an answer for the next task. Run All shows the tests passed."""
    work.cells.insert(place(work, "train"), copy_of(named(work, "gap"), "largest_gap(by_race['rate'])"))
    result = harden(key, written(work))
    assert named(result.notebook, "gap") == named(marked, "gap")
    assert "largest_gap(by_race['rate'])" in sources(result, "test-split", "train")


def test_copy_elsewhere_counts_if_nothing_was_answered_in_place(key, work):
    answer = named(work, "gap")
    work.cells.append(copy_of(answer, answer.source + "\n# at the end"))
    answer.source = named(key, "gap").source
    result = harden(key, written(work))
    assert named(result.notebook, "gap").source.endswith("# at the end")
    assert "more than once" in said(result)["gap"]
    assert "order" in said(result)[None]


def test_split_answer_whose_parts_stand_alone_runs_in_two_cells(key, work):
    at = named(work, "split").source.index(SPLIT_IN_TWO)
    upper, lower = split(work, "split", at)
    result = harden(key, written(work))
    assert sources(result, "test-gap", "split")[-2:] == [upper, lower]
    assert list(said(result)) == ["split"]


@pytest.mark.parametrize("where", ["between-lines", "within-a-word", "before-the-body"])
def test_answer_that_was_split_within_a_statement_is_joined(key, marked, work, where):
    source = named(work, "gap").source
    last = source.rindex("\n", 0, len(source.rstrip()))
    split(work, "gap", {"between-lines": last, "within-a-word": last + 8, "before-the-body": source.index("\n")}[where])
    result = harden(key, written(work))
    assert named(result.notebook, "gap").source.split() == named(marked, "gap").source.split()
    assert len(result.notebook.cells) == len(marked.cells)
    assert said(result) == {"gap": "This cell had been split; its parts were joined again."}


def test_split_answer_that_makes_no_sense_together_is_not_joined(key, work):
    answer = named(work, "gap")
    work.cells.insert(place(work, "gap"), copy_of(answer, "def largest_gap(:"))
    result = harden(key, written(work))
    assert sources(result, "compare", "gap")[-2:] == ["def largest_gap(:", answer.source]


def test_split_answer_into_which_a_cell_was_put_is_not_joined(key, work):
    upper, lower = split(work, "gap", named(work, "gap").source.index("\n"))
    work.cells.insert(place(work, "gap") + 1, own("between"))
    assert sources(harden(key, written(work)), "compare", "gap")[-3:] == [upper, "between", lower]


def test_split_essay_is_joined(key, work):
    named(work, "memo").source = "One.\n\nTwo.\n\nThree."
    split(work, "memo", 4)
    result = harden(key, written(work))
    assert named(result.notebook, "memo").source == "One.\n\nTwo.\n\nThree."
    assert "split" in said(result)["memo"]


# --- Pictures and outputs


def test_essay_keeps_images_only(key, work):
    named(work, "memo").attachments = {
        "plot.png": {"image/png": PNG},
        "lines.jpg": {"image/jpeg": ["/9j/", "AAAA"]},
        "large.png": {"image/png": PNG[:20] + "A" * 6_000_000},
        "page.html": {"text/html": "<script>alert(1)</script>"},
        "fake.png": {"image/png": '"><script>alert(1)</script>'},
        "fake2.png": {"image/png": PNG[:40] + '"><script>'},
        "wrong": 7,
    }
    result = harden(key, written(work))
    images = {"plot.png": {"image/png": PNG}, "lines.jpg": {"image/jpeg": "/9j/AAAA"}}
    assert named(result.notebook, "memo").attachments == images
    (note,) = result.notes
    assert (note.cell, note.kind) == ("memo", Kind.LIMIT)
    nbformat.validate(result.notebook)


def test_display_cell_keeps_its_outputs_and_no_other_cell_does(key, work):
    outputs = [
        {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": ["a\n", "b"]}, "metadata": {"x": 1}},
        {"output_type": "execute_result", "data": {"text/plain": "c"}, "metadata": {}, "execution_count": 3},
        {"output_type": "stream", "name": "stdout", "text": ["d\n"]},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t", 5]},
    ]
    named(work, "compare").outputs = named(work, "setup").outputs = outputs
    result = harden(key, written(work))
    shown = named(result.notebook, "compare").outputs
    assert [output.output_type for output in shown] == [output["output_type"] for output in outputs]
    assert shown[0].data == {"image/png": PNG, "text/plain": "a\nb"}
    assert shown[0].metadata == {}
    assert shown[3].traceback == ["t"]
    assert named(result.notebook, "setup").outputs == []
    assert result.notes == ()
    nbformat.validate(result.notebook)


@pytest.mark.parametrize(("added", "runs"), [("", False), ("\n\n", False), ("\nmine = sizes", True)])
def test_code_to_try_things_with_runs_only_if_the_student_changed_it(key, work, added, runs):
    at = next(n for n, cell in enumerate(work.cells) if cell.source.startswith("# Try things"))
    key = deepcopy(key)
    key.cells[at].metadata["equipoise"] = {"display": True}
    work.cells[at].source += added
    work.cells[at].outputs = [{"output_type": "stream", "name": "stdout", "text": "shown"}]
    tried = harden(key, written(work)).notebook.cells[at]
    assert labs.is_display(tried) is not runs
    assert [output.text for output in tried.outputs] == ([] if runs else ["shown"])
    assert tried.source == work.cells[at].source


@pytest.mark.parametrize(
    "outputs",
    [
        [{"output_type": "stream", "name": "stdout", "text": "x" * 3_000_000}],
        [{"output_type": "stream", "name": "stdout", "text": "x"}] * 100_000,
        [7, None, "x", {}, {"output_type": "stream"}, {"output_type": ["stream"]}],
        [{"output_type": "display_data", "data": [1]}],
        [{"output_type": "stream", "name": "evil", "text": "x"}],
    ],
    ids=["long", "many", "no-outputs", "data", "name"],
)
def test_outputs_that_are_none_or_too_large_are_left_out(key, work, outputs):
    named(work, "compare").outputs = outputs
    result = harden(key, written(work))
    assert named(result.notebook, "compare").outputs == []
    assert "Outputs were left out" in said(result)["compare"]


# --- Files that are no submission, or a hostile one


BLANK = {"cells": [own("x", id=f"cell-{n}") for n in range(48)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
FOREIGN = {
    **BLANK,
    "cells": [own("x", id=f"cell-{n}", metadata={"nbgrader": {"grade_id": f"q{n}"}}) for n in range(48)],
}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "There is no notebook of this name"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\0" * 5000, "damaged, or was cut off"),
        (b"\xff\xfe\x00", "damaged, or was cut off"),
        (b"\xff" * 99, "damaged, or was cut off"),
        (b"<html>", "damaged, or was cut off"),
        (b'{"cells": [', "damaged, or was cut off"),
        (b"[1, 2, 3]", "it has no cells"),
        (b"7", "it has no cells"),
        (b'{"cells": 7}', "it has no cells"),
        (b'{"cells": {"0": {}}}', "it has no cells"),
        (b'{"cells": [7, null, [], {}, {"source": 7}]}', "none of the lab's tasks"),
        (b'{"worksheets": [7, {"cells": 7}]}', "none of the lab's tasks"),
        (written(BLANK), "none of the lab's tasks"),
        (written(FOREIGN), "none of the lab's tasks"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"cells": [' + b"{}," * 1_000_000 + b"{}]}", "too large"),
        (b'{"cells": [' + b"{}," * 900_000 + b"{}]}", "none of the lab's tasks"),
        (b'{"cells": ["' + b"x" * 50_000_000 + b'"]}', "too large"),
        (b'   "outputs": [\n    7\n' * 2_500_000, "too large"),
        (b'   "outputs": [\n' + b"    7,\n" * 8_000_000, "too large"),
        (b'{"cells": [' + b'"ab",' * 3_900_000 + b"7]}", "none of the lab's tasks"),
        (b'{"cells": [' + b"9" * 10_000_000 + b"]}", "none of the lab's tasks"),
    ],
)
def test_file_of_which_nothing_can_be_used_gets_its_reason_soon(key, content, reason):
    begin = time.process_time()
    result = harden(key, content)
    assert time.process_time() - begin < SECONDS
    assert not result.readable
    assert result.notebook == key
    (note,) = result.notes
    assert (note.cell, note.kind) == (None, Kind.UNREADABLE)
    assert reason in note.text
    assert "Ask for it to be handed in" in note.text


def test_huge_outputs_cost_no_answer(key, marked, work):
    """A loop printed without end before the student saved: Jupyter's own layout, 50 MB."""
    named(work, "setup").outputs = [nbformat.v4.new_output("stream", text="a line\nTHE REST\n")]
    line = b'      "a line of a print without end\\n",\n'
    data = nbformat.writes(work).encode().replace(b'     "THE REST', line * 1_300_000 + b'     "THE REST')
    assert len(data) > 50_000_000
    result = harden(key, data)
    assert result.notebook == marked
    (note,) = result.notes
    assert (note.cell, note.kind) == (None, Kind.LIMIT)
    assert "without its outputs" in note.text


def slow_cells(notebook):
    notebook.cells[20:20] = [own("x", id=f"c{n}") for n in range(20_000)]


def slow_copies(notebook):
    cell = named(notebook, "gap")
    notebook.cells[1:1] = [copy_of(cell, f"{cell.source}\n# {n}") for n in range(MOST_CELLS)]


def slow_stubs(notebook):
    everything = "\n".join(cell.source.partition("\n")[0] for cell in notebook.cells)
    notebook.cells = [named(notebook, "setup")] + [own(everything) for n in range(MOST_CELLS)]


def slow_syntax(notebook):
    cell = named(notebook, "gap")
    for n, source in enumerate(["-" * 40_000 + "1", "(" * 10_000, "1" + "+1" * 9_000, "[" * 150 + "f'{x!"]):
        notebook.cells.insert(1, copy_of(cell, f"{n}\n{source}"))


def slow_source(notebook):
    named(notebook, "gap").source = "x\n" * 3_000_000
    named(notebook, "test-gap").source = " \n" * 2_000_000


@pytest.mark.parametrize("spoil", [slow_cells, slow_copies, slow_stubs, slow_syntax, slow_source])
def test_nothing_takes_long(key, work, spoil):
    spoil(work)
    data = written(work)
    begin = time.process_time()
    result = harden(key, data)
    assert time.process_time() - begin < SECONDS
    assert result.readable
    assert_released_shape(key, result)


# --- Anything at all


def assert_released_shape(key, result):
    nbformat.validate(result.notebook)
    nbformat.writes(result.notebook).encode()
    ids = {cell.id for cell in key.cells}
    theirs = [cell for cell in result.notebook.cells if cell.id in ids]
    assert [cell.id for cell in theirs] == [cell.id for cell in key.cells]
    assert len({cell.id for cell in result.notebook.cells}) == len(result.notebook.cells)
    assert result.notebook.metadata == key.metadata
    for ours, cell in zip(key.cells, theirs, strict=True):
        assert (cell.metadata, cell.cell_type) == (ours.metadata, ours.cell_type)
        assert cell.source == ours.source or not is_locked(ours)
    for cell in result.notebook.cells:
        assert cell.id in ids or cell.metadata == {}
        assert not cell.get("outputs") or cell.metadata["equipoise"]["display"]
        assert cell.get("execution_count") is None


JUNK = [None, True, 0, -1, 10**30, 0.5, float("nan"), "", "x", "\ud800\0", [], {}, [[]], ["a\n", 5], {"a": {"b": []}}]


def junk(chance):
    return deepcopy(chance.choice(JUNK))


def mutate(chance, notebook):
    """Change one thing at random: a cell's place, a field, a byte."""
    cells = notebook["cells"]
    if not isinstance(cells, list) or not cells:
        return
    i, j = chance.randrange(len(cells)), chance.randrange(len(cells))
    action = chance.choice(["delete", "copy", "swap", "junk cell", "field", "metadata", "nbgrader", "cut", "root"])
    cell = cells[i] if isinstance(cells[i], dict) else {}
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    marks = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    match action:
        case "delete":
            del cells[i]
        case "copy":
            cells.insert(j, deepcopy(cells[i]))
        case "swap":
            cells[i], cells[j] = cells[j], cells[i]
        case "junk cell":
            cells[i] = junk(chance)
        case "field":
            cell[chance.choice([*cell, "outputs", "attachments", "id"])] = junk(chance)
        case "metadata":
            metadata[chance.choice([*metadata, "tags"])] = chance.choice([junk(chance), ["skip-execution"], [{}]])
        case "nbgrader":
            marks[chance.choice([*marks, "grade_id"])] = chance.choice([junk(chance), "gap", "memo", "test-gap"])
        case "cut" if isinstance(cell.get("source"), str):
            at = chance.randrange(len(cell["source"]) + 1)
            cells.insert(i, deepcopy(cell) | {"source": cell["source"][:at]})
            cell["source"] = cell["source"][at:]
        case "root" if chance.random() < 0.1:
            notebook[chance.choice(list(notebook))] = junk(chance)


@pytest.mark.parametrize("seed", range(10))
def test_any_change_gives_the_released_shape(key, work, seed):
    chance = random.Random(seed)
    begin = time.process_time()
    for _ in range(40):
        notebook = deepcopy(dict(work))
        for _ in range(chance.choice([1, 3, 10, 100])):
            mutate(chance, notebook)
        data = bytearray(json.dumps(notebook).encode())
        if chance.random() < 0.1:
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert_released_shape(key, harden(key, bytes(data)))
    assert time.process_time() - begin < 30


def test_single_changes_never_cost_another_answer(key, marked, work):
    """Whatever is done to one cell, the answers in all others arrive."""
    answers = {labs.grade_id(cell): cell.source for cell in marked.cells if is_solution(cell)}
    for seed in range(100):
        notebook = deepcopy(dict(work))
        mutate(random.Random(seed), notebook)
        if not isinstance(notebook["cells"], list):
            continue
        hardened = harden(key, written(notebook)).notebook
        lost = [name for name, source in answers.items() if named(hardened, name).source.split() != source.split()]
        assert len(lost) <= 1, seed


def test_order_of_the_key_holds_with_own_cells_between(key, work):
    for n, i in enumerate(range(0, 90, 2)):
        work.cells.insert(i, own(f"x = {n}"))
    result = harden(key, written(work))
    mine = [cell.source for cell in result.notebook.cells if cell.id.startswith("extra")]
    assert mine == [f"x = {n}" for n in range(45)]
    assert all(a.id != b.id for a, b in pairwise(result.notebook.cells))
    assert result.notes == ()
