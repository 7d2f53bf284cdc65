"""Markdown that several kinds of page need."""

from __future__ import annotations

from equipoise.content import TITLE


def below_title(text: str, addition: str) -> str:
    title = TITLE.search(text)
    return f"{text[: title.end()]}\n\n{addition}\n{text[title.end() :]}"


def html(markup: str) -> str:
    """Markup that only the pages of the site get, and that nobody translates."""
    return f"```{{raw}} html\n{markup}\n```"
