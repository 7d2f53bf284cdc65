"""Primary-care patients over two years: what was known before, and what was spent and found in the year after.

The mechanism, and the only ways in which a group differs:

    recorded race -> living conditions  -> chronic illness
    recorded race -> barriers to care   -> less planned care, more emergencies, fewer diagnoses -> cost, record

Recorded race shifts two things that were done to people, not in them: how hard their living conditions are, and how
hard it is to reach and pay for care. Everything below those two ignores race. At equal illness barriers lower planned
spending and raise emergencies, so that cost says less about need where care is hard to reach. The coefficients are
teaching parameters fitted to the published figures in ``calibration.yml``; they measure nobody's health or care.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

RECORDED_RACES = np.array(["White", "Black"], dtype=object)
SHARE_RECORDED_BLACK = 11_929 / (11_929 + 88_080)  # patient-years (obermeyer2019)

# What being recorded as Black went with, at strength 1, on the log-odds scale of each variable.
HARDSHIP_SHIFT = 2.0
BARRIER_SHIFT = 0.96

# Chronic conditions: a patient's frailty, made worse by hardship, and some that hardship brings by itself.
FRAILTY_CONDITIONS = 0.7
FRAILTY_SHAPE = 0.6
HARDSHIP_FACTOR = 0.5
HARDSHIP_CONDITIONS = 1.64
MISSED_BY_BARRIERS = 0.2  # teaching assumption: share of conditions never recorded where barriers are at their highest
STILL_ACTIVE = 0.7  # teaching assumption: share of recorded conditions that were on record the year before
RESOLVED = 0.1  # teaching assumption: conditions on record before and no longer active, for each recorded one

# Use of care in a year. Barriers run from 0 to 1; each effect is on the log scale.
VISITS, VISITS_PER_CONDITION, VISITS_BARRIER = 5.45, 1.73, -1.53
EMERGENCIES, EMERGENCIES_PER_CONDITION, EMERGENCIES_BARRIER = 0.005, 0.127, 0.46
STAYS, STAYS_PER_CONDITION, STAYS_BARRIER = 0.015, 0.053, 0.1
DAYS_PER_STAY = 5.8
PLANNED, PLANNED_PER_CONDITION, PLANNED_BARRIER = 4650, 4650, -1.57  # dollars
EMERGENCY_COST, STAY_COST, STAY_COST_SD = 1390, 7300, 0.8  # dollars; SD on the log scale
INTENSITY_SD = 0.83  # how much use differs between equally ill patients, on the log scale
INTENSITY_LASTS = 0.8  # correlation of that between the two years
PLANNED_SD = 0.53  # what remains unexplained in a year's planned cost, on the log scale

PLACES = 0.03  # share of patients above the 97th percentile of a score (obermeyer2019)
FEATURES = [
    "age",
    "cost_before",
    "avoidable_cost_before",
    "visits_before",
    "emergency_before",
    "hospital_days_before",
    "conditions_before",
]
# The averages by recorded race that are compared with the published ones, and the column of each.
MEASURES = {
    "conditions": "conditions",
    "cost": "cost",
    "visits": "visits_before",
    "emergency": "emergency_before",
    "days": "hospital_days_before",
    "pressure": "systolic_bp",
}


def generate(n: int, rng: np.random.Generator, strength: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` patients.

    ``strength`` scales what recorded race goes with: at 0 hardship and barriers are spread alike in both groups, at 1
    as the published gaps require. Returns ``(observed, truth)``, two frames of ``n`` rows in the same order; ``truth``
    holds what no record shows and never reaches a student.
    """
    black = rng.random(n) < SHARE_RECORDED_BLACK
    hardship = _share(-1.0 + strength * HARDSHIP_SHIFT * black, 0.8, rng)
    barriers = _share(-0.9 + strength * BARRIER_SHIFT * black, 0.9, rng)

    frailty = FRAILTY_CONDITIONS * rng.standard_gamma(FRAILTY_SHAPE, n) / FRAILTY_SHAPE
    expected = frailty * (1 + HARDSHIP_FACTOR * hardship) + HARDSHIP_CONDITIONS * hardship
    missed_share = MISSED_BY_BARRIERS * barriers
    known = expected * (1 - missed_share)
    lasting = rng.poisson(known * STILL_ACTIVE)
    conditions = lasting + rng.poisson(known * (1 - STILL_ACTIVE))
    illness = conditions + rng.poisson(expected * missed_share)

    intensity = rng.standard_normal(n)
    before = _year(illness, barriers, intensity, rng)
    renewed = INTENSITY_LASTS * intensity + np.sqrt(1 - INTENSITY_LASTS**2) * rng.standard_normal(n)
    after = _year(illness, barriers, renewed, rng)

    observed = pd.DataFrame(
        {
            "patient_id": np.arange(1, n + 1),
            "recorded_race": RECORDED_RACES[black.astype(np.int8)],
            "age": np.clip(51 + 17 * rng.standard_normal(n), 18, 95).astype(np.int16),
            "cost_before": before["cost"],
            "avoidable_cost_before": before["avoidable"],
            "visits_before": before["visits"],
            "emergency_before": before["emergencies"],
            "hospital_days_before": before["days"],
            "conditions_before": lasting + rng.poisson(known * RESOLVED),
            "cost": after["cost"],
            "avoidable_cost": after["avoidable"],
            "conditions": conditions,
            "systolic_bp": _pressure(illness, barriers, rng),
        }
    )
    truth = pd.DataFrame(
        {
            "latent_hardship": hardship,
            "latent_barriers": barriers,
            "latent_illness": illness,
            "counterfactual_planned_cost": (after["planned"] * np.exp(-PLANNED_BARRIER * barriers)).round(),
        }
    )
    return observed, truth


def statistics(cohort) -> dict[str, float]:
    """The published statistics of a cohort (with frames ``observed`` and ``truth``), named as in calibration.yml.

    Those about places rest on a model of next year's total cost, fitted to the first half and judged on the second.
    """
    observed = cohort.observed
    half = len(observed) // 2
    known, new = observed.iloc[:half], observed.iloc[half:]
    score = LinearRegression().fit(known[FEATURES], known["cost"]).predict(new[FEATURES])
    placed = new[score >= np.quantile(score, 1 - PLACES)]
    results = {
        "black_share_of_places": (placed["recorded_race"] == "Black").mean(),
        "cost_share_reached": placed["cost"].sum() / new["cost"].sum(),
        "avoidable_share_reached": placed["avoidable_cost"].sum() / new["avoidable_cost"].sum(),
        "conditions_share_reached": placed["conditions"].sum() / new["conditions"].sum(),
    }
    for race in RECORDED_RACES:
        group, name = observed[observed["recorded_race"] == race], race.lower()
        for measure, column in MEASURES.items():
            results[f"{measure}_{name}"] = group[column].mean()
        results[f"conditions_placed_{name}"] = placed.loc[placed["recorded_race"] == race, "conditions"].mean()
    return results


def _share(centre: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    """A number from 0 to 1 for each patient, normal around ``centre`` on the log-odds scale."""
    return 1 / (1 + np.exp(-centre - sd * rng.standard_normal(len(centre))))


def _year(illness: np.ndarray, barriers: np.ndarray, intensity: np.ndarray, rng: np.random.Generator) -> dict:
    """Use and cost of care in one year; ``intensity`` is in standard deviations."""
    n = len(illness)
    use = np.exp(INTENSITY_SD * intensity - INTENSITY_SD**2 / 2)
    visits = rng.poisson((VISITS + VISITS_PER_CONDITION * illness) * np.exp(VISITS_BARRIER * barriers) * use)
    urgent = (EMERGENCIES + EMERGENCIES_PER_CONDITION * illness) * np.exp(EMERGENCIES_BARRIER * barriers)
    emergencies = rng.poisson(urgent * use)
    stays = rng.poisson((STAYS + STAYS_PER_CONDITION * illness) * np.exp(STAYS_BARRIER * barriers) * use)
    usual = (PLANNED + PLANNED_PER_CONDITION * illness) * np.exp(PLANNED_BARRIER * barriers)
    planned = (usual * use * np.exp(PLANNED_SD * rng.standard_normal(n) - PLANNED_SD**2 / 2)).round()
    dear = np.exp(STAY_COST_SD * rng.standard_normal(n) - STAY_COST_SD**2 / 2)
    avoidable = ((EMERGENCY_COST * emergencies + STAY_COST * stays) * dear).round()
    return {
        "visits": visits,
        "emergencies": emergencies,
        "days": rng.poisson(DAYS_PER_STAY * stays),
        "planned": planned,
        "avoidable": avoidable.astype(np.int32),
        "cost": (planned + avoidable).astype(np.int32),
    }


def _pressure(illness: np.ndarray, barriers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Systolic pressure in mmHg: higher with illness, and where barriers keep it from being treated."""
    pressure = 119.9 + 3.3 * illness + 7.0 * barriers + 14 * rng.standard_normal(len(illness))
    return np.clip(pressure, 70, 230).round().astype(np.int16)
