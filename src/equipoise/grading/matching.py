"""Which cell of a submission is which cell of the key: by name, by text, by id, by place.

None of these can be trusted. JupyterLab copies a cell's name when a student splits or pastes it, old formats have
no ids, other editors lose metadata. Where it is open what a student meant, one rule decides: marking sees what
"Restart Kernel and Run All Cells" shows in the student's own Jupyter. So a cell that is not the lab's stays where
it is, and runs as an ordinary cell.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

LONGEST_ANSWER = 100_000  # characters; what is longer is not parsed, nor compared loosely
HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?(?:### END HIDDEN TESTS[^\n]*\n?|\Z)", re.DOTALL)
STUB_LINES = ("# YOUR CODE HERE", "raise NotImplementedError()", "YOUR ANSWER HERE")  # in every stub of nbgrader's


@dataclass(frozen=True)
class Cell:
    """What is looked at in a cell that was handed in; the rest of it is never touched."""

    cell_type: str  # code, markdown or raw
    source: str
    id: str
    grade_id: str  # as id: empty if there is none
    nbgrader: Mapping
    tags: frozenset[str]
    outputs: list
    attachments: dict


@dataclass(frozen=True)
class Match:
    """A cell of the key as it was found in a submission; without a cell: it was not found."""

    cell: Cell | None = None
    source: str = ""
    parts: int = 1  # cells that were joined to make this one
    copies: int = 1  # cells that bore its grade_id


class Matching:
    """Finds the key's cells in a submission, from the surest sign to the weakest.

    ``owner`` holds for each submitted cell the index of its cell in the key, None for the student's own, and
    DROPPED for copies that say nothing new. ``found`` holds the matches by index in the key.
    """

    DROPPED = -2

    def __init__(self, key: Sequence[NotebookNode], cells: Sequence[Cell]):
        self.key, self.cells = key, cells
        self.owner: list[int | None] = [None] * len(cells)
        self.found: dict[int, Match] = {}
        for sign in (self._by_name, self._by_text, self._by_id, self._by_place):
            sign()

    def _by_name(self) -> None:
        """By grade_id. A name is no proof: copies bear it too, and ``_pick`` decides between them."""
        index = {grade_id(cell): k for k, cell in enumerate(self.key) if grade_id(cell)}
        versions = defaultdict(list)
        for i, cell in enumerate(self.cells):
            if (k := index.get(cell.grade_id)) is not None:
                self.owner[i] = k
                versions[k].append(i)
        picked = {k: self._pick(k, positions) for k, positions in versions.items()}
        for k, (parts, source) in picked.items():
            for i in versions[k]:
                self.owner[i] = k if i in parts else self._left_over(k, i, source)
            self.found[k] = Match(self.cells[parts[-1]], source, len(parts), len(versions[k]))

    def _pick(self, k: int, positions: list[int]) -> tuple[list[int], str]:
        """Which of the cells of one name count, and their source. All that concerns copies and splits is here.

        1. What says something counts: an answer that is not the stub, a locked cell as it was released.
        2. Of these, the ones between the right neighbours; if there are none, the last ones together.
        3. Of these, the last. Earlier ones stay in front of it as ordinary cells: they run as they did for the
           student. JupyterLab splits a cell in just this way, with the name on every part.
        4. But parts of one answer are joined where no part can stand alone: code cut within a statement, an essay.
        """
        telling = [i for i in positions if self._tells(k, self.cells[i])] or positions
        groups = [[telling[0]]]
        for i, j in pairwise(telling):
            if any(owner not in (None, k) for owner in self.owner[i + 1 : j]):
                groups.append([])
            groups[-1].append(j)
        group = next((group for group in groups if self._between(k, group[0], group[-1])), groups[-1])
        parts = sorted({_gist(self.cells[i].source): i for i in group}.values())
        whole = _joined(self.key[k].cell_type, [self.cells[i].source for i in parts])
        if whole and is_solution(self.key[k]) and parts[-1] - parts[0] == len(parts) - 1:
            return parts, whole
        return parts[-1:], self.cells[parts[-1]].source

    def _tells(self, k: int, cell: Cell) -> bool:
        """Whether this version answers something or, of a locked cell, is as it was released."""
        return bool(cell.source.strip()) and changed(self.key[k], cell.source) == is_solution(self.key[k])

    def _left_over(self, k: int, i: int, chosen: str) -> int | None:
        """What becomes of a version that was not picked: the student's own cell if it says something new."""
        source = self.cells[i].source
        return None if changed(self.key[k], source) and _gist(source) != _gist(chosen) else self.DROPPED

    def _between(self, k: int, first: int, last: int) -> bool:
        """Whether the cells from ``first`` to ``last`` stand between the neighbours that ``k`` has in the key."""
        before = next((o for o in reversed(self.owner[:first]) if o not in (None, k, self.DROPPED)), -1)
        after = next((o for o in self.owner[last + 1 :] if o not in (None, k, self.DROPPED)), len(self.key))
        return before < k < after

    def _by_text(self) -> None:
        """By the released text: notebooks of older formats have no ids, and some editors lose metadata."""
        texts = {_gist(released(self.key[k])): k for k in reversed(self._missing()) if not is_solution(self.key[k])}
        for i, cell in self._own():
            self._take(texts.pop(_gist(cell.source), None), i)

    def _by_id(self) -> None:
        """By Jupyter's cell id. Every lab has the same ids, so they prove nothing in another lab's notebook."""
        ids = {self.key[k].id: k for k in self._missing()} if self.recognised() else {}
        for i, cell in self._own():
            k = ids.get(cell.id)
            if k is None:
                continue
            if not cell.grade_id if grade_id(self.key[k]) else cell.cell_type == self.key[k].cell_type:
                self._take(ids.pop(cell.id), i)

    def _by_place(self) -> None:
        """An answer between the right neighbours that still has the stub's first line; an essay by its place alone."""
        for k in filter(lambda k: is_solution(self.key[k]), self._missing()):
            essay = self.key[k].cell_type == "markdown" and self.recognised()
            own = [
                i for i, cell in self._own() if _alike(self.key[k], cell) or (essay and cell.cell_type == "markdown")
            ]
            likely = [i for i in own if self._between(k, i, i)]
            self._take(k, max(likely, key=lambda i: len(self.cells[i].source), default=None))

    def _missing(self) -> list[int]:
        return [k for k in range(len(self.key)) if k not in self.found]

    def _own(self) -> Iterator[tuple[int, Cell]]:
        """The submitted cells that are none of the key's, so far, and hold something."""
        return ((i, c) for i, c in enumerate(self.cells) if self.owner[i] is None and c.source.strip())

    def _take(self, k: int | None, i: int | None) -> None:
        if k is not None and i is not None:
            self.owner[i] = k
            self.found[k] = Match(self.cells[i], self.cells[i].source)

    def recognised(self) -> bool:
        """Whether any answer or test was found: other labs, too, have a set-up cell."""
        return any(is_solution(self.key[k]) or is_grade(self.key[k]) for k in self.found)

    def moved(self) -> bool:
        named = [o for o in self.owner if o in self.found and grade_id(self.key[o])]
        return any(a > b for a, b in pairwise(named))

    def extras(self) -> dict[int, list[Cell]]:
        """The student's own cells by the index in the key that they follow, -1 for the top.

        Where an answer is missing, they follow its restored stub: a stub must not undo what was written instead.
        """
        extras, anchor = defaultdict(list), -1
        for i, owner in enumerate(self.owner):
            if owner in self.found:
                anchor = owner
            elif owner is None and self.cells[i].source.strip():
                extras[self._past_missing(anchor)].append(self.cells[i])
        return extras

    def _past_missing(self, k: int) -> int:
        while k + 1 < len(self.key) and k + 1 not in self.found and not is_locked(self.key[k + 1]):
            k += 1
        return k


def grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def released(cell: NotebookNode) -> str:
    """The source of a cell of the key as students got it."""
    return HIDDEN.sub("", cell.source)


def _gist(source: str) -> str:
    """The text without what editors change unasked: white space, but for indentation."""
    if len(source) > LONGEST_ANSWER:
        return source
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def changed(key: NotebookNode, source: str) -> bool:
    return _gist(released(key)) != _gist(source)


def _alike(key: NotebookNode, cell: Cell) -> bool:
    """Whether the cell has the stub's first line that not every stub has."""
    lines = [line for line in key.source.splitlines() if line.strip() and line.strip() not in STUB_LINES]
    return cell.cell_type == key.cell_type and bool(lines) and lines[0] in cell.source


def _joined(cell_type: str, parts: list[str]) -> str | None:
    """The parts as one, if that is what makes sense of them."""
    if len(parts) == 1 or sum(map(len, parts)) > LONGEST_ANSWER:
        return None
    if cell_type == "markdown":
        return "\n\n".join(parts)
    if all(map(_is_python, parts)):
        return None
    return next((whole for glue in ("\n", "") if _is_python(whole := glue.join(parts))), None)


def _is_python(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
