"""The reading station on its page: a session by keyboard, its sums, its looks, and what is left without scripts."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]


@pytest.fixture(name="visit")
def _visit(open_page, site):
    """A function that opens the page that has a reading station."""
    return partial(open_page, site.page_with("reading-station"))


def films(page) -> list[dict]:
    return json.loads(page.locator("reading-station script").text_content())


def focused(page) -> str:
    return page.evaluate("document.activeElement.innerText")


def answer(page, value: int, surer: int = 0) -> None:
    """From the heading of a step to its end with the keyboard alone."""
    page.keyboard.press("Tab")  # the film in words
    page.keyboard.press("Tab")  # the two answers, the first of which is Pneumonia
    page.keyboard.press("Space")
    if not value:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    for _ in range(surer):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def go_on(page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def whole_session(page) -> list[dict]:
    """Answer 1 to every odd film, then give in on films 1 to 6 and stay with the first answer on the others."""
    page.locator("reading-station").get_by_role("button", name="Begin").focus()
    page.keyboard.press("Enter")
    reads = []
    for number, film in enumerate(films(page)):
        first = number % 2
        second = film["advice"] if number < 6 else first
        assert focused(page) == f"Film {number + 1} of 12: without advice"
        answer(page, first)
        assert "the model says" in focused(page)
        answer(page, second, surer=3)
        assert ("there is pneumonia" in focused(page)) == bool(film["truth"])
        reads.append({"truth": film["truth"], "advice": film["advice"], "first": first, "second": second})
        go_on(page)
    assert focused(page) == "What the advice did"
    return reads


def test_a_session_by_keyboard_ends_in_sums_that_agree_with_a_count_by_hand(visit):
    page = visit()
    reads = whole_session(page)
    conflicts = [read for read in reads if read["first"] != read["advice"]]
    switches = [read for read in conflicts if read["second"] == read["advice"]]
    harmful = [read for read in switches if read["advice"] != read["truth"]]
    assert conflicts and switches and harmful and len(switches) < len(conflicts), "these answers test nothing"
    right = [sum(read[when] == read["truth"] for read in reads) for when in ("first", "second")]
    wrong = sum(read["advice"] != read["truth"] for read in conflicts)
    cells = page.locator(".rs-result td").all_inner_texts()
    assert cells[:3] == [*(f"{round(100 * count / 12)} %" for count in right), f"{len(conflicts)} of 12 films"]
    assert cells[3].startswith(f"{len(switches)} of {len(conflicts)} ")
    assert cells[4].startswith(f"{len(switches) - len(harmful)} of {len(conflicts) - wrong} ")
    assert cells[5].startswith(f"{len(harmful)} of {wrong} ")


def test_saved_file_is_what_was_answered(visit):
    page = visit()
    reads = whole_session(page)
    with page.expect_download() as download:
        page.locator("reading-station").get_by_role("link", name="Save reads.csv").click()
    assert download.value.suggested_filename == "reads.csv"
    with Path(download.value.path()).open(newline="") as file:
        saved = list(csv.DictReader(file))
    assert [{name: int(row[name]) for name in read} for row, read in zip(saved, reads, strict=True)] == reads
    assert {(row["first_sure"], row["second_sure"]) for row in saved} == {("50", "80")}


def test_opacity_is_outlined_where_it_is_and_only_afterwards(visit):
    page = visit()
    page.locator("reading-station").get_by_role("button", name="Begin").click()
    for film in films(page):
        for _ in range(2):
            assert page.locator(".rs-live ellipse").count() == 0
            page.locator("reading-station").get_by_role("radio", name="No pneumonia").check()
            page.locator("reading-station").get_by_role("button", name="Commit").click()
        drawn = page.locator(".rs-over")
        assert drawn.count() == film["truth"]
        if film["truth"]:
            frame, box = page.locator(".rs-live .rs-film").bounding_box(), drawn.bounding_box()
            middle = [
                (box[at] + box[size] / 2 - frame[at]) / frame["width"] * 64
                for at, size in (("x", "width"), ("y", "height"))
            ]
            assert middle == pytest.approx([film["lesion"]["x"], film["lesion"]["y"]], abs=0.5)
        page.locator(".rs-live button").click()


def test_words_and_labels_do_not_give_the_answer_away(visit):
    for film in films(visit()):
        assert not any(word in film["words"].lower() for word in ("pneumonia", "opacity", "clear", "zone;"))
        assert len(film["words"]) > 80


def test_an_answer_is_needed(visit):
    page = visit()
    page.locator("reading-station").get_by_role("button", name="Begin").click()
    page.locator("reading-station").get_by_role("button", name="Commit").click()
    assert "without advice" in page.locator(".rs-heading").inner_text()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_step_is_accessible_and_fits(visit, width, scheme):
    page = visit(width, scheme)

    def look() -> None:
        found = Axe().run(page, "reading-station").response
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            """() => {
                const edge = document.querySelector("reading-station").getBoundingClientRect().right;
                const parts = [...document.querySelectorAll(".rs-live *")];
                return parts.every((part) => part.getBoundingClientRect().right <= edge);
            }"""
        )

    look()
    page.locator("reading-station").get_by_role("button", name="Begin").click()
    page.locator(".rs-live summary").click()
    look()
    for number in range(12):
        for _ in range(2):
            page.locator("reading-station").get_by_role("radio", name="No pneumonia").check()
            page.locator("reading-station").get_by_role("button", name="Commit").click()
            if number == 0:
                look()
        page.locator(".rs-live button").click()
    look()


def test_without_scripts_all_films_are_shown_and_the_answers_folded(visit):
    page = visit(scripts=False)
    assert page.locator(".rs-static .rs-film").count() == 12
    assert page.locator(".rs-static .rs-film").last.is_visible()
    answers = page.locator(".rs-static > details")
    assert not answers.locator("li").first.is_visible()
    answers.locator("> summary").click()
    assert answers.locator("li").count() == 12
    assert answers.locator("li").first.is_visible()


def test_printed_page_holds_all_films_and_answers(visit):
    page = visit()
    page.emulate_media(media="print")
    assert page.locator(".rs-static .rs-film").last.is_visible()
    assert page.locator(".rs-static > details li").first.evaluate("item => item.getBoundingClientRect().height > 0")
    assert not page.locator(".rs-live").is_visible()
