"""Whoever looks at a page of the instructor's edition sees which one it is."""

import pytest

from equipoise.book.build import MARK
from equipoise.content import load_course


@pytest.mark.parametrize("medium", ["screen", "print"])
def test_instructors_edition_is_marked_on_screen_and_on_paper(instructors_course, browser, medium):
    case = load_course(instructors_course).in_order()[0].slug
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.emulate_media(media=medium)
    page.goto((instructors_course / "_build" / "book-instructor" / "cases" / case / "teaching.html").as_uri())
    assert page.get_by_text(MARK, exact=True).first.is_visible()
    page.close()
