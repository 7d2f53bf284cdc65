"""A reader in another language: the page, its quiz and its explorer speak it, and the way back keeps the page."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from support import ROOT

from equipoise.book import translations

LANGUAGES = translations.languages(ROOT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_interactive_parts_speak_the_language_of_the_page(site, browser, language):
    case = next(page for page in translations.begun(ROOT, language) if page.startswith("cases/"))
    words = translations.words(ROOT, language)
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{site.address}/{language}/{case}.html")
    check = page.locator("case-quiz button").first
    assert check.inner_text() == words["Check"] != "Check"
    assert page.locator(".eq-part legend").first.inner_text() in words.values()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.locator(".languages a").click()
    page.wait_for_load_state("networkidle")
    assert page.url == f"{site.address}/{case}.html"
    assert page.locator("case-quiz button").first.inner_text() == "Check"
    page.close()
