"""A new case, lab or dataset as a folder that already passes every check but for what its author must write.

The templates are complete, runnable content with ``TODO`` where a person has to think. What a new folder links
to is made along with it if it does not exist yet.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from equipoise.content import SLUG

TEMPLATES = Path(__file__).parent / "templates"


class Kind(StrEnum):
    CASE = "case"
    LAB = "lab"
    DATASET = "dataset"


NEEDED = {  # a new folder, and what it links to
    Kind.CASE: (Kind.CASE, Kind.LAB, Kind.DATASET),
    Kind.LAB: (Kind.LAB, Kind.DATASET),
    Kind.DATASET: (Kind.DATASET,),
}


class ScaffoldError(Exception):
    """The folder cannot be made; nothing was written."""


def new(root: Path, kind: Kind, slug: str) -> list[Path]:
    """Make ``<kind>s/<slug>`` and what it links to; return the new folders. Raises ScaffoldError."""
    if not SLUG.fullmatch(slug):
        raise ScaffoldError(f"'{slug}' is no slug: use small letters, digits and single hyphens")
    if (folder := root / f"{kind}s" / slug).exists():
        raise ScaffoldError(f"{folder} exists; choose another name")
    contents = root / "_toc.yml"
    with_case = _contents_with(contents.read_text(encoding="utf-8"), slug) if kind is Kind.CASE else None
    made = [_copy(root, part, slug) for part in NEEDED[kind] if not (root / f"{part}s" / slug).exists()]
    if with_case:
        contents.write_text(with_case, encoding="utf-8")
    return made


def _copy(root: Path, kind: Kind, slug: str) -> Path:
    folder = root / f"{kind}s" / slug
    folder.mkdir(parents=True)
    for template in sorted((TEMPLATES / kind).glob("*.*")):  # an installation compiles them into a folder beside
        text = template.read_text(encoding="utf-8").replace("new-slug", slug)
        (folder / template.name).write_text(text, encoding="utf-8")
    return folder


def _contents_with(contents: str, slug: str) -> str:
    """A table of contents with the case and its lab below the last case. Text, not YAML, so that comments stay."""
    lines = contents.splitlines()
    cases = [number for number, line in enumerate(lines) if "file: cases/" in line]
    if cases:
        end, indent = cases[-1] + 1, _indent(lines[cases[-1]])
        while end < len(lines) and _indent(lines[end]) > indent:
            end += 1
    elif "parts:" in lines:
        lines += ["  - caption: Cases", "    chapters:"]
        end, indent = len(lines), 6
    else:
        raise ScaffoldError("_toc.yml has neither a case nor `parts:`; add `parts:` first")
    entry = [f"- file: cases/{slug}/case", "  sections:", f"    - file: labs/{slug}/lab"]
    lines[end:end] = [" " * indent + line for line in entry]
    return "\n".join(lines) + "\n"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
