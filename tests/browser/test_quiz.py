"""The quiz of a case on its page: by keyboard, for a screen reader, without scripts, on paper, and as axe sees it."""

from __future__ import annotations

import re
from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe

from equipoise.content import Case, load_course

LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]


@pytest.fixture(scope="module", name="case")
def _case(built_course) -> Case:
    return load_course(built_course).in_order()[0]


@pytest.fixture(name="visit")
def _visit(open_page, case):
    """A function that opens the case."""
    return partial(open_page, f"cases/{case.slug}/case")


def number(case: Case, several: bool) -> int:
    """The first question with one right answer, or with several."""
    return [sum(option.correct for option in item.options) > 1 for item in case.quiz.items].index(several)


def plain(text: str) -> list[str]:
    """The words of a text, without quotes: the page sets curly ones."""
    return re.sub("[\"'\u2018-\u201d]", "", text).split()


def choose(question, options, chosen) -> None:
    for option, box in zip(options, question.get_by_role("checkbox").all(), strict=True):
        box.set_checked(option in chosen)
    question.get_by_role("button", name="Check").click()


def test_every_question_is_a_group_of_its_answers_with_the_question_as_its_name(visit, case):
    page = visit()
    for n, item in enumerate(case.quiz.items):
        question = page.locator(".quiz-question").nth(n)
        role = "checkbox" if sum(option.correct for option in item.options) > 1 else "radio"
        group = question.get_by_role("group")
        assert group.get_by_role(role).count() == len(item.options)
        assert group.locator("legend").inner_text().startswith(f"{n + 1}. {item.question.split()[0]}")
        assert question.get_attribute("data-competency") == item.competency
    assert page.get_by_role("group", name=f"1. {case.quiz.items[0].question[:30]}").count() == 1


def test_one_right_answer_is_found_by_keyboard_alone(visit, case):
    n = number(case, several=False)
    item = case.quiz.items[n]
    wrong = next(i for i, option in enumerate(item.options) if not option.correct)
    right = next(i for i, option in enumerate(item.options) if option.correct)
    page = visit()
    question = page.locator(".quiz-question").nth(n)
    assert question.locator(".quiz-feedback:visible").count() == 0

    def go_to(target: int) -> None:
        for _ in range(len(item.options)):
            if question.get_by_role("radio").nth(target).is_checked():
                return
            page.keyboard.press("ArrowDown")

    def check() -> None:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

    question.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    go_to(wrong)
    check()
    feedback = question.locator(".quiz-feedback:visible")
    assert plain(feedback.inner_text()) == ["Not", "quite.", *plain(item.options[wrong].feedback)]
    heard = question.get_by_role("status")
    page.wait_for_timeout(700)
    assert heard.inner_text().startswith("Not quite. Choose another answer, and check again. Not quite. ")
    assert plain(heard.inner_text())[-5:] == plain(item.options[wrong].feedback)[-5:]
    described = question.get_by_role("radio").nth(wrong).get_attribute("aria-describedby")
    assert page.locator(f"#{described}").inner_text() == feedback.inner_text()

    page.keyboard.press("Shift+Tab")
    go_to(right)
    page.wait_for_timeout(700)
    assert heard.inner_text() == "", "an old verdict must not stand beside a new choice"
    page.keyboard.press("Enter")
    assert question.locator(".quiz-verdict").inner_text() == "Right, at try 2."
    assert question.locator(".quiz-right:visible").inner_text().startswith("Right. ")

    other = question.locator("summary:visible").last
    other.focus()
    page.keyboard.press("Enter")
    last = max(i for i in range(len(item.options)) if i not in (wrong, right))
    assert item.options[last].feedback.split()[0] in question.locator(".quiz-other[open]").inner_text()

    question.get_by_role("button", name="Try this question again").press("Enter")
    assert question.locator(".quiz-feedback:visible").count() == 0
    assert question.locator("input:checked").count() == 0


def test_several_right_answers_must_all_be_found(visit, case):
    n = number(case, several=True)
    options = case.quiz.items[n].options
    right, wrong = ([option for option in options if option.correct is kind] for kind in (True, False))
    question = visit().locator(".quiz-question").nth(n)
    question.get_by_role("button", name="Check").click()
    assert question.locator(".quiz-verdict").inner_text() == "Choose an answer first."
    choose(question, options, [right[0], wrong[0]])
    said = f"Right answers found: 1 of {len(right)}. Chosen but not right: 1."
    assert said in question.locator(".quiz-verdict").inner_text()
    assert question.locator(".quiz-feedback:visible").count() == 2
    choose(question, options, options)
    assert f"Right answers found: {len(right)} of {len(right)}" in question.locator(".quiz-verdict").inner_text()
    choose(question, options, right)
    assert question.locator(".quiz-verdict").inner_text() == "Right, at try 3."


def test_first_tries_are_counted_and_stay_here(visit, case):
    page = visit()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    stored = page.evaluate("JSON.stringify(localStorage)")
    score = page.locator(".quiz-score")
    total = len(case.quiz.items)
    assert f"Answered: 0 of {total}. At the first try: 0." in score.inner_text()
    for n, item in enumerate(case.quiz.items):
        question = page.locator(".quiz-question").nth(n)
        inputs = question.locator("fieldset input")
        if n == 0:
            wrong = next(i for i, option in enumerate(item.options) if not option.correct)
            inputs.nth(wrong).check()
            question.get_by_role("button", name="Check").click()
            inputs.nth(wrong).set_checked(False) if inputs.nth(wrong).get_attribute("type") == "checkbox" else None
        for i, option in enumerate(item.options):
            if option.correct:
                inputs.nth(i).check()
        question.get_by_role("button", name="Check").click()
        assert question.locator(".quiz-verdict").inner_text().startswith("Right, at ")
    assert f"{total - 1} of {total} at the first try." in score.inner_text()
    assert "neither stored nor sent" in score.inner_text()
    page.wait_for_timeout(700)
    assert page.locator(".quiz-question").last.get_by_role("status").inner_text().endswith("at the first try.")
    page.get_by_role("button", name="Start the quiz again").press("Enter")
    assert f"Answered: 0 of {total}." in score.inner_text()
    assert page.locator(".quiz-question input").first.evaluate("input => input === document.activeElement")
    assert sent == []
    assert page.evaluate("JSON.stringify(localStorage)") == stored
    assert page.evaluate("document.cookie") == ""


def test_words_of_the_page_are_kept_as_they_are(site, browser, case):
    """Links, formulas and emphasis inside a question are moved into the form, with what hangs on them."""
    page = browser.new_page()
    words = 'the <a href="#" id="kept">AUROC</a> of <em>C</em>, <span class="math">x</span>'
    html = site.html(f"cases/{case.slug}/case")
    for before, after in (
        ('<span class="sd-summary-text">', '<span class="sd-summary-text">' + words),
        ('<p class="sd-card-text">', '<p class="sd-card-text"><em>moved</em> '),
    ):
        assert before in html
        above, start, below = html.partition("<case-quiz>")  # the page's header has folds of its own
        html = above + start + below.replace(before, after, 1)
    page.route("**/case.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{site.address}/cases/{case.slug}/case.html")
    label = page.locator(".quiz-question label").first
    assert label.locator("a#kept").inner_text() == "AUROC"
    assert label.locator("em").inner_text() == "C" and label.locator(".math").count() == 1
    assert page.locator(".quiz-question .quiz-feedback em").first.text_content() == "moved"
    page.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_quiz_is_accessible_and_fits_before_and_after(visit, case, width, scheme):
    page = visit(width, scheme)

    def look() -> None:
        found = Axe().run(page, "case-quiz").response
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    look()
    for question in page.locator(".quiz-question").all():
        for box in question.locator("fieldset input").all():
            box.check()
            question.locator("button").click()
            if question.locator("button").inner_text() != "Check":
                break
    for summary in page.locator(".quiz-other summary:visible").all():
        summary.click()
    look()


def test_without_scripts_every_answer_opens_and_says_why(visit, case):
    page = visit(scripts=False)
    answers = page.locator("case-quiz details")
    assert answers.count() == sum(len(item.options) for item in case.quiz.items)
    assert page.locator("case-quiz input, case-quiz button").count() == 0
    first = answers.first
    assert not first.locator("p").first.is_visible()
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    verdict = "Right. " if case.quiz.items[0].options[0].correct else "Not quite. "
    assert first.locator("p").first.inner_text().startswith(verdict)


def test_printed_quiz_has_its_questions_and_no_buttons(visit, case):
    page = visit()
    page.emulate_media(media="print")
    assert page.locator(".quiz-answer label:visible").count() == sum(len(item.options) for item in case.quiz.items)
    assert page.locator("case-quiz button:visible").count() == 0
