"""A new case, lab or dataset as a folder that already passes every check but for what its author must write.

The templates are complete, runnable content with ``TODO`` where a person has to think. What a new folder links
to is made along with it if it does not exist yet.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Kind(StrEnum):
    CASE = "case"
    LAB = "lab"
    DATASET = "dataset"


LINKS = {Kind.CASE: Kind.LAB, Kind.LAB: Kind.DATASET}  # what a new folder needs beside it


class ScaffoldError(Exception):
    """The folder cannot be made; nothing was written."""


def new(root: Path, kind: Kind, slug: str) -> list[Path]:
    """Make ``<kind>s/<slug>`` and what it links to; return the new folders. Raises ScaffoldError."""
    if not SLUG.fullmatch(slug):
        raise ScaffoldError(f"'{slug}' is no slug: use small letters, digits and single hyphens")
    if (folder := root / f"{kind}s" / slug).exists():
        raise ScaffoldError(f"{folder} exists; choose another name")
    made = []
    wanted: Kind | None = kind
    while wanted and not (root / f"{wanted}s" / slug).exists():
        made.append(_copy(root, wanted, slug))
        wanted = LINKS.get(wanted)
    if kind is Kind.CASE:
        _enter_in_contents(root / "_toc.yml", slug)
    return made


def _copy(root: Path, kind: Kind, slug: str) -> Path:
    folder = root / f"{kind}s" / slug
    folder.mkdir(parents=True)
    for template in sorted((TEMPLATES / kind).iterdir()):
        text = template.read_text(encoding="utf-8").replace("new-slug", slug)
        (folder / template.name).write_text(text, encoding="utf-8")
    return folder


def _enter_in_contents(contents: Path, slug: str) -> None:
    """Add the case and its lab below the last case. Text, not YAML, so that comments stay."""
    lines = contents.read_text(encoding="utf-8").splitlines()
    last = max(n for n, line in enumerate(lines) if re.search(r"file: (cases|labs)/", line))
    indent = next(re.match(" *", line)[0] for line in lines if "file: cases/" in line)
    lines[last + 1 : last + 1] = [
        f"{indent}- file: cases/{slug}/case",
        f"{indent}  sections:",
        f"{indent}    - file: labs/{slug}/lab",
    ]
    contents.write_text("\n".join(lines) + "\n", encoding="utf-8")
