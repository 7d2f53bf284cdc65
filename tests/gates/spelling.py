"""British spelling of what people read in the sources, by typos: known misspellings and American forms.

Code is left out: libraries spell as they like. In its place stands space, so that a finding names the right line.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gates.checks import Finding
from support import BIN

IGNORED = Path(__file__).with_name("ignored-words.txt")
READ = ("README.md", "grading/README.md", "book/*.md", "book/static/*.js", "cases/*/*.md", "cases/*/*.yml")
READ += ("datasets/*/*.md", "datasets/*/*.yml", "labs/*/lab.py", "labs/*/*.yml")
MARKDOWN_CELLS = re.compile(r"^# %% \[markdown\](.*?)(?=^# %%|\Z)", re.MULTILINE | re.DOTALL)
SENTENCES = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')
PROSE = {".py": MARKDOWN_CELLS, ".js": SENTENCES}  # of other files, all is prose but the following
FENCED_CODE = r"^(?:```+|~~~+)\{?(?:code|python|bash|sh)\b.*?^(?:```+|~~~+)"
CODE = re.compile(rf"{FENCED_CODE}|`[^`\n]+`|\]\([^)\n]*\)|https?://\S+", re.MULTILINE | re.DOTALL)


def misspellings(root: Path, scratch: Path) -> Iterator[Finding]:
    """Misspelt words in the prose below ``root``; what typos reads is written to ``scratch``."""
    for file in (file for pattern in READ for file in root.glob(pattern)):
        copy = scratch / f"{file.relative_to(root)}.md"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(prose(file.read_text(), file.suffix))
    command = [BIN / "typos", "--config", _configuration(scratch), "--format", "json", "--sort", scratch]
    said = subprocess.run(command, text=True, capture_output=True, check=False)
    assert said.returncode in (0, 2), said.stderr  # 2: something is misspelt
    for line in map(json.loads, said.stdout.splitlines()):
        if line["type"] == "typo":
            file = Path(line["path"]).relative_to(scratch).with_suffix("")
            repair = f"{' or '.join(line['corrections'])}; if it is right as it is, add it to {IGNORED.name}"
            yield Finding(f"{file}:{line['line_num']}", line["typo"], repair)


def prose(text: str, suffix: str) -> str:
    spans = [found.span(1) for found in PROSE[suffix].finditer(text)] if suffix in PROSE else [(0, len(text))]
    kept, end = [], 0
    for start, stop in [*spans, (len(text), len(text))]:
        kept += [_blank(text[end:start]), text[start:stop]]
        end = stop
    return CODE.sub(lambda found: _blank(found[0]), "".join(kept))


def _blank(text: str) -> str:
    return re.sub(r"\S", " ", text)


def _configuration(scratch: Path) -> Path:
    ignored = [f'{word} = "{word}"' for word in IGNORED.read_text().split()]
    tables = ["[default.extend-words]", *ignored, "[default.extend-identifiers]", *ignored]
    file = scratch / "typos.toml"
    file.write_text("\n".join(["[default]", 'locale = "en-gb"', "check-filename = false", *tables]))
    return file
