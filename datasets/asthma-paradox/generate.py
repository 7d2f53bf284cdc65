"""Patients with pneumonia at a hospital's door: what was seen, where they were sent, and who died.

The mechanism, and the only ways in which asthma matters:

    asthma -> intensive care at once -> fewer deaths
    asthma -> death, where nobody intervenes
    asthma -> an inhaler in the bag, which does nothing else here

Everybody else is sent to intensive care for how ill they look. Each patient has one hidden resilience and dies if the
danger exceeds it, with or without intensive care: the two outcomes share it, so that what happened is always one of
them, and intensive care never kills. The coefficients are teaching parameters, fitted to the few published figures in
``calibration.yml``; they measure no treatment.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

SHARE_WITH_ASTHMA = 0.1  # teaching assumption
STRAIGHT_TO_ICU = 0.8  # teaching assumption: of patients with asthma, admitted on that ground alone, at strength 1
INHALER = (0.05, 0.85)  # teaching assumption: share with an inhaler, without and with asthma

# Danger of death, on the log-odds scale.
BASELINE = -2.93
AGE_EFFECT = 0.62  # for ten years
ILLNESS_EFFECT = 1.8  # for one standard deviation
HEART_FAILURE_EFFECT = 0.4
NURSING_HOME_EFFECT = 0.6
TEMPERATURE_EFFECT = 0.45  # fever and chill are both bad: for the square of the distance, in degrees, from the middle
ASTHMA_EFFECT = 0.6  # at strength 1
ICU_EFFECT = -2.0

# Admission to intensive care by how ill a patient looks, on the log-odds scale.
ICU_BASELINE = -3.4
ICU_LOOKS_ILL = 3.2

LOWEST_RISK = 0.3  # share of patients that a model picks as safest (cooper1997)
AT_THE_DOOR = [
    "age",
    "asthma",
    "inhaler",
    "heart_failure",
    "nursing_home",
    "confused",
    "respiratory_rate",
    "oxygen",
    "systolic_bp",
    "urea",
    "temperature",
]


def generate(n: int, rng: np.random.Generator, strength: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` patients.

    ``strength`` scales what asthma does, to admission and to the danger of death: at 0 it is a word in the record, at 1
    it sends most patients straight to intensive care. Returns ``(observed, truth)``, two frames of ``n`` rows in the
    same order; ``truth`` holds both outcomes of each patient and never reaches a student.
    """
    age = np.clip(68 + 17 * rng.standard_normal(n), 18, 100)
    asthma = rng.random(n) < SHARE_WITH_ASTHMA
    illness = rng.standard_normal(n)
    heart_failure = _happens(-2.0 + 0.05 * (age - 68), rng)
    nursing_home = _happens(-3.2 + 0.08 * (age - 68), rng)
    found, looks_ill = _examination(illness, age, rng)

    icu = _happens(ICU_BASELINE + ICU_LOOKS_ILL * looks_ill, rng)
    icu |= asthma & (rng.random(n) < strength * STRAIGHT_TO_ICU)

    danger = BASELINE + AGE_EFFECT * (age - 68) / 10 + ILLNESS_EFFECT * illness
    danger += HEART_FAILURE_EFFECT * heart_failure + NURSING_HOME_EFFECT * nursing_home
    danger += TEMPERATURE_EFFECT * ((found["temperature"] - 38.1) ** 2 - 1) + strength * ASTHMA_EFFECT * asthma
    resilience = rng.logistic(size=n)
    dies_without, dies_with = danger > resilience, danger + ICU_EFFECT > resilience
    next_morning = danger + ICU_EFFECT * icu - 0.6 * resilience + 1.5 * rng.standard_normal(n)

    observed = pd.DataFrame(
        {
            "patient_id": np.arange(1, n + 1),
            "age": age.astype(np.int16),
            "asthma": asthma.astype(np.int8),
            "inhaler": (rng.random(n) < np.where(asthma, INHALER[1], INHALER[0])).astype(np.int8),
            "heart_failure": heart_failure.astype(np.int8),
            "nursing_home": nursing_home.astype(np.int8),
            **found,
            "icu": icu.astype(np.int8),
            "oxygen_day2": np.clip(91 - 0.9 * next_morning, 50, 100).round().astype(np.int16),
            "died": np.where(icu, dies_with, dies_without).astype(np.int8),
        }
    )
    truth = pd.DataFrame(
        {
            "latent_illness": illness,
            "latent_risk_without_icu": _share(danger),
            "latent_risk_with_icu": _share(danger + ICU_EFFECT),
            "counterfactual_died_without_icu": dies_without.astype(np.int8),
            "counterfactual_died_with_icu": dies_with.astype(np.int8),
        }
    )
    return observed, truth


def statistics(cohort) -> dict[str, float]:
    """The statistics of a cohort (with frames ``observed`` and ``truth``), named as in calibration.yml.

    Those that rest on a model fit it to the first half and judge it on the second.
    """
    observed, half = cohort.observed, len(cohort.observed) // 2
    known, new = observed.iloc[:half], observed.iloc[half:]
    model = _fitted(known, AT_THE_DOOR)
    risk = model.predict_proba(new[AT_THE_DOOR])[:, 1]
    home = risk <= np.quantile(risk, LOWEST_RISK)
    place, knows_icu = AT_THE_DOOR.index("asthma"), _fitted(known, [*AT_THE_DOOR, "icu"])
    results = {
        "mortality": observed["died"].mean(),
        "deaths_in_lowest_risk": new["died"][home].mean(),
        "asthma_coefficient_learnt": model.coef_[0, place],
        "asthma_coefficient_at_equal_treatment": knows_icu.coef_[0, place],
    }
    for value, name in ((1, "asthma"), (0, "other")):
        group = observed["asthma"] == value
        results[f"death_{name}"] = observed["died"][group].mean()
        results[f"icu_{name}"] = observed["icu"][group].mean()
        results[f"untreated_{name}"] = cohort.truth["counterfactual_died_without_icu"][group].mean()
        results[f"home_{name}"] = home[new["asthma"] == value].mean()
    return results


def _examination(illness: np.ndarray, age: np.ndarray, rng: np.random.Generator) -> tuple[dict, np.ndarray]:
    """What is found at the door, and how ill the patient looks by it (0 on average, larger is worse)."""

    def sign(weight: float) -> np.ndarray:
        """A standard normal sign that goes with illness, by its correlation."""
        return weight * illness + np.sqrt(1 - weight**2) * rng.standard_normal(len(illness))

    breathing, saturation, pressure, kidneys = sign(0.85), sign(0.85), sign(0.7), sign(0.7)
    confused = _happens(-2.6 + illness + 0.03 * (age - 68), rng)
    found = {
        "confused": confused.astype(np.int8),
        "respiratory_rate": np.clip(23 + 4.5 * breathing, 8, 60).round().astype(np.int16),
        "oxygen": np.clip(93 - 3 * saturation, 60, 100).round().astype(np.int16),
        "systolic_bp": np.clip(128 - 18 * pressure, 50, 240).round().astype(np.int16),
        "urea": np.clip(np.exp(2 + 0.35 * kidneys + 0.005 * (age - 68)), 1, 80).round(1),
        "temperature": np.clip(38.1 + rng.standard_normal(len(illness)), 33, 43).round(1),
    }
    return found, 0.4 * breathing + 0.4 * saturation + 0.25 * pressure + 0.6 * confused


def _happens(log_odds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """True with the probability that ``log_odds`` stand for."""
    return rng.random(len(log_odds)) < _share(log_odds)


def _share(log_odds: np.ndarray) -> np.ndarray:
    """The probability that ``log_odds`` stand for."""
    return 1 / (1 + np.exp(-log_odds))


def _fitted(table: pd.DataFrame, inputs: list[str]) -> LogisticRegression:
    """A logistic regression of death; its penalty is too small to matter."""
    return LogisticRegression(C=1e6, solver="newton-cholesky").fit(table[inputs], table["died"])
