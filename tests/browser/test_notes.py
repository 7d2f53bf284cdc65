"""What a reader notes on a case: votes, guesses and a surprise, kept on the device, compared, saved, forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]
MARKUP = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
NO_STORAGE = (
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } })"
)
FULL = (
    "Storage.prototype.setItem = (key, value) => { if (value) throw new DOMException('full', 'QuotaExceededError'); }"
)


@pytest.fixture(name="visit")
def _visit(open_page, site):
    """A function that opens a case; what storage says where a test spoils it, the theme's own script repeats."""
    first = next(name for name in site.pages if name.startswith("cases/"))

    def visit(width: int = 1280, scheme: str = "light", scripts: bool = True, before: str = "", name: str = first):
        def prepare(page) -> None:
            if before:
                page.context.add_init_script(before)

        return open_page(name, width, scheme, scripts, prepare=prepare, forgiven=("denied", "full"))

    return visit


def part(page, name: str):
    return page.locator(f"case-notes[data-part='{name}']")


def vote(page, name: str, option: int, sure: str, why: str = "") -> None:
    form = part(page, name)
    form.get_by_role("radio").nth(option).check()
    form.get_by_label("How sure are you").fill(sure)
    form.locator("textarea").fill(why)
    form.get_by_role("button", name="Commit").click()


def guess(page, *numbers: str) -> None:
    fields = part(page, "predictions").get_by_role("textbox")
    for field, number in zip(fields.all(), numbers, strict=True):
        field.fill(number)
    part(page, "predictions").get_by_role("button", name="Commit").click()


def guesses(page) -> list[str]:
    """As many numbers as the page asks for."""
    return [str(3 * n + 2) for n in range(part(page, "predictions").get_by_role("textbox").count())]


def kept(page) -> dict:
    return json.loads(page.evaluate("localStorage.getItem('equipoise:notes:' + location.pathname)"))


def everything(page) -> None:
    vote(page, "first-vote", 0, "70", "It can start tonight.")
    guess(page, *guesses(page))
    part(page, "surprise").locator("textarea").fill("How far off I was.")
    for field in part(page, "surprise").locator("input").all():
        field.fill("4,5")
    vote(page, "second-vote", 1, "55")


def test_every_case_can_be_voted_on_and_guessed(visit, site):
    for name in (name for name in site.pages if name.startswith("cases/")):
        page = visit(name=name)
        options = page.locator("#first-vote ol > li").all_text_contents()
        labels = part(page, "first-vote").get_by_role("radio").locator("xpath=..").all_text_contents()
        assert [" ".join(text.split()) for text in labels] == [" ".join(text.split()) for text in options], name
        asked = page.locator("#predict-the-numbers ul").first.locator("li").count()
        assert part(page, "predictions").get_by_role("textbox").count() == asked >= 3, name
        group = part(page, "predictions").get_by_role("group")
        described = group.get_attribute("aria-labelledby")
        assert len(page.locator(f"#{described}").inner_text()) > 20, name
        page.context.close()


def test_links_of_an_option_are_shown_again_but_their_ids_are_not(browser, site):
    page = browser.new_page()
    name = next(name for name in site.pages if name.startswith("cases/"))
    before, list_, after = site.html(name).partition('<ol class="arabic simple">\n<li><p>')
    assert list_
    html = f'{before}{list_}<a id="once" href="#x">a term</a> <span id="twice"><b id="thrice">!</b></span> {after}'
    page.route("**/case.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{site.address}/{name}.html")
    for vote_part in ("first-vote", "second-vote"):
        assert part(page, vote_part).get_by_role("link", name="a term").count() == 1
    for one in ("once", "twice", "thrice"):
        assert page.locator(f"[id={one}]").count() == 1
    page.close()


def test_first_vote_by_keyboard_alone_survives_a_reload(visit):
    page = visit()
    question = page.locator("#first-vote p").first.inner_text()
    assert page.get_by_role("group", name=question).first.get_by_role("radio").count() >= 2
    part(page, "first-vote").get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("62,5")
    page.keyboard.press("Tab")
    page.keyboard.type("A reason")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "notes-kept"
    focused = page.evaluate("document.activeElement.innerText")
    name = page.locator("#first-vote ol strong").nth(1).inner_text().rstrip(":.")
    assert all(words in focused for words in ("Your first vote", name, "62.5 % sure", "A reason"))
    assert page.locator("#first-vote ol").is_visible()
    page.reload()
    assert "62.5 % sure" in part(page, "first-vote").inner_text()
    assert kept(page)["first"]["sure"] == 62.5


def test_what_is_missing_is_named_and_gets_the_focus(visit):
    page = visit()
    form = part(page, "first-vote")
    alert = form.get_by_role("alert")
    form.get_by_role("button", name="Commit").click()
    assert alert.inner_text() == "Choose an answer first."
    form.get_by_role("radio").first.check()
    for wrong in ("", "101", "very"):
        form.get_by_label("How sure are you").fill(wrong)
        form.get_by_role("button", name="Commit").click()
        assert "a number from 0 to 100" in alert.inner_text()
        assert form.get_by_label("How sure are you").evaluate("field => field === document.activeElement")
    form = part(page, "predictions")
    form.get_by_role("textbox").first.fill("7")
    form.get_by_role("button", name="Commit").click()
    assert form.get_by_role("alert").inner_text() == "Write a number, such as 12 or 0.8."
    assert form.get_by_role("textbox").nth(1).evaluate("field => field === document.activeElement")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('equipoise'))") == []


def test_second_vote_shows_the_first_only_once_it_is_committed(visit):
    page = visit()
    vote(page, "first-vote", 0, "70", "It can start tonight.")
    page.reload()
    names = [text.rstrip(":.") for text in page.locator("#first-vote ol strong").all_inner_texts()]
    second = part(page, "second-vote")
    assert "70 %" not in second.inner_text() and "tonight" not in second.inner_text()
    assert second.locator("input:checked").count() == 0
    vote(page, "second-vote", 1, "55")
    told = second.inner_text()
    assert f"You moved from “{names[0]}” to “{names[1]}”." in told
    assert "less sure by 15 percentage points: 70 % then, 55 % now" in told
    assert "tonight" in told
    assert part(page, "first-vote").get_by_role("button", name="Change").count() == 0


def test_second_vote_stands_alone_where_there_was_no_first(visit):
    page = visit()
    vote(page, "second-vote", 1, "55")
    assert "no first vote on this device" in part(page, "second-vote").inner_text()


def test_vote_and_guesses_can_be_changed_until_they_are_compared(visit):
    page = visit()
    vote(page, "first-vote", 0, "70", "Why")
    first = part(page, "first-vote")
    first.get_by_role("button", name="Change").click()
    assert first.get_by_role("radio").nth(0).is_checked()
    assert first.get_by_role("radio").nth(0).evaluate("radio => radio === document.activeElement")
    assert first.locator("textarea").input_value() == "Why"
    vote(page, "first-vote", 1, "80")
    assert kept(page)["first"]["sure"] == 80
    numbers = guesses(page)
    guess(page, *numbers)
    predictions = part(page, "predictions")
    predictions.get_by_role("button", name="Change").click()
    assert predictions.get_by_role("textbox").first.input_value() == numbers[0]
    guess(page, "7", *numbers[1:])
    part(page, "surprise").locator("input").first.fill("9")
    assert predictions.get_by_role("button", name="Change").count() == 0
    assert predictions.locator("li").first.inner_text().split()[-1] == "7"


def test_guesses_stand_beside_what_was_measured(visit):
    page = visit()
    surprise = part(page, "surprise")
    assert surprise.locator("input").count() == 0
    guess(page, *guesses(page))
    first = surprise.get_by_role("textbox", name="Measured:").first
    question = page.locator("#predict-the-numbers li").first.text_content().strip()
    assert question in first.get_attribute("aria-label")
    first.fill("1,000")
    assert first.get_attribute("aria-invalid") == "true"
    page.wait_for_timeout(700)
    assert "such as 12 or 0.8" in surprise.get_by_role("status").last.inner_text()
    first.fill("3,6")
    assert first.get_attribute("aria-invalid") == "false"
    assert surprise.locator(".notes-difference").first.locator("svg").count() == 1
    assert "Your guess was 1.6 too low." in surprise.locator(".notes-difference").first.inner_text()
    page.wait_for_timeout(700)
    assert surprise.get_by_role("status").last.inner_text() == "Your guess was 1.6 too low."
    page.reload()
    assert surprise.locator("input").first.input_value() == "3.6"
    surprise.locator("input").first.fill("")
    assert surprise.locator("svg").count() == 0
    assert kept(page)["guesses"]["list"][0]["measured"] is None


def test_notes_are_saved_as_a_file_for_the_memo(visit):
    page = visit()
    memo = part(page, "memo")
    assert memo.get_by_role("button").count() == 0
    everything(page)
    with page.expect_download() as download:
        memo.get_by_role("button", name="Save my notes as a file").click()
    text = Path(download.value.path()).read_text()
    title = page.locator("h1").first.evaluate("heading => heading.firstChild.textContent")
    assert download.value.suggested_filename.endswith("-notes.md")
    options = [" ".join(text.split()) for text in page.locator("#first-vote ol li").all_text_contents()]
    for words in (
        title,
        *options[:2],
        "70 % sure",
        "55 % sure",
        "> It can start tonight.",
        "> How far off I was.",
        "too low",
    ):
        assert words in text
    assert page.locator("#first-vote p").first.inner_text() in text
    assert page.evaluate("new Date().getFullYear().toString()") in text


def test_everything_is_forgotten_if_the_reader_means_it(visit):
    page = visit()
    everything(page)
    memo = part(page, "memo")
    memo.get_by_role("button", name="Forget what I wrote").press("Enter")
    assert "Forget everything" in page.evaluate("document.activeElement.innerText")
    memo.get_by_role("button", name="Keep it").press("Enter")
    assert kept(page)["first"]["sure"] == 70
    memo.get_by_role("button", name="Forget what I wrote").press("Enter")
    memo.get_by_role("button", name="Forget it").press("Enter")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('equipoise'))") == []
    for name in ("first-vote", "predictions", "second-vote"):
        assert part(page, name).get_by_role("button", name="Commit").count() == 1
    assert part(page, "surprise").locator("textarea").input_value() == ""
    assert part(page, "first-vote").get_by_role("radio").first.evaluate("radio => radio === document.activeElement")


def test_nothing_leaves_the_device(visit):
    page = visit()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    everything(page)
    with page.expect_download():
        part(page, "memo").get_by_role("button", name="Save").click()
    page.wait_for_timeout(300)
    assert [url for url in sent if not url.startswith("blob:")] == []
    assert page.evaluate("document.cookie") == ""
    assert "nothing is sent" in visit().locator("#first-vote").inner_text()


@pytest.mark.parametrize("before", [NO_STORAGE, FULL], ids=["denied", "full"])
def test_notes_work_where_the_browser_keeps_nothing_and_it_says_so(visit, before):
    page = visit(before=before)
    everything(page)
    assert "You moved from" in part(page, "second-vote").inner_text()
    assert "keeps nothing for this page" in part(page, "memo").inner_text()
    with page.expect_download() as download:
        part(page, "memo").get_by_role("button", name="Save").click()
    assert "70 % sure" in Path(download.value.path()).read_text()
    page.reload()
    assert part(page, "first-vote").get_by_role("button", name="Commit").count() == 1


def test_whatever_the_browser_hands_back_is_text_or_nothing(visit, site):
    vote_with = {"option": MARKUP, "name": MARKUP, "why": MARKUP, "sure": 50, "at": 1}
    asked = [{"question": MARKUP, "guess": 1, "measured": 2}]
    bad = {
        "first": vote_with,
        "second": vote_with,
        "surprise": MARKUP,
        "guesses": {"about": MARKUP, "at": 1, "list": asked},
    }
    for text in (json.dumps(bad), "{", "null", '{"first": {"sure": 9}}', '{"guesses": {"list": 3}}'):
        page = visit(before=f"localStorage.setItem('equipoise:notes:' + location.pathname, {json.dumps(text)})")
        assert page.evaluate("window.hacked") is None
        assert page.locator("case-notes img, case-notes script").count() == 0
        if text == json.dumps(bad):
            assert MARKUP in part(page, "second-vote").inner_text()
        else:
            vote(page, "first-vote", 0, "70")
            assert kept(page)["first"]["sure"] == 70
        page.context.close()


def test_notes_of_one_case_do_not_show_in_another(visit, site):
    one, other = [name for name in site.pages if name.startswith("cases/")][:2]
    page = visit(name=one)
    vote(page, "first-vote", 0, "70")
    page.goto(f"{site.address}/{other}.html")
    assert part(page, "first-vote").get_by_role("button", name="Commit").count() == 1


def test_two_tabs_do_not_lose_each_others_notes(visit, site):
    page = visit()
    other = page.context.new_page()
    other.goto(page.url)
    vote(page, "first-vote", 0, "70")
    guess(other, *guesses(other))
    assert set(kept(page)) == {"first", "guesses"}
    page.wait_for_function("document.querySelector('case-notes[data-part=surprise] input') !== null")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_notes_are_accessible_and_fit_before_and_after(visit, width, scheme):
    page = visit(width, scheme)

    def look() -> None:
        found = Axe().run(page, "#main-content").response
        ours = [
            (rule["id"], node["html"])
            for rule in found["violations"]
            for node in rule["nodes"]
            if "notes" in node["html"]
        ]
        assert ours == []
        assert Axe().run(page, "case-notes").response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    part(page, "first-vote").get_by_role("button", name="Commit").click()
    look()
    everything(page)
    part(page, "memo").get_by_role("button", name="Forget").click()
    look()


def test_without_scripts_the_lists_are_there_and_nothing_else(visit):
    page = visit(scripts=False)
    assert page.locator("#first-vote ol").is_visible()
    assert page.locator("#predict-the-numbers ul").first.is_visible()
    assert page.locator("case-notes:visible").count() == 0


def test_printed_page_holds_the_notes_but_no_form(visit):
    page = visit()
    page.emulate_media(media="print")
    assert page.locator("case-notes:visible").count() == 0
    assert page.locator("#first-vote ol").is_visible()
    page.emulate_media(media="screen")
    assert not page.locator("#first-vote ol").is_visible()
    everything(page)
    page.emulate_media(media="print")
    assert page.locator("case-notes button:visible, case-notes textarea:visible").count() == 0
    shown = " ".join(page.locator("case-notes:visible").all_inner_texts())
    for words in ("70 % sure", "It can start tonight.", "How far off I was.", "too low", "55 % sure", "You moved from"):
        assert words in shown
