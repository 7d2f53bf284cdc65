"""A page loads what it uses, so that it opens on a poor line: a quarter of a megabyte of MathJax only for a formula."""

from __future__ import annotations

from sphinx.application import Sphinx


def drop_unused_scripts(app: Sphinx, page: str, template: str, context: dict, document: object) -> None:
    """Sphinx gives MathJax also to the pages above one with a formula; only a page's own text tells."""
    if 'class="math ' not in context.get("body", ""):
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if "mathjax" not in str(script.filename)]
