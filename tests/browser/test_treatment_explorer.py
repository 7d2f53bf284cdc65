"""Treat or not: the explorer's numbers are those of the dataset, and it shows only what the reader asked to look at."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from playwright.sync_api import expect
from sklearn.linear_model import LogisticRegression

from equipoise.datasets import load


@pytest.fixture(name="explorer")
def _explorer(site, open_page):
    return open_page(site.page_with("treatment-explorer")).locator("treatment-explorer")


@pytest.fixture(scope="module", name="judged")
def _judged():
    """The half of the patients that models are judged on, with all that is expected of each."""
    cohort = load("asthma-paradox")
    patients = cohort.observed
    known = patients.sample(frac=0.5, random_state=0)
    new = patients.drop(known.index)
    door = list(patients.columns[1:12])
    learnt, knows_icu = (_fitted(known, inputs) for inputs in (door, [*door, "icu"]))
    edited = _fitted(known, door)
    edited.coef_[0, door.index("asthma")] = knows_icu.coef_[0, door.index("asthma")]
    icu, truth = new["icu"] == 1, cohort.truth.loc[new.index]
    home = knows_icu.predict_proba(new.assign(icu=0)[[*door, "icu"]])[:, 1]
    return new.assign(
        learnt=learnt.predict_proba(new[door])[:, 1],
        edited=edited.predict_proba(new[door])[:, 1],
        home=home,
        treated=knows_icu.predict_proba(new[[*door, "icu"]])[:, 1],
        true_home=truth["latent_risk_without_icu"],
        true_treated=truth["latent_risk_with_icu"].where(icu, truth["latent_risk_without_icu"]),
    )


def _fitted(table, inputs):
    return LogisticRegression(C=1e6, solver="newton-cholesky").fit(table[inputs], table["died"])


def cells(explorer) -> list[list[float]]:
    """The first number of each cell of the table."""
    rows = explorer.locator("tbody tr").all()
    texts = [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]
    return [[float(re.match(r"[\d.,]+", text)[0].replace(",", "")) for text in row] for row in texts]


def rounded(rows: list[list[float]], digits: int = 1) -> list:
    """As the page shows them: one decimal where there is one digit before it. A bin's sum is itself rounded."""
    return [[pytest.approx(value, abs=0.51 if value > 9.9 or not digits else 0.06) for value in row] for row in rows]


def test_numbers_are_those_of_the_dataset(explorer, judged):
    explorer.get_by_role("radio").last.check()
    for share, (number, ranks) in product((5, 30, 47.5, 60), enumerate(("learnt", "edited", "home"))):
        explorer.get_by_role("slider").fill(str(share))
        explorer.get_by_role("radio").nth(number).check()
        sent = judged[judged[ranks] <= np.quantile(judged[ranks], share / 100)]
        groups = [sent[sent["asthma"] == value] for value in (1, 0)]
        shares = [[100 * group["icu"].mean() for group in groups]]
        fields = ("died", ranks, "treated", "home", "true_treated", "true_home")
        rates = [[1000 * group[field].mean() for group in groups] for field in fields]
        assert cells(explorer) == [[len(group) for group in groups], *rounded(shares, 0), *rounded(rates)]


def test_shows_what_the_reader_may_look_at_and_no_more(explorer):
    for choice, shown in (("what the hospital has", 4), ("an estimate", 6), ("only the program", 8)):
        explorer.get_by_role("radio", name=choice).check()
        assert explorer.locator(".lane:not(.lane-scale)").count() == shown
        assert explorer.locator("tbody tr").count() == shown
        # The lab counts 17 additional deaths, too, for the glass box as learnt.
        said = explorer.get_by_role("status")
        expect(said).to_contain_text("You send home 4,500 of 15,000 patients")
        if shown > 4:
            expect(said).to_contain_text("adds 17 deaths")
        else:
            expect(said).not_to_contain_text("adds")


def test_marks_stand_where_the_scale_says(explorer):
    explorer.get_by_role("radio").last.check()
    ends = [explorer.locator(".lane-scale text").nth(at).bounding_box() for at in (0, -1)]
    zero, hundred = (box["x"] + box["width"] / 2 for box in ends)
    for lane in explorer.locator(".lane:not(.lane-scale)").all():
        values = [float(part) for part in lane.locator(".lane-value").inner_text().split("→")]
        boxes = [mark.bounding_box() for mark in lane.locator(".lane-mark path").all()]
        places = [100 * (box["x"] + box["width"] / 2 - zero) / (hundred - zero) for box in boxes]
        assert places == pytest.approx(values, abs=1)
