"""Every page in a real browser, on a phone and a desk, light and dark: for everyone, on its own host, without an error.

A page is loaded once and looked at four times. What axe finds and nobody here can mend is in EXCUSED, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from gates.checks import Finding, expect_none
from playwright.sync_api import Page

# The phone comes first: when a page narrows, the theme makes what now scrolls focusable, but only after a while.
LOOKS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2; axe leaves it out by default
    "resultTypes": ["violations"],
    "preload": False,  # axe would fetch the style sheets again, and one of them in vain
}
EXCUSED: dict[str, str] = {}  # an axe rule: why it is broken, and by whom
READY = "Promise.all([document.fonts.ready, window.MathJax?.startup?.promise])"
SHOWN = "scheme => [scheme, undefined].includes(document.documentElement.dataset.theme)"  # the theme needs a moment
AT_REST = "Promise.allSettled(document.getAnimations().map(motion => motion.finished))"
UNFOLD = "document.querySelectorAll('details').forEach(details => (details.open = true))"
# axe takes time for every element, and a lab has thousands of coloured words: one of each colour is enough.
ONE_WORD_OF_EACH_COLOUR = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight span")) {
    if (seen.has(word.className)) word.replaceWith(word.textContent);
    else seen.add(word.className);
  }
}"""
WIDEST = """width => [...document.querySelectorAll("main *")]
  .find(node => node.getBoundingClientRect().right > width + 1)?.outerHTML"""


class Window:
    """A window in which one page after the other is opened, each with axe in it."""

    def __init__(self, browser, address: str) -> None:
        self.address = address
        self.context = browser.new_context(reduced_motion="reduce")
        self.context.add_init_script(path=AXE_FILE_PATH)

    def findings(self, name: str) -> Iterator[Finding]:
        page = self.context.new_page()
        complaints: list[tuple[str, str]] = []
        page.on("request", lambda request: complaints.extend(self._elsewhere(request.url)))
        page.on("console", lambda said: complaints.append((said.text, "an error")) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append((str(error), "a script fails")))
        page.set_viewport_size({"width": LOOKS[0][0], "height": 800})
        page.goto(f"{self.address}/{name}")
        page.evaluate(READY)
        page.evaluate(UNFOLD)
        page.evaluate(ONE_WORD_OF_EACH_COLOUR)
        yield from look_at(page, name)
        page.close()
        yield from (Finding(name, element, repair) for element, repair in complaints)

    def _elsewhere(self, url: str) -> Iterator[tuple[str, str]]:
        if not url.startswith((self.address, "data:", "blob:")):
            yield url, "this is another host: ship the file in book/static"


def look_at(page: Page, name: str) -> Iterator[Finding]:
    """What is wrong in each look; what is wrong in several is said once."""
    looks = defaultdict(list)
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(SHOWN, arg=scheme)
        page.evaluate(AT_REST)
        for problem in [*violations(page), *too_wide(page, width)]:
            looks[problem].append(f"{width} {scheme}")
    for (element, repair), seen in looks.items():
        yield Finding(f"{name} ({', '.join(seen)})", element[:200], repair)


def violations(page: Page) -> Iterator[tuple[str, str]]:
    for rule in page.evaluate("options => axe.run(document, options)", OPTIONS)["violations"]:
        if rule["id"] not in EXCUSED:
            for node in rule["nodes"]:
                advice = " ".join(node["failureSummary"].split())
                yield node["html"], f"{rule['id']}: {advice} ({rule['helpUrl'].partition('?')[0]})"


def too_wide(page: Page, width: int) -> Iterator[tuple[str, str]]:
    if page.evaluate("document.documentElement.scrollWidth") > width:
        yield (
            page.evaluate(WIDEST, width) or "the page",
            "wider than the screen: let it wrap, or scroll in a box of its own",
        )


@pytest.fixture(scope="module", name="window")
def _window(browser, site) -> Iterator[Window]:
    window = Window(browser, site.address)
    yield window
    window.context.close()


def test_every_page_in_every_look(window, site):
    names = [*(f"{name}.html" for name in [*site.pages, *site.translated]), "search.html"]
    expect_none(finding for name in names for finding in window.findings(name))


def toggle_menu(page: Page) -> None:
    page.locator(".primary-toggle").click()


def open_search(page: Page) -> None:
    page.keyboard.press("Control+k")


def search(page: Page) -> None:
    open_search(page)
    page.locator("dialog[open] input").fill("model")
    page.keyboard.press("Enter")
    page.locator("a .highlighted").first.wait_for()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("act", [toggle_menu, open_search, search], ids=lambda act: act.__name__)
def test_what_a_reader_opens_is_for_everyone(act, width, scheme, window, site):
    page = window.context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{site.address}/{site.pages[0]}.html")
    act(page)
    page.evaluate(AT_REST)
    expect_none(Finding(f"{act.__name__} {width} {scheme}", *problem) for problem in violations(page))
    page.close()


PLANTED = {
    "color-contrast": '<p style="color: #999; background: #fff">pale</p>',
    "label": '<input type="text">',
    "target-size": '<button style="width: 9px; padding: 0">a</button><button style="width: 9px; padding: 0">b</button>',
    "scrollable-region-focusable": '<div style="overflow: auto; width: 9px; height: 99px"><p>long words here</p></div>',
    "wider than the screen": '<div style="width: 500px">wide</div>',
    "another host": '<img src="http://127.0.0.2:9/x.png" alt="">',
    "a script fails": "<script>undefined.x</script>",
}


@pytest.mark.parametrize("problem", PLANTED)
def test_planted_fault_is_found(problem, window, site):
    page = site.folder / f"planted-{list(PLANTED).index(problem)}.html"  # a browser keeps what had the same name
    page.write_text(f'<!doctype html><html lang="en"><title>t</title><main>{PLANTED[problem]}</main></html>')
    try:
        assert any(problem in str(finding) for finding in window.findings(page.name))
    finally:
        page.unlink()
