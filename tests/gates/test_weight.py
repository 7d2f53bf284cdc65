"""A first visit is light: whoever reads on a telephone, or in a lecture hall of two hundred, waits for every byte."""

from __future__ import annotations

import gzip

import pytest

LIMIT = 900_000  # of the first visit to a page, as a server sends it
USUAL = 300_000  # of a page without formulas: what is above it, somebody added
IN_VAIN = ("fontawesome", "fa-solid")


@pytest.fixture(name="weigh")
def _weigh(browser, site):
    """A function from a page to the gzipped size of each file that its first visit fetches."""
    contexts = []

    def weigh(name: str) -> dict[str, int]:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page, sizes = context.new_page(), {}
        page.on("response", lambda response: sizes.update({response.url: len(gzip.compress(response.body()))}))
        page.goto(f"{site.address}/{name}.html", wait_until="networkidle")
        return sizes

    yield weigh
    for context in contexts:
        context.close()


def heaviest(sizes: dict[str, int]) -> str:
    files = sorted(sizes.items(), key=lambda size: -size[1])
    return "\n".join(f"{size:9,} {url}" for url, size in [("in all", sum(sizes.values())), *files[:6]])


def test_first_visit_of_the_cover_and_of_a_case_is_light(weigh, site):
    case = next(name for name in site.pages if name.startswith("cases/"))
    for name in (site.pages[0], case):
        sizes = weigh(name)
        assert len(sizes) > 10
        assert sum(sizes.values()) < USUAL, heaviest(sizes)


def test_icons_need_neither_script_nor_font(weigh, site):
    assert not [url for url in weigh(site.pages[0]) if any(name in url for name in IN_VAIN)]


def test_only_a_page_with_formulas_loads_what_sets_them(weigh, site):
    formulas = [name for name in site.pages if 'class="math ' in site.html(name)]
    assert 0 < len(formulas) < len(site.pages)
    for name in site.pages:
        assert ("mathjax/" in site.html(name)) == (name in formulas), name
    sizes = weigh(formulas[0])
    assert sum(sizes.values()) < LIMIT, heaviest(sizes)
