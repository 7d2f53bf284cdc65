"""Every check fails where a fault is planted, and holds its peace where there is none."""

from __future__ import annotations

import pytest
from gates import checks
from gates.checks import Page

WELL = (
    '<!doctype html><html lang="en"><head><title>t</title></head><body><article><h1>One</h1><h2>Two</h2><h3>Three</h3>'
    '<h2 id="two">Two again</h2><img src="a.png" alt="Sensitivity falls as the bar rises"><img src="b.svg" alt="">'
    '<a href="b.html">the lab</a> <a href="#two">two</a> <a href="https://example.org">their page</a>'
    '<p style="background: url(a.png)"></p></article></body></html>'
)
FAULTS = {
    checks.alternative_texts: [
        '<img src="a.png">',
        '<img src="a.png" alt="../_images/a1b2.png">',
        '<img src="a.png" alt="figure 1">',
        '<img src="a.png" alt="A chart">',
        '<div class="cell_output"><img src="a.png" alt=""></div>',
        '<svg role="img"></svg>',
    ],
    checks.headings: ["<h1>Another title</h1>", "<h4>Too deep</h4>"],
    checks.link_texts: [
        '<a href="b.html">here</a>',
        '<a href="b.html">Click here.</a>',
        '<a href="b.html"></a>',
        '<a href="https://example.org/x">https://example.org/x</a>',
        '<a href="c.html">The lab</a>',
    ],
    checks.identities: ['<p id="two"></p>', '<p aria-describedby="nobody"></p>', '<label for="nobody">x</label>'],
    checks.loads_elsewhere: [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        '<img src="http://example.org/x.png" alt="">',
        '<img srcset="https://example.org/x.png 2x" alt="">',
        '<iframe src="https://example.org"></iframe>',
        '<form action="https://example.org"></form>',
        '<style>@import "https://example.org/x.css";</style>',
        '<p style="background: url(//example.org/x.png)"></p>',
    ],
    checks.validity: [
        "</div>",
        "<p><div></div></p>",
        '<img src="a.png" src="b.png" alt="">',
        "<table><p>no cell</p></table>",
        '<a href="b.html"><a href="c.html">x</a></a>',
        "<div>",
        "<style>p { color: red }</style>",
    ],
}


@pytest.mark.parametrize(
    ("check", "fault"), [(check, fault) for check, faults in FAULTS.items() for fault in faults], ids=str
)
def test_planted_fault_is_found(check, fault):
    [finding, *_] = check(Page("planted.html", WELL.replace("</article>", f"</article><article>{fault}</article>")))
    assert str(finding).startswith("planted.html\n")
    assert "repair: " in str(finding)


@pytest.mark.parametrize("check", FAULTS, ids=lambda check: check.__name__)
def test_page_without_fault_passes(check):
    assert list(check(Page("well.html", WELL))) == []


def test_page_without_a_title_is_found():
    assert [finding.element for finding in checks.headings(Page("none.html", "<p>text</p>"))] == ["no h1"]


@pytest.mark.parametrize("rule", ["a { background: url(https://example.org/x.png) }", '@import "//example.org/x.css";'])
def test_style_sheet_that_loads_from_elsewhere_is_found(rule):
    assert len(list(checks.style_loads_elsewhere(Page("planted.css", rule)))) == 1
    assert list(checks.style_loads_elsewhere(Page("well.css", 'a { background: url("x.png") } @import "y.css";'))) == []


@pytest.mark.parametrize(("address", "broken"), [("c.html", True), ("b.html#nobody", True), ("b.html#here", False)])
def test_link_that_leads_nowhere_is_found(address, broken, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.html").touch()
    target = Page("folder/b.html", '<p id="here"></p>')
    source = Page("a.html", f'<a href="folder/{address}">x</a> <a href="mailto:x@example.org">y</a>')
    assert len(list(checks.links([source, target], tmp_path))) == broken


def test_gate_prints_page_element_and_repair():
    with pytest.raises(
        pytest.fail.Exception, match=r"1 to mend:\nplanted\.html\n    <img src=\"a\.png\"/>\n    repair: say"
    ):
        checks.expect_none(checks.alternative_texts(Page("planted.html", '<img src="a.png">')))
