"""Explorers: figures on a case's page that the reader moves. Whatever they show, all of them keep the same promises.

An explorer is a part of a page (class ``eq-part``) that a code cell brings with its data. Its promises: it can be used
with the keyboard alone and with a screen reader, fits desk and phone, light and dark, costs next to nothing, and is not
missed without JavaScript, since a figure above it says the same.
"""

from __future__ import annotations

import gzip
import json
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import audits
import pytest
from axe_playwright_python.sync_playwright import Axe
from support import ROOT

LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]
BUDGET = 10_000  # bytes, gzipped: an explorer with its modules and its data
PAUSE = 1500  # milliseconds, longer than a status waits
MARKUP = re.compile(r"<([a-z]+(?:-[a-z]+)+) class=\"eq-part\"")
EXPLORERS = sorted(
    (f"cases/{path.parent.name}/case", name)
    for path in (ROOT / "cases").glob("*/case.md")
    for name in set(MARKUP.findall(path.read_text()))
)


def every_explorer(test):
    names = [f"{page.split('/')[1]}-{name}" for page, name in EXPLORERS]
    return pytest.mark.parametrize(("page", "name"), EXPLORERS, ids=names)(test)


def numbers(part) -> str:
    return " | ".join(part.locator(".eq-table").all_inner_texts())


def test_explorers_of_the_sources_are_those_of_the_site(site):
    built = [
        (page, name)
        for page in site.pages
        for output in site.html(page).split('<div class="output text_html">')[1:]
        for name in MARKUP.findall(output.partition("</div>")[0])
    ]
    assert sorted(built) == EXPLORERS


@every_explorer
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_explorer_is_accessible_and_fits(open_page, page, name, width, scheme):
    opened = open_page(page, width, scheme)
    part = opened.locator(f"{name}.eq-part")

    def look() -> None:
        found = Axe().run(opened, f"{name}.eq-part").response
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
        assert len(found["passes"]) > 10
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert part.evaluate(
            """part => [...part.querySelectorAll(":not(.eq-table *)")].every(
                (one) => one.getBoundingClientRect().right <= part.getBoundingClientRect().right + 1
            )"""
        ), "something sticks out"

    look()
    for group in part.locator("fieldset").all():
        group.get_by_role("radio").last.check()
    look()


@every_explorer
def test_explorer_is_operable_by_keyboard_alone(open_page, page, name):
    """Tab reaches every slider and every choice, and arrow keys move them; what they move is seen in the numbers."""
    opened = open_page(page)
    part = opened.locator(f"{name}.eq-part")
    controls = reached(opened, part)
    sliders = part.get_by_role("slider")
    groups = part.locator("fieldset")
    assert sliders.count() + groups.count() > 0
    assert controls.count("range") == sliders.count()
    assert controls.count("radio") == groups.count()
    for slider in sliders.all():
        assert moves(opened, slider, lambda: numbers(part), ("ArrowRight", "ArrowLeft")), slider.get_attribute(
            "aria-valuetext"
        )
    for group in groups.all():
        chosen = group.get_by_role("radio", checked=True)
        assert moves(opened, chosen, part.inner_text, ("ArrowDown",))


def reached(opened, part) -> list[str]:
    """The kinds of inputs that Tab meets within a part."""
    part.evaluate(
        """part => {
            const before = document.createElement("a");
            before.href = "#";
            part.before(before);
            before.focus();
        }"""
    )
    kinds = []
    while True:
        opened.keyboard.press("Tab")
        inside, kind = part.evaluate("part => [part.contains(document.activeElement), document.activeElement.type]")
        if not inside:
            return kinds
        assert part.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
        kinds.append(kind)


def moves(opened, control, state, keys) -> bool:
    """Whether one of the keys, pressed at most ten times, changes what ``state`` tells."""
    before = state()
    control.focus()
    for key in keys:
        for _ in range(10):
            opened.keyboard.press(key)
            if state() != before:
                return True
    return False


@every_explorer
def test_every_control_has_a_name_and_a_slider_says_its_value(open_page, page, name):
    part = open_page(page).locator(f"{name}.eq-part")
    for slider in part.get_by_role("slider").all():
        assert slider.evaluate("input => input.labels.length") == 1
        assert slider.get_attribute("aria-valuetext")
    assert part.locator(".eq-table caption").count() == part.locator(".eq-table").count() > 0


@every_explorer
def test_status_speaks_once_after_a_pause(open_page, page, name):
    opened = open_page(page)
    part = opened.locator(f"{name}.eq-part")
    assert part.get_by_role("status").count() == 1
    opened.wait_for_timeout(PAUSE)
    part.evaluate(
        """part => {
            window.said = [];
            const region = part.querySelector("[role=status]");
            new MutationObserver(() => window.said.push(region.textContent)).observe(region, { childList: true });
        }"""
    )
    slider = part.get_by_role("slider")
    control = (slider if slider.count() else part.get_by_role("radio", checked=True)).first
    control.focus()
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    assert opened.evaluate("window.said") == [], "it speaks while the reader still moves"
    opened.wait_for_timeout(PAUSE)
    [said] = opened.evaluate("window.said")
    assert re.search(r"\d", said)


@every_explorer
def test_explorer_with_its_data_is_light(site, page, name):
    element = re.search(rf"<{name} class=\"eq-part\">.*?</{name}>", site.html(page), re.DOTALL)[0]
    modules = scripts(site.folder / "_static" / f"{name}.js")
    size = sum(len(gzip.compress(part)) for part in [element.encode(), *(path.read_bytes() for path in modules)])
    assert size <= BUDGET, (
        f"{size} bytes: {len(element)} of data before compression, and {[path.name for path in modules]}"
    )


def scripts(path: Path, known: tuple[Path, ...] = ()) -> list[Path]:
    """A module and all that it imports."""
    found = [path]
    for name in re.findall(r"from \"\./(.+?)\"", path.read_text()):
        found += [module for module in scripts(path.parent / name) if module not in found]
    return found


@every_explorer
def test_without_scripts_a_static_figure_stands_above_and_nothing_is_missed(open_page, page, name):
    opened = open_page(page, scripts=False)
    part = opened.locator(f"{name}.eq-part")
    assert not part.is_visible()
    assert part.locator("xpath=ancestor::section[h2]").locator(".cell_output img").first.is_visible()


# The threshold explorer, by its cases.

THRESHOLD = [
    ("cases/pulse-oximetry/case", audits.oximetry, "below", (96, 93, 89, 99)),
    ("cases/readmission/case", audits.readmission, "above", (13.2, 9.0, 20.0)),
]
TOGETHER = {
    "Hispanic": "Hispanic, Other or Asian",
    "Other": "Hispanic, Other or Asian",
    "Asian": "Hispanic, Other or Asian",
}


def thresholds(part) -> list[float]:
    return json.loads(part.locator("script").text_content())["thresholds"]


def set_bar(part, slider, bar: float) -> None:
    move = "(input, at) => { input.value = at; input.dispatchEvent(new Event('input', { bubbles: true })); }"
    slider.evaluate(move, thresholds(part).index(bar))


def rows(part) -> dict[str, list[str]]:
    """The cells of the table, by what their row is called."""
    texts = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    cells = part.locator(".eq-table tbody tr").evaluate_all(texts)
    return {name: [cell.replace("\u00a0", " ") for cell in rest] for name, *rest in cells}


def rounded(share: float) -> Decimal:
    """In percent, as JavaScript rounds: half a percent goes up."""
    return Decimal(100 * share).quantize(Decimal(1), ROUND_HALF_UP)


def expected(acted, truth, of) -> dict[str, list[str]]:
    """The table as fairlearn would have it, without the bar: missed, sensitivity, selected, PPV."""
    found = audits.frame(acted, truth, of)
    lines = dict(found.by_group.iterrows()) | {"All together": found.overall}
    told = {}
    for group, shares in lines.items():
        inside = of == group if group in set(of) else of == of
        ill, sought = truth[inside].sum(), acted[inside].sum()
        told[group] = [
            f"{(truth & ~acted)[inside].sum():,} of {ill:,} ({rounded(shares['falseNegativeRate'])} %)",
            f"{rounded(shares['sensitivity'])} %",
            f"{sought:,} of {inside.sum():,} ({rounded(shares['selectionRate'])} %)",
            f"{rounded(shares['ppv'])} %",
        ]
    gaps = found.difference()[["falseNegativeRate", "sensitivity", "selectionRate", "ppv"]]
    return told | {"Largest gap (points)": [f"{rounded(gap)}" for gap in gaps]}


@pytest.mark.parametrize(("page", "data", "act", "bars"), THRESHOLD, ids=[page for page, *_ in THRESHOLD])
def test_table_is_fairlearns_with_one_bar_and_with_a_bar_for_each_group(open_page, page, data, act, bars):
    part = open_page(page).locator("threshold-explorer")
    score, truth, groups = data()
    groups = groups.replace(TOGETHER)
    for bar in bars:
        set_bar(part, part.get_by_role("slider"), bar)
        found = expected(score >= bar if act == "above" else score < bar, truth, groups)
        assert {name: cells[1:] for name, cells in rows(part).items()} == found
    part.get_by_role("radio").nth(1).check()
    names = list(rows(part))[:-2]
    assert set(names) == set(groups)
    each = {group: bars[at % len(bars)] for at, group in enumerate(names)}
    for slider, bar in zip(part.get_by_role("slider").all(), each.values(), strict=True):
        set_bar(part, slider, bar)
    own = groups.map(each)
    found = expected(score >= own if act == "above" else score < own, truth, groups)
    assert {name: cells[1:] for name, cells in rows(part).items()} == found


@pytest.mark.parametrize("page", [page for page, *_ in THRESHOLD])
def test_both_policies_are_kept_while_the_reader_compares_them(open_page, page):
    part = open_page(page).locator("threshold-explorer")
    one, each = part.get_by_role("radio").all()
    set_bar(part, part.get_by_role("slider"), thresholds(part)[3])
    for_all = rows(part)
    each.check()
    assert rows(part) != for_all
    part.get_by_role("slider").first.press("ArrowRight")
    for_each = rows(part)
    one.check()
    assert rows(part) == for_all
    each.check()
    assert rows(part) == for_each


@pytest.mark.parametrize("page", [page for page, *_ in THRESHOLD])
def test_status_tells_of_the_group_that_was_moved_and_of_all_it_takes(open_page, page):
    opened = open_page(page)
    part = opened.locator("threshold-explorer")
    part.get_by_role("radio").nth(1).check()
    slider = part.get_by_role("slider").last
    slider.press("ArrowRight")
    opened.wait_for_timeout(PAUSE)
    said = part.get_by_role("status").inner_text()
    *groups, (_, total), _ = rows(part).items()
    name, cells = groups[-1]
    acted, everyone = (int(number.replace(",", "")) for number in total[3].split(" (")[0].split(" of "))
    assert f"{name} {cells[1].split(' (')[0]}" in said
    assert groups[0][0] not in said
    assert any(f" {number} " in said for number in (f"{acted:,}", f"{100 * acted / everyone:.1f}"))


@pytest.mark.parametrize("page", [page for page, *_ in THRESHOLD])
def test_marker_of_each_group_stands_on_its_line_at_the_bar_and_differs_in_shape_and_dash(open_page, page):
    part = open_page(page).locator("threshold-explorer")
    for chart in part.locator(".eq-chart").all():
        drawn = chart.evaluate(
            """chart => [...chart.querySelectorAll(".eq-marker")].map((marker, index) => {
                const line = chart.querySelectorAll(".eq-line")[index];
                const [x, y] = marker.getAttribute("transform").match(/[\\d.]+/g).map(Number);
                const near = line.getAttribute("d").match(/[\\d.]+ [\\d.]+/g).map((at) => at.split(" ").map(Number));
                const at = near.findIndex(([left, top]) => Math.hypot(left - x, top - y) < 0.1);
                return [at, marker.getAttribute("d"), line.getAttribute("stroke-dasharray")];
            })"""
        )
        assert len(drawn) == len(rows(part)) - 2
        assert {at for at, *_ in drawn} == {int(part.get_by_role("slider").input_value())}
        assert len({shape for _, shape, _ in drawn}) == len({dash for *_, dash in drawn}) == len(drawn)
