"""The label explorer on its page: what it brings and tells is what pandas and fairlearn find in the course's data."""

from __future__ import annotations

import json

import policies
import pytest

PAUSE = 1500  # milliseconds, longer than a status waits


@pytest.fixture(scope="module", name="found")
def _found() -> dict:
    return policies.labels()


@pytest.fixture(name="page")
def _page(open_page, site):
    return open_page(site.page_with("label-explorer"))


@pytest.fixture(name="part")
def _part(page):
    return page.locator("label-explorer")


def test_data_of_the_page_is_the_ranking_of_the_lab_and_nothing_that_students_may_not_see(part, found):
    brought = json.loads(part.locator("script").text_content())
    labels = [{name: label[name] for name in ("name", "placed", "cost", "avoidable_cost")} for label in found["labels"]]
    assert [{name: value for name, value in label.items() if name != "text"} for label in brought["labels"]] == labels
    for name in ("shares", "severe", "groups", "patients", "totals"):
        assert brought[name] == found[name], name
    assert set(brought) == {"shares", "start", "severe", "groups", "marked", "patients", "totals", "labels"}


def cells(part) -> list[list[str]]:
    texts = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.replaceAll('\\u00a0', ' ')))"
    return part.locator("tbody tr").evaluate_all(texts)


def rows(found: dict, label: int, step: int) -> list[list[str]]:
    """The first two rows of the table as fairlearn and pandas would have them."""
    lines = []
    for name, group in zip(found["groups"], found["labels"][label]["at"][step]["groups"], strict=True):
        places, rate = round(group["selection_rate"] * group["count"]), 100 * group["selection_rate"]
        severe = sum(found["patients"][found["groups"].index(name)][found["severe"] :])
        missed = round(group["false_negative_rate"] * severe)
        lines.append(
            [
                name,
                f"{places:,} of {group['count']:,} ({rate:.1f} %)",
                f"{group['mean']:.1f} ({group['low']:.1f} to {group['high']:.1f})",
                f"{missed} of {severe} ({100 * group['false_negative_rate']:.1f} %)",
            ]
        )
    return lines


def test_reader_chooses_label_and_places_by_keyboard_and_reads_what_fairlearn_finds(page, part, found):
    assert cells(part)[:2] == rows(found, label=0, step=2), "the case's own policy: cost, 3 of 100"
    part.get_by_role("radio", checked=True).focus()
    for label in (1, 2):
        page.keyboard.press("ArrowDown")
        assert cells(part)[:2] == rows(found, label, step=2)
    page.keyboard.press("Tab")
    for step in (3, 4, 5):
        page.keyboard.press("ArrowRight")
        assert cells(part)[:2] == rows(found, 2, step)
    page.wait_for_timeout(PAUSE)
    said = part.get_by_role("status").inner_text()
    missed = cells(part)[2][3].split(" of ")[0]
    assert "active chronic conditions" in said and f", {missed} get none" in said


def test_figures_stand_in_numbers_for_whoever_opens_them(part, found):
    part.get_by_role("radio", name="active chronic conditions").check()
    part.locator("summary").press("Enter")
    reach = {name: now for name, now, _ in cells(part)[-3:]}
    told = found["labels"][2]["at"][2]["reach"]
    assert list(reach.values()) == [f"{100 * told[name]:.1f} %" for name in ("cost", "avoidable_cost", "conditions")]
    assert all(one.is_visible() for one in part.get_by_role("table").all())


def test_marks_of_the_first_label_stay_while_those_of_the_chosen_one_move(part):
    def marks(kind: str) -> list[str]:
        place = "marks => marks.map(mark => mark.getAttribute('cx') ?? mark.getAttribute('transform'))"
        return part.locator(f".eq-figures {kind}").evaluate_all(place)

    rings, markers = marks("circle"), marks(".eq-marker")
    part.get_by_role("radio", name="avoidable cost").check()
    assert marks("circle") == rings and len(rings) == 7
    assert all(now != before for now, before in zip(marks(".eq-marker"), markers, strict=True))
