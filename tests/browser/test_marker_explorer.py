"""Marker on or off: the explorer's numbers are those of the films, and the picture shows the letter that it names."""

from __future__ import annotations

import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from equipoise.datasets import generate


@pytest.fixture(name="explorer")
def _explorer(site, open_page):
    return open_page(site.page_with("marker-explorer")).locator("marker-explorer")


@pytest.fixture(scope="module", name="films")
def _films():
    """The table of the figure's films with the score of each, by letter: as they are, exchanged in C, covered."""
    cohort = generate("xray-shortcut", n=12_000, seed=2018)
    table, whole = cohort.observed, cohort.images
    home = (table["site"] != "C").to_numpy()
    learnt = home & (np.arange(len(table)) % 2 == 0)
    exchanged, covered = whole.copy(), whole.copy()
    other = cohort.truth[~home].assign(latent_marker=lambda truth: 3 - truth["latent_marker"])
    exchanged[~home] = cohort.render(table[~home], other)
    covered[:, :12, :12] = covered[:, :12, -12:] = 128
    scores = []
    with threadpool_limits(1):
        for taught, shown in ((whole, whole), (whole, exchanged), (covered, covered)):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
            model.fit(_patches(taught[learnt]), table["pneumonia"][learnt])
            scores.append(model.decision_function(_patches(shown)))
    return table.assign(fresh=home & ~learnt, score0=scores[0], score1=scores[1], score2=scores[2])


def _patches(films):
    return films.reshape(-1, 16, 4, 16, 4).mean(axis=(2, 4)).reshape(-1, 256)


def numbers(text: str) -> list[float]:
    return [float(part.replace(",", "")) for part in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def test_numbers_are_those_of_the_films(explorer, films):
    for letter in range(3):
        explorer.get_by_role("group", name="letters").get_by_role("radio").nth(letter).check()
        for share in (50, 82.5, 95):
            explorer.get_by_role("slider").fill(str(share))
            score = f"score{letter}"
            fresh = films[films["fresh"]]
            flagged = films[score] >= np.quantile(fresh[score][fresh["pneumonia"] == 1], 1 - share / 100)
            away = films[films["site"] == "C"]
            for room in (1, 2):
                here = away[away["room"] == room]
                for row, ill in enumerate((1, 0)):
                    group = here[here["pneumonia"] == ill]
                    cell = explorer.locator("tbody tr").nth(row).locator("td").nth(room - 1)
                    assert numbers(cell.inner_text())[:2] == [flagged[group.index].sum(), len(group)]
                cell = explorer.locator("tbody tr").nth(2).locator("td").nth(room - 1)
                auroc = roc_auc_score(here["pneumonia"], here[score])
                assert float(cell.inner_text()) == pytest.approx(auroc, abs=0.006)
            weights = 1000 * away["stands_for"] / away["stands_for"].sum()
            hits = flagged[away.index] & (away["pneumonia"] == 1)
            said = numbers(explorer.locator(".lanes").get_attribute("aria-label"))
            assert said[0] == pytest.approx(roc_auc_score(away["pneumonia"], away[score]), abs=0.006)
            home_score = score if letter == 2 else "score0"
            assert said[1] == pytest.approx(roc_auc_score(fresh["pneumonia"], fresh[home_score]), abs=0.006)
            assert said[-3] == pytest.approx(weights[flagged[away.index]].sum(), abs=0.51)
            assert said[-2] == pytest.approx(weights[hits].sum(), abs=0.051)


def greys(explorer) -> np.ndarray:
    """The film as it is shown, in 64 x 64 greys."""
    picture = Image.open(BytesIO(explorer.locator(".marker-film").screenshot()))
    return np.asarray(picture.convert("L").resize((64, 64)), dtype=float)


def test_film_shows_the_letter_that_is_named_and_is_otherwise_the_same(explorer):
    letters = explorer.get_by_role("group", name="letters").get_by_role("radio")
    places = {"R": np.s_[3:11, 4:6], "L": np.s_[3:11, 55:57]}  # their stems
    for film in range(2):
        explorer.get_by_role("group", name="film").get_by_role("radio").nth(film).check()
        lungs = []
        for number in range(3):
            letters.nth(number).check()
            named = explorer.locator(".marker-film").get_attribute("aria-label").split(": ")[1].rstrip(".")
            shown = greys(explorer)
            bright = {letter for letter, place in places.items() if shown[place].mean() > 205}
            assert bright == ({named} if named in places else set())
            lungs.append(shown[16:])
        assert all(np.abs(lung - lungs[0]).max() < 2 for lung in lungs)
        assert (np.abs(shown[1:10, 1:10] - 128) < 2).all()
        assert (np.abs(shown[1:10, -10:-1] - 128) < 2).all()


def test_model_says_of_a_film_what_its_place_beside_the_threshold_says(explorer):
    """The films were chosen so that the letter moves them over the threshold, one to each side."""
    facts = json.loads(explorer.locator("script").text_content())
    said = []
    for film in range(2):
        explorer.get_by_role("group", name="film").get_by_role("radio").nth(film).check()
        for letter in range(3):
            explorer.get_by_role("group", name="letters").get_by_role("radio").nth(letter).check()
            lane = explorer.locator(".lane").first
            mark, rule = lane.locator(".lane-mark").last, lane.locator(".lane-rule")
            right = float(mark.get_attribute("x").rstrip("%")) >= float(rule.get_attribute("x1").rstrip("%"))
            assert lane.locator(".lane-value").inner_text() == ("likely" if right else "unlikely")
            said.append(right)
    assert said == [False, True, True, True, False, False]
    assert [film["ill"] for film in facts["films"]] == [1, 0]
