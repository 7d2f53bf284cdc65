"""Prompt swap: the explorer asks the lab's own stand-in, its counts add up, and small samples jump."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from itertools import product

import numpy as np
import pytest
from playwright.sync_api import expect
from scipy.stats import binomtest
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from support import ROOT
from threadpoolctl import threadpool_limits

from equipoise.datasets import load

PROMPT = "A {age}-year-old {race} {sex} has {complaint}. Name the most likely cause and the next test."


@pytest.fixture(name="explorer")
def _explorer(site, open_page):
    return open_page(site.page_with("prompt-explorer")).locator("prompt-explorer")


@pytest.fixture(name="stand_in")
def _stand_in():
    """The model of the lab, made by the lab's own cell."""
    cells = re.split(r"^# %%", (ROOT / "labs" / "stereotyped-vignettes" / "lab.py").read_text(), flags=re.MULTILINE)
    [cell] = [cell.partition("\n")[2] for cell in cells if cell.startswith(' id="stand-in"')]
    kinds = (defaultdict, CountVectorizer, DummyClassifier, LogisticRegression, threadpool_limits)
    names = {"np": np, "cache": cache} | {kind.__name__: kind for kind in kinds}
    exec(cell, names)
    texts = load("stereotyped-vignettes").observed
    learnt = texts[texts["kind"] != "catalogue"]
    return names["StandIn"](learnt["prompt"], learnt["answer"])


@pytest.mark.filterwarnings("ignore:The number of unique classes")  # where nearly every text goes on with another word
def test_chances_are_those_of_the_labs_model(explorer, stand_in):
    facts = json.loads(explorer.locator("script").text_content())
    places = {("<start>", "<start>"): None, ("likely", "cause:"): facts["causes"], ("Next", "test:"): facts["tests"]}
    for complaint, race, sex in product(*(enumerate(facts[name]) for name in ("complaints", "races", "sexes"))):
        prompt = PROMPT.format(age=70, race=race[1], sex=sex[1], complaint=complaint[1])
        given = facts["chances"][complaint[0]][race[0]][sex[0]]
        for (place, words), chances in zip(places.items(), given, strict=True):
            by_word = {word.rstrip("."): chance for word, chance in zip(*stand_in.chances(prompt, place), strict=True)}
            expected = [by_word[word.split()[0]] for word in words] if words else [by_word["Most"]]
            assert [chance / 1000 for chance in chances[: len(expected)]] == pytest.approx(expected, abs=2e-3)


def prompts(explorer) -> list[str]:
    """The two prompts as they read, with the words that are chosen."""
    return explorer.locator(".prompts p").evaluate_all(
        """all => all.map(one => [...one.childNodes].map(node =>
            node.tagName === "SELECT" ? node.selectedOptions[0].text : node.textContent).join(""))"""
    )


def test_prompts_differ_in_the_one_word_that_is_changed(explorer):
    choice, change = explorer.get_by_role("combobox"), explorer.get_by_role("radio")
    first = PROMPT.format(age=30, race="White", sex="woman", complaint="chest pain")
    assert prompts(explorer) == [first, first.replace("woman", "man")]
    change.nth(1).check()
    assert prompts(explorer) == [first, first.replace("White", "Black")]
    choice.last.select_option("Asian")
    assert prompts(explorer) == [first, first.replace("White", "Asian")]
    explorer.get_by_label("race, first prompt").select_option("Asian")
    assert prompts(explorer) == [first.replace("White", "Asian"), first.replace("White", "Black")]
    change.nth(2).check()
    choice.nth(3).select_option("headache")
    asked = PROMPT.format(age=30, race="Asian", sex="woman", complaint="headache")
    assert prompts(explorer) == [asked, asked.replace("30", "70")]
    change.nth(3).check()
    assert prompts(explorer) == [asked, asked]


def table(explorer) -> dict[str, list[str]]:
    rows = explorer.locator("tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def test_counts_add_up_and_carry_the_labs_interval(explorer):
    for number, size in enumerate((5, 10, 20, 40, 80, 160, 320)):
        explorer.get_by_role("slider").first.fill(str(number))
        rows = table(explorer)
        for at in (0, 1):
            none = int(rows["No advice"][at])
            for part in ("Cause", "Test"):
                assert sum(int(cells[at]) for name, cells in rows.items() if name.startswith(part)) == size - none
            said = rows["Answers that blame anxiety"][at]
            blamed, advice, low, high = map(int, re.findall(r"(\d+) of (\d+).*interval (\d+).*to (\d+)", said)[0])
            assert (blamed, advice) == (int(rows.get("Cause: anxiety", "00")[at]), size - none)
            bounds = binomtest(blamed, advice).proportion_ci(method="wilson")
            assert (low, high) == tuple(round(100 * bound) for bound in bounds)


def test_small_audits_jump_and_large_ones_do_not(explorer):
    """By age there is no difference to find; by sex there is one, which small audits often miss."""

    def spread(change: int, size: int) -> tuple[float, int]:
        explorer.get_by_role("radio").nth(change).check()
        explorer.get_by_role("slider").first.fill(str(size))
        for _ in range(3):
            explorer.get_by_role("button", name="20 times").click()
        found = explorer.locator(".lane-tall .lane-mark")
        places = [float(x.rstrip("%")) for x in found.evaluate_all("all => all.map(one => one.getAttribute('x'))")]
        return float(np.std(places)), explorer.locator(".lane-tall .lane-mark:not(.lane-hollow)").count()

    (small, noticed), (large, seen) = spread(0, 2), spread(0, 6)
    assert small > 2.5 * large
    assert 3 < noticed < 45
    assert seen == 61
    _, alarms = spread(2, 2)
    assert alarms < 9
    expect(explorer.get_by_role("status")).to_contain_text("Of 61 such audits")


def test_a_low_temperature_keeps_to_the_likeliest_words(explorer):
    """Anxiety is not the likeliest cause here: drawn less freely, it vanishes, and with it the difference."""
    answers, temperature = explorer.get_by_role("slider").all()
    answers.fill("6")

    def blamed() -> list[int]:
        return [int(cell.split()[0]) for cell in table(explorer)["Answers that blame anxiety"]]

    assert min(blamed()) > 15
    temperature.fill("0.1")
    assert max(blamed()) < 15
