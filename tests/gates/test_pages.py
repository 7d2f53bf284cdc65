"""Every page of the built site, as text: alternatives, headings, links, what it loads, and whether it is valid HTML."""

from __future__ import annotations

import pytest
from gates import checks
from gates.checks import Page, expect_none


@pytest.fixture(scope="module", name="pages")
def _pages(site) -> list[Page]:
    """Every page, those that Sphinx adds among them, such as the search."""
    paths = [path for path in sorted(site.folder.rglob("*.html")) if "_static" not in path.parts]
    assert len(paths) > len(site.pages)
    return [Page(str(path.relative_to(site.folder)), path.read_text()) for path in paths]


CHECKS = [
    checks.alternative_texts,
    checks.headings,
    checks.link_texts,
    checks.identities,
    checks.loads_elsewhere,
    checks.validity,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_page_passes(check, pages):
    expect_none(finding for page in pages for finding in check(page))


def test_no_link_within_the_site_leads_nowhere(pages, site):
    expect_none(checks.links(pages, site.folder))


def test_no_style_sheet_loads_from_elsewhere(site):
    sheets = [Page(str(path.relative_to(site.folder)), path.read_text()) for path in site.folder.rglob("*.css")]
    assert len(sheets) > 5
    expect_none(finding for sheet in sheets for finding in checks.style_loads_elsewhere(sheet))
