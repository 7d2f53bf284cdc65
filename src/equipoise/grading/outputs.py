"""What a student's code printed, made harmless to whoever looks at it.

Outputs reach graders in formgrader and students in feedback pages. Only what can be shown without running is kept:
text, tables, still images.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

import nh3
from nbformat import NotebookNode
from nbformat.v4 import new_output

IMAGES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}
LONGEST_TEXT = 50_000  # characters of one output
MOST_OUTPUTS = 200  # of one cell
TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area", "a"}
ATTRIBUTES = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}, "table": {"border"}}
ESCAPES = re.compile(r"\x1b(?!\[[0-9;]{0,20}m)(?:\[[0-?]*[ -/]*[@-~]|[^\[]?)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")
TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # characters that change the direction of writing
BIDI = re.compile(f"[{TURNING}]")
MOST_TAGS, DEEPEST = 10_000, 30
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ATTRIBUTE = r"""\s++[a-zA-Z_:][\w:.-]*+(?:\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'=<>`]++))?"""
TAG = re.compile(rf"<(/?)([a-zA-Z][a-zA-Z0-9]*+)(?:{ATTRIBUTE})*+\s*+/?>|<!--(?:[^<>-]|-(?!->))*+-->")


def clean(outputs: Iterable[Any]) -> list[NotebookNode]:
    """The outputs of one cell that can be shown, as new objects. Never raises."""
    kept = []
    for output in outputs:
        try:
            made = _cleaned(output)
        except Exception:  # whatever is not shaped like an output is none
            continue
        if made is not None:
            kept.append(made)
    return kept[:MOST_OUTPUTS]


def plain(text: object, longest: int = LONGEST_TEXT) -> str:
    """Text without control characters, except colours; what changes the direction of writing is made visible."""
    text = "".join(text) if isinstance(text, list) else str(text)
    text = text.encode("utf-8", "replace").decode()
    if len(text) > longest:
        text = f"{text[: longest // 2]}\n[{len(text) - longest:,} characters left out]\n{text[-longest // 2 :]}"
    return BIDI.sub(lambda found: f"<U+{ord(found[0]):04X}>", ESCAPES.sub("", text))


def _cleaned(output: Any) -> NotebookNode | None:
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output["name"] == "stderr" else "stdout"
        return new_output("stream", name=name, text=plain(output["text"]))
    if kind == "error":
        lines = plain("\n".join(map(str, output["traceback"]))).split("\n")
        return new_output("error", ename=plain(output["ename"], 200), evalue=plain(output["evalue"]), traceback=lines)
    data = {kind: shown for kind, value in output["data"].items() if (shown := _shown(kind, value)) is not None}
    if not data:
        return None
    if kind == "execute_result":
        count = output.get("execution_count")
        return new_output(kind, data=data, execution_count=count if isinstance(count, int) else None)
    return new_output("display_data", data=data)


def _shown(kind: str, value: Any) -> str | None:
    if kind == "text/plain":
        return plain(value)
    if kind == "text/html":
        html = "".join(value) if isinstance(value, list) else str(value)
        if len(html) > 10 * LONGEST_TEXT or not well_formed(html):
            return None  # its plain text is there
        return nh3.clean(BIDI.sub("", html), tags=TAGS, attributes=ATTRIBUTES, clean_content_tags={"script", "style"})
    return image(kind, value)


def image(kind: str, value: Any) -> str | None:
    """A still image as base64 in one line, or None if it is none of these kinds or does not begin as they do."""
    text = "".join(value) if isinstance(value, list) else str(value)
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
    return base64.b64encode(data).decode() if kind in IMAGES and data.startswith(IMAGES[kind]) else None


def well_formed(html: str) -> bool:
    """Whether every tag is closed by its own, none is too deep, and there are not too many of them.

    Markup is parsed only if it is, because a few kilobytes of others keep a lenient parser busy for minutes.
    """
    opened, tags = [], 0
    for tag in TAG.finditer(html):
        tags += 1
        name = (tag[2] or "").lower()
        if not name or name in VOID:
            continue
        if not tag[1]:
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
        if len(opened) > DEEPEST:
            return False
    return not opened and tags == html.count("<") and tags <= MOST_TAGS
