"""What the code of a page uses, as a fingerprint: while that stays the same, the page need not be executed again.

A page uses the datasets that it names, the modules of this package that it imports, and the installed libraries.
jupyter-cache looks a page up by its code and its kernel's entry in the front matter, so the fingerprint is put there.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml
from nbformat import NotebookNode

from equipoise.content import FRONT_MATTER, Course, Dataset

PACKAGE = Path(__file__).parents[1]
IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w[\w.]*)(?:[ \t]+import[ \t]+\(?([\w, \t]+))?", re.MULTILINE)
KERNELSPEC = re.compile(r"^kernelspec:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def code(notebook: NotebookNode) -> list[str]:
    """The source of each code cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def datasets(course: Course, notebook: NotebookNode) -> list[Dataset]:
    """The datasets that the page names in its front matter, or in quotes in its code."""
    quoted = set(re.findall(r"""["']([\w-]+)["']""", "\n".join(code(notebook))))
    named = quoted | set(notebook.metadata.get("datasets", ()))
    return [dataset for slug, dataset in course.datasets.items() if slug in named]


def files(dataset: Dataset) -> list[Path]:
    return sorted(p for p in dataset.folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def helpers(sources: list[str]) -> list[Path]:
    """The modules of this package that ``sources`` import, and those that these import in turn."""
    found: dict[str, Path] = {}
    unread = list(sources)
    while unread:
        for name in imports(unread.pop()) - found.keys():
            path = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
            if name.startswith(f"{PACKAGE.name}.") and path.is_file():
                found[name] = path
                unread.append(path.read_text(encoding="utf-8"))
    return [found[name] for name in sorted(found)]


def imports(source: str) -> set[str]:
    """What ``source`` imports, by full name; what it takes from a module is named as if it were a module too."""
    names = set()
    for module, taken in IMPORT.findall(source):
        names |= {module, *(f"{module}.{name.split()[0]}" for name in taken.split(",") if name.strip())}
    return names


@cache
def libraries() -> str:
    """A fingerprint of the interpreter and of every installed distribution with its version."""
    installed = {entry.name for place in set(sys.path) for entry in Path(place).glob("*.dist-info")}
    return digest(name.encode() for name in (sys.version, *sorted(installed)))


def fingerprint(course: Course, notebook: NotebookNode) -> str:
    """Changes when, and only when, something does that the page's code uses. The prose of a datasheet is no part."""
    parts = [libraries().encode()]
    for dataset in datasets(course, notebook):
        parts += [dataset.slug.encode(), dataset.facts.model_dump_json().encode()]
        parts += [path.read_bytes() for path in files(dataset) if path.name != "datasheet.md"]
    return digest([*parts, *(path.read_bytes() for path in helpers(code(notebook)))])


def digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def with_key(text: str, key: str) -> str:
    """The page with ``key`` in the kernel's entry of its front matter, and every line where it was."""
    front_matter = FRONT_MATTER.match(text)
    kernel = yaml.safe_load(front_matter[1]).get("kernelspec") or {"name": "python3"}
    entry = f"kernelspec: {json.dumps(kernel | {'uses': key})}\n"
    if found := KERNELSPEC.search(front_matter[1]):
        entry += "\n" * (found[0].count("\n") - 1)
        changed = front_matter[1].replace(found[0], entry, 1)
    else:
        changed = front_matter[1] + entry
    return f"---\n{changed}---\n{text[front_matter.end() :]}"
