"""The ward explorer on its page: the lab's hospital, a clock that obeys the keyboard, nothing known too early."""

from __future__ import annotations

import json
import re

import policies
import pytest

from equipoise.datasets import load

PACE = 700  # milliseconds for an hour
BARS = ".eq-figures .we-score, .eq-figures .we-up"


@pytest.fixture(scope="module", name="hospital")
def _hospital() -> dict:
    return policies.ward()


@pytest.fixture(name="open_ward")
def _open_ward(open_page, site):
    """A function that opens the page with a clock of its own."""

    def open_ward(motion: str = "no-preference"):
        name = site.page_with("ward-explorer")
        page = open_page(name, prepare=lambda page: page.clock.install(), reduced_motion=motion)
        page.locator("ward-explorer .we-score").first.wait_for()
        return page, page.locator("ward-explorer")

    return open_ward


def brought(part) -> dict:
    return json.loads(part.locator("script").text_content())


def table(part, at: int) -> list[list[str]]:
    texts = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.replaceAll('\\u00a0', ' ')))"
    return part.get_by_role("table").nth(at).locator("tbody tr").evaluate_all(texts)


def hour(part) -> int:
    return int(part.get_by_role("slider").nth(2).input_value())


def press(page, part, name: str) -> None:
    part.get_by_role("button", name=name).focus()
    page.keyboard.press("Enter")


def test_sums_over_the_hospital_are_those_of_pandas_at_every_policy_that_is_checked(open_ward, hospital):
    _, part = open_ward()
    told = brought(part)
    sums, checked = told["hospital"], 0
    for policy in hospital["at"]:
        if policy["silence"] not in told["silences"]:
            continue
        threshold = told["highest"] + 1 if policy["threshold"] is None else policy["threshold"]
        level, expected = threshold - told["lowest"], dict(policy["sums"])
        assert sums["alarms"][told["silences"].index(policy["silence"])][level] == expected.pop("alarms")
        for name in ("hours", "stays", "septic"):
            assert sums[name] == expected.pop(name)
        expected.pop("never")
        assert {name: values[level] for name, values in sums["found"].items()} == expected
        checked += 1
    assert checked == 7 * len(told["silences"])


def test_at_the_vendors_threshold_the_table_says_what_the_lab_finds(open_ward, hospital):
    _, part = open_ward()
    [lab] = [policy for policy in hospital["at"] if policy["threshold"] == policies.DEPLOYED and policy["silence"] == 0]
    told = {name: whole for name, _, whole in table(part, 1)}
    [ppv] = [value for name, value in told.items() if "(PPV)" in name]
    [sensitivity] = [value for name, value in told.items() if "(sensitivity)" in name]
    [burden] = [value for name, value in told.items() if "one nurse" in name]
    assert ppv.split(" (")[0] == f"{100 * lab['ppv']:.1f} %"
    assert sensitivity.split(" (")[0] == f"{100 * lab['sensitivity']:.1f} %"
    assert burden == f"{lab['burden']:.1f}"


def test_beds_are_full_with_different_stays_of_the_hospital(open_ward, hospital):
    _, part = open_ward()
    stays = [stay for day in brought(part)["days"] for nurse in day for bed in nurse for stay in bed]
    beds = [bed for day in brought(part)["days"] for nurse in day for bed in nurse]
    assert {sum(len(scores) for scores, *_ in bed) for bed in beds} == {24}
    known = [tuple(stay) for stay in hospital["stays"]]
    for stay in {tuple(stay) for stay in stays}:
        assert [tuple(one) for one in stays].count(stay) <= known.count(stay)


def test_no_hidden_truth_travels_with_the_page(open_ward):
    _, part = open_ward()
    text = part.locator("script").text_content()
    truth = load("sepsis-alert").truth
    assert not [name for name in truth if name in text]
    assert set(brought(part)) == {"lowest", "highest", "threshold", "silences", "days", "hospital"}
    assert {len(stay) for day in brought(part)["days"] for nurse in day for bed in nurse for stay in bed} == {3}


def test_day_is_played_stepped_and_paused_by_keyboard_and_the_status_keeps_quiet_meanwhile(open_ward):
    page, part = open_ward()
    status = part.get_by_role("status")
    assert hour(part) == 24
    press(page, part, "Play")
    assert hour(part) == 0 and status.get_attribute("aria-live") == "off"
    page.clock.run_for(5 * PACE)
    assert hour(part) == 5 and "12:00" in status.inner_text()
    page.keyboard.press("Enter")
    assert part.get_by_role("button", name="Play").count() == 1 and status.get_attribute("aria-live") is None
    page.clock.run_for(5 * PACE)
    assert hour(part) == 5
    press(page, part, "One hour on")
    assert hour(part) == 6
    press(page, part, "Play")
    page.clock.run_for(30 * PACE)
    assert hour(part) == 24 and part.get_by_role("button", name="Play").count() == 1


def test_until_its_hour_nothing_of_the_day_is_shown_or_told(open_ward):
    page, part = open_ward()
    whole = part.locator(BARS).count()
    assert whole == 20 * 24
    seen = []
    for _ in range(24):
        press(page, part, "One hour on")
        now = hour(part)
        assert part.locator(BARS).count() == 20 * now
        onsets = re.findall(r"(\d\d):00", " ".join(row[3] for row in table(part, 0)))
        assert all((int(onset) - 7) % 24 < now for onset in onsets)
        seen.append(len(onsets))
        if now == 23:
            break
    assert seen == sorted(seen)


def test_whoever_asks_for_less_motion_is_taken_to_the_end_and_back_at_once(open_ward):
    page, part = open_ward("reduce")
    press(page, part, "To the start of the day")
    assert hour(part) == 0
    page.clock.run_for(5 * PACE)
    assert hour(part) == 0
    page.keyboard.press("Enter")
    assert hour(part) == 24


def test_silence_keeps_back_as_many_alarms_as_the_table_says_and_shows_them_hollow(open_ward):
    page, part = open_ward()
    silence, kept = part.get_by_role("slider").nth(1), 0
    for _ in brought(part)["days"]:
        silence.press("Home")
        rung = part.locator(".eq-figures .we-rung").count()
        silence.press("End")
        hollow = part.locator(".eq-figures .we-silenced").count()
        assert part.locator(".eq-figures .we-rung").count() == rung - hollow
        assert table(part, 1)[1][1] == f"{hollow}"
        kept += hollow
        press(page, part, "Another day")
    assert kept > 0


def test_switched_off_nothing_rings_and_clinicians_are_alone(open_ward):
    _, part = open_ward()
    part.get_by_role("slider").nth(0).press("End")
    assert part.locator(".eq-figures .we-rung, .eq-figures .we-up").count() == 0
    told = {name: whole for name, _, whole in table(part, 1)}
    rows = load("sepsis-alert").observed.query("hospital == 'B' and sepsis == 1")
    foreseen = rows[(rows["culture_ordered"] == 1) & (rows["after_onset"] == 0)]["stay_id"].nunique()
    septic = rows["stay_id"].nunique()
    assert told["… no alarm"] == f"100.0 % ({septic} of {septic})"
    alone = septic - foreseen
    assert told["… neither alarm nor culture before the onset"] == f"{100 * alone / septic:.1f} % ({alone} of {septic})"
