"""The catalogue as a reader uses it: filters by keyboard, links that can be shared, and every case without scripts."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from equipoise.content import Level, Principle, load_course

LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]


@pytest.fixture(name="course")
def _course(built_course):
    return load_course(built_course)


@pytest.fixture(name="visit")
def _visit(open_page):
    """A function that opens the catalogue."""

    def visit(query: str = "", width: int = 1280, scheme: str = "light", scripts: bool = True):
        return open_page("book/catalogue", width, scheme, scripts, query)

    return visit


def shown(page) -> list[str]:
    """The titles of the cards that are to be seen."""
    return [title.inner_text() for title in page.locator(".eq-case .sd-card-title").all() if title.is_visible()]


def titles(course, *wanted) -> list[str]:
    """The titles of the cases that have every level or principle in ``wanted``."""
    return [c.facts.title for c in course.in_order() if {*wanted} <= {*c.facts.levels, *c.facts.principles}]


def test_every_case_is_shown_without_javascript(visit, course):
    page = visit(scripts=False)
    assert shown(page) == titles(course)
    assert page.locator(".eq-filter").count() == 0


def test_keyboard_filters_and_the_number_is_announced(visit, course):
    page = visit()
    assert shown(page) == titles(course)
    page.get_by_label("Level").focus()
    page.keyboard.press("S")  # a list jumps to what begins with the letter
    wanted = titles(course, Level.SPECIALTY)
    assert 0 < len(wanted) < len(course.cases)
    assert shown(page) == wanted
    page.get_by_role("status").get_by_text(f"{len(wanted)} of {len(course.cases)} cases").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "specialty"
    page.get_by_role("button", name="Show all").press("Enter")
    assert shown(page) == titles(course)
    assert page.evaluate("document.activeElement.name") == "level"


def test_choices_stand_in_the_address_and_a_shared_link_shows_the_same(visit, course):
    page = visit()
    page.get_by_label("Level").select_option(Level.SPECIALTY.value)
    page.get_by_label("Principle").select_option(Principle.JUSTICE.value)
    wanted = titles(course, Level.SPECIALTY, Principle.JUSTICE)
    assert shown(page) == wanted != titles(course, Level.SPECIALTY)
    again = visit(page.url.partition(".html")[2])
    assert shown(again) == wanted
    assert again.get_by_label("Principle").input_value() == Principle.JUSTICE.value


def test_an_unknown_choice_in_a_link_hides_nothing(visit, course):
    assert shown(visit("?level=wizard&colour=red")) == titles(course)


def test_a_choice_says_how_many_cases_it_leaves(visit, course):
    page = visit(f"?level={Level.SPECIALTY.value}")
    for option in page.get_by_label("Principle").locator("option[data-words]").all():
        number = int(re.search(r"\((\d+)\)$", option.inner_text())[1])
        assert number == len(titles(course, Level.SPECIALTY, Principle(option.get_attribute("value"))))
        assert option.is_disabled() == (number == 0)


def test_a_click_anywhere_on_a_card_opens_its_case(visit, course):
    page, case = visit(), course.in_order()[0]
    page.locator(".eq-case .sd-card-footer").first.click(force=True)  # what is on top is the link
    page.wait_for_url(f"**/cases/{case.slug}/case.html")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_catalogue_is_accessible_and_fits(visit, width, scheme):
    page = visit(f"?level={Level.SPECIALTY.value}", width, scheme)
    found = Axe().run(page, context=".bd-article").response
    assert len(found["passes"]) > 10
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
