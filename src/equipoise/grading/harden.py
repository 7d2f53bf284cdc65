"""Whatever was handed in becomes a notebook of exactly the released shape, before anything of it runs.

Stock nbgrader trusts a submission's metadata: one tag skips a test and earns its points, one cell that is there
twice stops the class. Here nothing is trusted and nothing needs to be forbidden. From a submission come the
student's text, pictures in it, and what display cells showed; all else comes from the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution

from equipoise.grading.matching import Cell, Match, Matching, changed, grade_id
from equipoise.grading.outputs import IMAGES, image

# Parsed JSON takes up to thirty times its bytes of memory, most of it for lists and objects; under these two caps it
# stays below 350 MB. Figures or a runaway print make an honest notebook larger: then it is read without outputs, and
# nobody types 20 MB.
MOST_BYTES = 20_000_000
MOST_BRACKETS = 1_000_000
MOST_CELLS = 1_000  # a lab has about 50
MOST_SHOWN = 2_000_000  # characters of output kept in a display cell
MOST_IMAGE = 5_000_000  # base64 characters: a photograph from a phone

OUTPUTS = re.compile(rb'^   "outputs": \[\r?\n(?:    .*+\n)*+   \]', re.MULTILINE)  # in Jupyter's own layout of files
RUN_TAGS = {"skip-execution", "raises-exception"}
FLAGS = ("cell_type", "grade", "locked", "points", "solution", "task")
AGAIN = "Ask for it to be handed in again."


class Kind(StrEnum):
    """What a note is about."""

    REPAIRED = "repaired"  # the released shape was restored
    UNREADABLE = "unreadable"  # nothing of the student's could be used
    LIMIT = "limit"  # something was too large, too many or too slow
    KILLED = "killed"  # the cell ended its own process
    SKIPPED = "skipped"  # the cell did not run


@dataclass(frozen=True)
class Note:
    """One plain sentence or two for student and grader; ``cell`` is a grade_id, None for the whole notebook."""

    cell: str | None
    kind: Kind
    text: str


@dataclass(frozen=True)
class Hardened:
    """A notebook of the key's shape. ``readable`` is False if nothing of the student's is in it."""

    notebook: NotebookNode
    notes: tuple[Note, ...]
    readable: bool


class Unreadable(Exception):
    """Nothing can be taken from the file; the message says why in words."""


def harden(key: NotebookNode, handed_in: bytes | None) -> Hardened:
    """Take the student's work out of ``handed_in``, a file's bytes (None: there is no file), and put it into ``key``.

    Never raises, whatever the bytes are. ``key`` is the released notebook with its hidden tests; it is not changed.
    """
    try:
        cells, notes = _read(handed_in)
        matching = Matching(key.cells, cells)
        if not matching.recognised():
            raise Unreadable(f"This is a notebook, but none of the lab's tasks is in it. {AGAIN}")
    except Unreadable as problem:
        return Hardened(_rebuilt(key, {}, {}), (Note(None, Kind.UNREADABLE, str(problem)),), readable=False)
    if matching.moved():
        notes.append(Note(None, Kind.REPAIRED, "Cells had been moved; they were put back into the released order."))
    for k, cell in enumerate(key.cells):
        notes += _repairs(cell, matching.found.get(k, Match()))
    return Hardened(_rebuilt(key, matching.found, matching.extras()), tuple(notes), readable=True)


# --- From bytes to cells


def _read(data: bytes | None) -> tuple[list[Cell], list[Note]]:
    """The cells in a file. Raises Unreadable."""
    if data is None:
        raise Unreadable("There is no notebook of this name. Ask for it to be handed in.")
    if not data.strip():
        raise Unreadable(f"The file is empty. {AGAIN}")
    notes = []
    if _too_large(data):
        data = OUTPUTS.sub(b'   "outputs": []', data)
        notes.append(Note(None, Kind.LIMIT, "The notebook is very large; it was read without its outputs."))
    if _too_large(data):
        raise Unreadable(f"The file is too large, even without outputs. {AGAIN}")
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        notes.append(Note(None, Kind.REPAIRED, f"Some characters are no {encoding.upper()}; they became \ufffd."))
    raw = _raw_cells(_parsed(text))
    if len(raw) > MOST_CELLS:
        notes.append(Note(None, Kind.LIMIT, f"Only the first {MOST_CELLS} of {len(raw)} cells were read."))
    return [cell for one in raw[:MOST_CELLS] if (cell := _cell(one))], notes


def _too_large(data: bytes) -> bool:
    return len(data) > MOST_BYTES or data.count(b"[") + data.count(b"{") > MOST_BRACKETS


def _parsed(text: str) -> object:
    try:
        return json.loads(text, strict=False, parse_int=_int, parse_constant=lambda _: None)
    except RecursionError:
        raise Unreadable(f"The file is not a notebook: it is nested too deeply. {AGAIN}") from None
    except ValueError:
        raise Unreadable(f"The file is not a notebook: it is damaged, or was cut off. {AGAIN}") from None


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) < 20 else None  # int() raises beyond 4300 digits


def _raw_cells(parsed: object) -> list:
    match parsed:
        case {"cells": list(cells)}:
            return cells
        case {"worksheets": list(sheets)}:  # nbformat 3 and older
            return [cell for sheet in sheets for cell in _items(sheet, "cells", list)]
    raise Unreadable(f"The file is not a notebook: it has no cells. {AGAIN}")


def _items(holder: object, name: str, kind: type) -> object:
    """What ``holder`` has under ``name`` if it is of this kind, or else an empty one."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, kind) else kind()


def _cell(raw: object) -> Cell | None:
    """The cell, or None if it holds no text."""
    if not isinstance(raw, dict) or (source := _text(raw.get("source", raw.get("input")))) is None:
        return None
    cell_type, metadata = raw.get("cell_type"), _items(raw, "metadata", dict)
    if cell_type == "heading":  # of nbformat 3, where the source lacks the hashes
        level = raw.get("level")
        cell_type, source = "markdown", f"{'#' * (level if level in range(1, 7) else 1)} {source}"
    nbgrader = _items(metadata, "nbgrader", dict)
    return Cell(
        cell_type=cell_type if cell_type in ("code", "markdown") else "raw",
        source=source,
        id=_items(raw, "id", str),
        grade_id=_items(nbgrader, "grade_id", str),
        nbgrader=nbgrader,
        tags=frozenset(tag for tag in _items(metadata, "tags", list) if isinstance(tag, str)),
        outputs=_items(raw, "outputs", list),
        attachments=_items(raw, "attachments", dict),
    )


def _text(value: object) -> str | None:
    """A string or list of lines as text that can be written and compiled, or None if it is neither."""
    if isinstance(value, list):
        value = "".join(line for line in value if isinstance(line, str))
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")  # lone surrogates, NUL


# --- What is said


Check = Callable[[NotebookNode, Match], bool]


def _flags_changed(key: NotebookNode, match: Match) -> bool:
    ours, theirs = key.metadata.nbgrader, match.cell.nbgrader
    return any(name in theirs and theirs[name] != ours.get(name) for name in FLAGS)


def _images_lost(key: NotebookNode, match: Match) -> bool:
    return is_solution(key) and len(_images(match.cell)) < len(match.cell.attachments)


def _outputs_lost(key: NotebookNode, match: Match) -> bool:
    return _displays(key) and len(_shown(match.cell)) < len(match.cell.outputs)


# What may be wrong with a cell that was found, and what is said of it.
REPAIRS: dict[str, Check] = {
    "This cell had been changed; it counts as released.": lambda k, m: is_locked(k) and changed(k, m.source),
    "This cell had another type; its own was restored.": lambda k, m: k.cell_type != m.cell.cell_type,
    "Its points or flags had been changed in the metadata; they were restored.": _flags_changed,
    "This cell had lost its name; it was recognised without.": lambda k, m: grade_id(k) != m.cell.grade_id,
    "A tag that changes how this cell runs was removed.": lambda k, m: bool(m.cell.tags & RUN_TAGS),
    "This cell had been split; its parts were joined again.": lambda k, m: m.parts > 1,
    "This cell was there more than once; the last one in its place counts.": lambda k, m: m.copies > m.parts,
}
LIMITS: dict[str, Check] = {
    "Attached files were left out: only PNG and JPEG images up to 5 MB are kept.": _images_lost,
    "Outputs were left out: they are too large, or of no known form.": _outputs_lost,
}


def _repairs(key: NotebookNode, match: Match) -> Iterator[Note]:
    """What was done to a cell. Text that no mark depends on is restored without a word."""
    if not grade_id(key) or (is_locked(key) and key.cell_type == "markdown"):
        return
    if match.cell is None:
        what = "answer" if is_solution(key) else "cell"
        yield Note(grade_id(key), Kind.REPAIRED, f"This {what} was not in the notebook; it was put back as released.")
        return
    for kind, table in ((Kind.REPAIRED, REPAIRS), (Kind.LIMIT, LIMITS)):
        yield from (Note(grade_id(key), kind, words) for words, wrong in table.items() if wrong(key, match))


# --- From matches to a notebook


def _rebuilt(key: NotebookNode, found: Mapping[int, Match], extras: Mapping[int, list[Cell]]) -> NotebookNode:
    taken = {cell.id for cell in key.cells}
    fresh = (name for n in count(1) if (name := f"extra-{n}") not in taken)
    cells = [_extra(cell, next(fresh)) for cell in extras.get(-1, ())]
    for k, cell in enumerate(key.cells):
        cells.append(_restored(cell, found.get(k, Match())))
        cells += [_extra(own, next(fresh)) for own in extras.get(k, ())]
    return nbformat.from_dict({**key, "cells": cells})


def _restored(key: NotebookNode, match: Match) -> dict:
    """The key's cell with what is the student's in it."""
    cell = dict(key)
    if key.cell_type == "code":
        cell |= {"execution_count": None, "outputs": []}
    if match.cell and not is_locked(key):
        cell["source"] = match.source
        if images := key.cell_type == "markdown" and _images(match.cell):
            cell["attachments"] = images
    if match.cell and _displays(key):
        if is_locked(key) or not changed(key, match.source):
            cell["outputs"] = _shown(match.cell)
        else:  # the student's own by now, and other cells may rest on it: it runs
            cell["metadata"] = {}
    return cell


def _extra(own: Cell, name: str) -> dict:
    """A cell of the student's own, with nothing but its text and pictures."""
    cell = {"cell_type": own.cell_type, "id": name, "metadata": {}, "source": own.source}
    if own.cell_type == "code":
        cell |= {"execution_count": None, "outputs": []}
    elif images := _images(own):
        cell["attachments"] = images
    return cell


def _displays(key: NotebookNode) -> bool:
    """Whether the cell only shows something, so that marking keeps what it showed to the student."""
    return bool(key.metadata.get("equipoise", {}).get("display"))


def _images(cell: Cell) -> dict[str, dict[str, str]]:
    """The attachments that are images and not too large."""
    images = {}
    for name, bundle in cell.attachments.items():
        kept = {mime: text for mime in IMAGES if (text := _image(mime, bundle))}
        if kept:
            images[_text(name)] = kept
    return images


def _image(mime: str, bundle: object) -> str | None:
    text = _text(bundle.get(mime)) if isinstance(bundle, dict) else None
    return image(mime, text) if text and len(text) <= MOST_IMAGE else None


def _shown(cell: Cell) -> list[dict]:
    """The outputs that have a known form, or none if they are too large altogether. They are still to be cleaned."""
    outputs = [output for raw in cell.outputs if (output := _output(raw))]
    return outputs if len(json.dumps(outputs)) <= MOST_SHOWN else []


def _output(raw: object) -> dict | None:
    match raw:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str() | list() as text}:
            return {"output_type": "stream", "name": name, "text": _text(text)}
        case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
            bundle = {_text(mime): text for mime, value in data.items() if (text := _text(value)) is not None}
            shown = {"output_type": kind, "data": bundle, "metadata": {}}
            return shown | ({"execution_count": None} if kind == "execute_result" else {})
        case {"output_type": "error", "ename": str(name), "evalue": str(value), "traceback": list(lines)}:
            trace = [_text(line) for line in lines if isinstance(line, str)]
            return {"output_type": "error", "ename": _text(name), "evalue": _text(value), "traceback": trace}
    return None
