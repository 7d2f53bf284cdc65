"""An attack is a file that says what it tries, and edits a submission; here is what it edits, and how it is read.

The file's code runs in the harness and only writes text and files. What it hands in runs where marking runs it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from equipoise import labs
from equipoise.content import Lab


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


SUBMISSIONS = Path(__file__).parent / "submissions"
LISTENER = {  # where the servers listen: on addresses of this process alone
    "LISTENER_PORT": str(unused_port()),
    "LISTENER_PATH": f"/tmp/equipoise-listener-{os.getpid()}",
    "LISTENER_NAME": f"equipoise-listener-{os.getpid()}",
}
SENTENCES = re.compile(r"\ATries: (?P<tries>.+?\.)\nMust happen: (?P<must_happen>.+?\.)\n?\Z", re.DOTALL)


@dataclass(frozen=True)
class Attack:
    """One file of ``submissions/``."""

    name: str
    tries: str
    must_happen: str
    hand_in: Callable[[Submission], None]
    hand_in_first: Callable[[Submission], None] | None = None  # what was handed in, and marked, before
    check: Callable[[object], None] | None = None  # what must be true of our engine's result, beyond the columns
    honest: bool = False  # an accident of a right solution, which must get its points
    points: float = 0  # the most that it may honestly earn; the least, too, if it is honest
    any_lab: bool = False  # whether it can be tried on any lab, not only on the suite's own

    @property
    def student(self) -> str:
        """Who hands it in: sorted after the student abe, and before zoe, who is marked last."""
        return f"mal-{self.name.replace('_', '-')}"


class Submission:
    """What one student hands in: the released notebook, filled in, in a folder with the lab's data.

    In an attack's code the word CLASSROOM stands for the path of the class's folder, which anybody could guess; words
    that begin with LISTENER stand for the addresses of servers that must not be reached.
    """

    def __init__(self, lab: Lab, folder: Path, answers: dict[str, str]):
        self.lab, self.folder = lab, folder
        self.classroom = folder.parents[2]
        self.notebook: NotebookNode = labs.submission(lab, answers | {"memo": "I would wait."})
        self.bytes: bytes | None = None
        self.name: str | None = f"{lab.slug}.ipynb"

    def cell(self, grade_id: str) -> NotebookNode:
        return next(cell for cell in self.notebook.cells if labs.grade_id(cell) == grade_id)

    def tests(self) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if labs.is_test(cell)]

    def answers(self) -> list[str]:
        """The grade ids of the tasks that code answers, in their order."""
        code = [cell for cell in self.notebook.cells if cell.cell_type == "code" and is_solution(cell)]
        return [labs.grade_id(cell) for cell in code]

    def names(self, grade_id: str) -> dict[str, bool]:
        """What the right answer to a task defines, for its tests to look at; True where it is a function."""
        return dict(_defined(ast.parse(labs.solutions(self.lab)[grade_id])))

    def answer(self, grade_id: str, code: str) -> None:
        """Put ``code`` in place of an answer."""
        for word, place in (LISTENER | {"CLASSROOM": str(self.classroom)}).items():
            code = code.replace(word, place)
        self.cell(grade_id).source = code.strip()

    def prepend(self, grade_id: str, code: str) -> None:
        """Put ``code`` above an answer, which stays."""
        self.answer(grade_id, f"{code.strip()}\n\n{self.cell(grade_id).source}")

    def begin(self, code: str) -> None:
        """Put ``code`` above the first answer, so that it runs before every test."""
        self.prepend(self.answers()[0], code)

    def insert(self, before: str, cell: NotebookNode) -> None:
        """Add a cell above the one whose grade id is ``before``."""
        self.notebook.cells.insert(self.notebook.cells.index(self.cell(before)), cell)

    def solve(self) -> None:
        """Put the right solution in place of every answer."""
        for grade_id, source in labs.solutions(self.lab).items():
            if grade_id != "memo":
                self.answer(grade_id, source)

    def write(self, name: str | bytes, content: bytes) -> None:
        """Add a file to the submission. A name of bytes need not be text."""
        path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def json(self) -> dict:
        """The notebook as plain data, for what nbformat would refuse to write."""
        return json.loads(nbformat.writes(self.notebook))

    def raw(self, content: bytes) -> None:
        """Hand in these bytes as the notebook."""
        self.bytes = content

    def rename(self, name: str | None) -> None:
        """Hand the notebook in under another name, or not at all."""
        self.name = name

    def finish(self) -> None:
        """Write the notebook to the folder, unless the attack has put something in its place."""
        if self.name is None or (path := self.folder / self.name).is_symlink() or path.exists():
            return
        path.write_bytes(json.dumps(self.notebook).encode() if self.bytes is None else self.bytes)


def _defined(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, True
        elif isinstance(node, ast.Assign):
            targets = [part for target in node.targets for part in ast.walk(target)]
            yield from ((part.id, False) for part in targets if isinstance(part, ast.Name))


def load_attacks() -> list[Attack]:
    return [load(path) for path in sorted(SUBMISSIONS.glob("*.py"))]


def load(path: Path) -> Attack:
    """Read one file. Raises ValueError if it does not say what it tries and what must happen."""
    spec = util.spec_from_file_location(f"attacks_submissions_{path.stem}", path)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = SENTENCES.match(module.__doc__ or "")
    if said is None:
        raise ValueError(f"{path.name}: begin with 'Tries: ….' and, on a line of its own, 'Must happen: ….'")
    honest = getattr(module, "HONEST", False)
    return Attack(
        name=path.stem,
        **{key: " ".join(text.split()) for key, text in said.groupdict().items()},
        hand_in=module.hand_in,
        hand_in_first=getattr(module, "hand_in_first", None),
        check=getattr(module, "check", None),
        honest=honest,
        points=getattr(module, "POINTS", 10 if honest else 0),
        any_lab=getattr(module, "ANY_LAB", False),
    )


def hand_in(attack: Attack, lab: Lab, classroom: Path, data: Path, first: bool = False) -> None:
    """Write the attack's submission, or the one that it hands in first, below ``classroom``."""
    wrong = {mistake.replaces: mistake.source for mistake in labs.mistakes(lab)}
    answers = labs.solutions(lab) if attack.honest else wrong
    fill = attack.hand_in_first if first else attack.hand_in
    write_submission(lab, classroom, attack.student, data, answers, fill)


def write_submission(
    lab: Lab,
    classroom: Path,
    student: str,
    data: Path,
    answers: dict[str, str],
    fill: Callable[[Submission], None] = lambda submission: None,
) -> None:
    """Hand in ``answers`` for a student, with the lab's ``data``, once ``fill`` has edited them."""
    folder = classroom / "submitted" / student / lab.slug
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for table in data.iterdir():
        (folder / "data" / table.name).write_bytes(table.read_bytes())
    submission = Submission(lab, folder, answers)
    notebook = folder / f"{lab.slug}.ipynb"
    notebook.unlink(missing_ok=True)  # what was handed in first
    fill(submission)
    submission.finish()
