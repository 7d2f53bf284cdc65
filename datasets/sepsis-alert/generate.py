"""Hourly rows from two hospitals: the one where a vendor developed a sepsis score, and the one that switched it on.

The mechanism, and the only ways in which the hospitals differ (``SITES``):

    hospital -> how often vital signs and blood are measured  -> how stale the score's inputs are
    hospital -> how early clinicians suspect infection        -> whether their orders precede the recorded onset
    hospital -> how often they suspect it in vain             -> whether an order says anything
    hospital -> case-mix: how ill patients without infection are, how many are infected
    hospital -> definition of the outcome: what was treated and coded, or what the bedside criteria say

The vendor's score is the same formula in both. It reads vital signs and orders. Where clinicians act before the
recorded onset, their suspicion flows through the orders into the score, so that it "predicts" what they knew. Time
passes in both hospitals alike: over two years patients get sicker, for reasons other than infection. The coefficients
are teaching parameters fitted to the figures in ``calibration.yml``; they describe no product and no hospital.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

UNIT = "stay_id"
HOSPITALS = np.array(["A", "B"], dtype=object)  # A: the developer's, B: the one that deploys
SHARE_B = 0.6
DAYS = 730
FEWEST_HOURS, MORE_HOURS, MOST_HOURS = 6, 6.0, 24  # a stay is followed for 6 hours and on average 6 more
THRESHOLD = 8.0  # the score, in %, from which the vendor's alert is deployed

# What goes with each hospital: (A, B). At strength 0 hospital B is another A.
SITES = {
    "vitals": (0.9, 0.3),  # chance that vital signs are measured in an hour
    "blood": (0.3, 0.12),  # chance that a white cell count is made
    "delay": (-2.0, 2.0),  # hours from true onset to suspicion: clinicians at A are early
    "vain": (0.06, 0.12),  # share of patients without infection in whom it is suspected
    "acuity": (0.0, 0.3),  # mean severity of everything but infection, in standard deviations
    "infected": (0.058, 0.071),  # share of stays with an infection that would become sepsis untreated
    "criteria": (0.0, 1.0),  # share of stays whose label follows bedside criteria rather than treatment and codes
}
DELAY_SD = 3.0  # hours
DRIFT = 0.8  # rise of mean acuity over the two years, in standard deviations, in both hospitals
GROWTH, DECAY = 4.0, 8.0  # hours in which infection grows, or under antibiotics shrinks, by a factor of e
WORST = 3.0  # severity at most; 1 is where the bedside criteria are met
TO_ANTIBIOTIC = (1.0, 3.0)  # hours from culture to first dose
VAIN_BY_ACUITY = 0.4  # how much more often infection is suspected in vain for each SD of acuity, on the log scale
TREATED_IN_VAIN, CODED_IN_VAIN = 0.5, 0.1  # of those suspected in vain; of those treated in vain
UNTIL_CODED = 1.5  # mean hours from culture to the onset that is read from codes

# Vital signs and white cells: usual value, effect of one SD of acuity, of severity 1, what else varies (SD); decimals.
SIGNS = {
    "heart_rate": (84, 9, 12, 9, 0),
    "respiratory_rate": (17, 2, 3, 2.5, 0),
    "temperature": (36.9, 0.05, 0.55, 0.45, 1),
    "systolic_bp": (126, -5, -9, 12, 0),
    "white_cells": (9, 0.6, 2.2, 2.5, 1),
}
# Nothing lower is charted: who has such values is not on a ward any more, waiting for a score.
LEAST = {"heart_rate": 40, "respiratory_rate": 8, "temperature": 34, "systolic_bp": 70, "white_cells": 1}
# The vendor's formula, on the log-odds scale: weight of one SD of each sign, of a decade of age, of each order.
WEIGHTS = {"heart_rate": 0.38, "respiratory_rate": 0.38, "temperature": 0.38, "systolic_bp": -0.25, "white_cells": 0.25}
AGE_WEIGHT, CULTURE_WEIGHT, ANTIBIOTIC_WEIGHT, INTERCEPT = 0.12, 1.25, 0.5, -4.8


def generate(n: int, rng: np.random.Generator, strength: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` stays, about twelve hourly rows each.

    ``strength`` scales what a hospital goes with: at 0 hospital B measures, suspects, admits and defines like A, at 1
    as the published gap between a developer's and a user's figures requires. Returns ``(observed, truth)``, two
    frames with the same rows in the same order; ``truth`` holds what no record shows and never reaches a student.
    """
    at_b = rng.random(n) < SHARE_B
    site = {name: a + strength * at_b * (b - a) for name, (a, b) in SITES.items()}
    day = rng.integers(1, DAYS + 1, n)
    age = np.clip(rng.normal(62, 16, n), 18, 95).round()
    hours = np.minimum(FEWEST_HOURS + rng.poisson(MORE_HOURS, n), MOST_HOURS)
    acuity = site["acuity"] + DRIFT * (day / DAYS - 0.5) + rng.standard_normal(n)
    infected = rng.random(n) < site["infected"]
    onset = np.where(infected, rng.uniform(1.5, hours), np.inf)
    culture, antibiotic = _orders(infected, onset, hours, acuity, site, rng)
    recorded = _recorded_onset(infected, onset, culture, antibiotic, hours, site, rng)

    stay = np.repeat(np.arange(n), hours)
    hour = np.arange(len(stay)) - np.repeat(hours.cumsum() - hours, hours) + 1.0
    untreated = _severity(hour, onset[stay], np.inf)
    severity = _severity(hour, onset[stay], antibiotic[stay])
    measured = {name: site[name][stay] for name in ("vitals", "blood")}
    signs, since = _charted(severity, acuity[stay], hour == 1, measured, rng)
    cultured, treated = hour >= culture[stay], hour >= antibiotic[stay]
    blind = _blind_score(signs, age[stay])
    orders = CULTURE_WEIGHT * cultured + ANTIBIOTIC_WEIGHT * treated

    observed = pd.DataFrame(
        {
            "stay_id": stay + 1,
            "hospital": HOSPITALS[at_b.astype(np.int8)][stay],
            "day": day[stay].astype(np.int16),
            "hour": hour.astype(np.int8),
            "age": age[stay].astype(np.int8),
            **signs,
            "hours_since_vitals": since,
            "culture_ordered": cultured.astype(np.int8),
            "antibiotic_given": treated.astype(np.int8),
            "score": _percent(blind + orders),
            "sepsis": np.isfinite(recorded)[stay].astype(np.int8),
            "after_onset": (hour >= recorded[stay]).astype(np.int8),
        }
    )
    truth = pd.DataFrame(
        {
            "latent_infected": infected[stay],
            "latent_onset_hour": onset[stay],
            "latent_acuity": acuity[stay],
            "latent_severity": severity,
            "counterfactual_severity_untreated": untreated,
            "counterfactual_score_blind_to_orders": _percent(blind),
        }
    )
    return observed, truth


def statistics(cohort) -> dict[str, float]:
    """The published statistics, by hospital, computed on a cohort; the keys are those of ``calibration.yml``.

    A stay counts by its highest score before the recorded onset, as in wong2021sepsis. The share with an alert is
    given where the score is deployed; at this threshold it is nearly the same in both, which is part of the lesson.
    """
    stays = highest_before_onset(cohort.observed)
    results = {"share_alerted": (stays["score"] >= THRESHOLD)[stays["hospital"] == "B"].mean()}
    for hospital, here in stays.groupby("hospital"):
        septic, alerted = here["sepsis"] == 1, here["score"] >= THRESHOLD
        measures = {
            "auroc": roc_auc_score(septic, here["score"]),
            "prevalence": septic.mean(),
            "sensitivity": alerted[septic].mean(),
            "specificity": 1 - alerted[~septic].mean(),
            "ppv": septic[alerted].mean(),
        }
        results |= {f"{name}_{hospital.lower()}": value for name, value in measures.items()}
    return results


def highest_before_onset(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a stay: hospital, day, sepsis (0 or 1) and the highest score, in %, before the recorded onset."""
    before = rows[rows["after_onset"] == 0]
    start = np.flatnonzero(np.diff(before["stay_id"], prepend=0))
    stays = before.iloc[start][["stay_id", "hospital", "day", "sepsis"]].reset_index(drop=True)
    return stays.assign(score=np.maximum.reduceat(before["score"].to_numpy(), start))


def _orders(infected, onset, hours, acuity, site, rng) -> tuple[np.ndarray, np.ndarray]:
    """Hour of the first culture and of the first antibiotic in each stay; infinite if there is none."""
    n = len(infected)
    suspected = np.where(infected, onset, 0) + site["delay"] + DELAY_SD * rng.standard_normal(n)
    vain = ~infected & (rng.random(n) < site["vain"] * np.exp(VAIN_BY_ACUITY * acuity))
    suspected = np.where(vain, rng.uniform(1, hours), np.where(infected, suspected, np.inf))
    culture = np.ceil(np.maximum(suspected, 1))
    doubted = vain & (rng.random(n) >= TREATED_IN_VAIN)
    return culture, np.where(doubted, np.inf, culture + rng.uniform(*TO_ANTIBIOTIC, n).round())


def _recorded_onset(infected, onset, culture, antibiotic, hours, site, rng) -> np.ndarray:
    """Hour from which the hospital's own definition is met; infinite if it never is. At least 2."""
    n = len(infected)
    by_criteria = np.where(antibiotic > onset, np.ceil(onset), np.inf)  # treated in time, they are never met
    treated = antibiotic <= hours
    coded = treated & (infected | (rng.random(n) < CODED_IN_VAIN))
    by_codes = np.where(coded, np.maximum(culture + rng.poisson(UNTIL_CODED, n), 2), np.inf)
    return np.where(rng.random(n) < site["criteria"], by_criteria, by_codes)


def _severity(hour, onset, antibiotic) -> np.ndarray:
    """Severity of infection: 1 at true onset, growing until treated and shrinking afterwards; 0 without infection."""
    grown = np.minimum((np.minimum(hour, antibiotic) - onset) / GROWTH, np.log(WORST))
    return np.exp(grown - np.maximum(hour - antibiotic, 0) / DECAY)


def _charted(severity, acuity, first, measured, rng) -> tuple[dict, np.ndarray]:
    """Vital signs and white cells as the chart shows them, and the age of the vital signs in hours.

    ``measured`` holds the chance of a measurement in each row. What is not measured in an hour is carried forward;
    everything is measured in the first.
    """
    rows = np.arange(len(first))
    last = {
        name: np.maximum.accumulate(np.where(first | (rng.random(len(rows)) < chance), rows, 0))
        for name, chance in measured.items()
    }
    signs = {}
    for name, (usual, by_acuity, by_severity, sd, decimals) in SIGNS.items():
        value = usual + by_acuity * acuity + by_severity * severity + sd * rng.standard_normal(len(rows))
        shown = value[last["blood" if name == "white_cells" else "vitals"]].round(decimals).clip(LEAST[name])
        signs[name] = shown if decimals else shown.astype(np.int16)
    return signs, (rows - last["vitals"]).astype(np.int8)


def _blind_score(signs, age) -> np.ndarray:
    """The vendor's formula without the orders, as log-odds."""
    terms = (weight * (signs[name] - SIGNS[name][0]) / SIGNS[name][3] for name, weight in WEIGHTS.items())
    return INTERCEPT + AGE_WEIGHT * (age - 62) / 10 + sum(terms)


def _percent(log_odds) -> np.ndarray:
    return (100 / (1 + np.exp(-log_odds))).round(1).clip(0.1, 99.9)
