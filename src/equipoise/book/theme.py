"""What Sphinx and the theme get wrong on every page, and no setting mends: put right just before a page is written."""

from __future__ import annotations

from sphinx.application import Sphinx


def mend_page(app: Sphinx, page: str, template: str, context: dict, document: object) -> None:
    _drop_unused_mathjax(context)
    _number_references(context)
    _name_folds(context)


def _drop_unused_mathjax(context: dict) -> None:
    """Sphinx gives MathJax, a quarter of a megabyte, also to the pages above one with a formula."""
    if 'class="math ' not in context.get("body", ""):
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if "mathjax" not in str(script.filename)]


def _number_references(context: dict) -> None:
    """Docutils gives an entry of the bibliography a role that ARIA has withdrawn; the list around it wants items."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def _name_folds(context: dict) -> None:
    """An arrow in the sidebar that unfolds what is below an entry has no name: it gets the entry's."""
    generate = context["generate_toctree_html"]

    def generate_with_names(*arguments: object, **options: object):
        tree = generate(*arguments, **options)
        for summary in tree.select("summary") if hasattr(tree, "select") else []:
            summary["aria-label"] = summary.find_parent("li").a.get_text(strip=True)
        return tree

    context["generate_toctree_html"] = generate_with_names
