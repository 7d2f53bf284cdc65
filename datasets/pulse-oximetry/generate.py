"""Paired oxygen readings in intensive care: what the finger clip showed, what the blood held.

The mechanism, and the only way in which a group differs:

    skin tone -> error of the device's light path -> charted SpO2

A patient's recorded race has no effect of its own. It is drawn from a table of skin tones and then
plays no further part, so any gap by recorded race is the shadow of the gap by tone. Illness, age and
vital signs are drawn without looking at either. The coefficients are teaching parameters fitted to the
published rates in ``calibration.yml``; they are not device physics.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.metrics import roc_auc_score

TONES = np.arange(1, 11)  # Monk scale: 1 is the lightest, 10 the darkest
RECORDED_RACES = np.array(["White", "Black"])
SHARE_RECORDED_BLACK = 276 / (276 + 1333)  # patients in the Michigan cohort (sjoding2020)
# Teaching assumption: tones overlap between recorded races, so that race is a poor stand-in for tone.
TONE_WEIGHTS = np.array(
    [
        [0.14, 0.27, 0.28, 0.19, 0.07, 0.03, 0.01, 0.01, 0.00, 0.00],
        [0.00, 0.00, 0.02, 0.05, 0.12, 0.19, 0.24, 0.20, 0.12, 0.06],
    ]
)
WARDS = np.array(["medical", "surgical", "cardiac"])
DEVICES = np.array(["clip A", "clip B"])
DEVICE_SHARES = np.array([0.6, 0.4])
DEVICE_TONE_EFFECT = np.array([1.2, 0.7])  # teaching assumption: one model copes with pigment better

SHARE_HYPOXAEMIC = 0.13
LAST_TONE_READ_WELL = 4  # teaching assumption: tones up to this one are read alike
NOISE_SD = 4.55  # SpO2 points, the same for every tone
OFFSET = -0.01  # SpO2 points, at every saturation, for the lightest tone
SLOPE = 0.24  # SpO2 points for each point of SaO2 below 95, for the lightest tone
TONE_OFFSET = 8.2  # added to OFFSET for the darkest tone
TONE_SLOPE = 0.17  # added to SLOPE for the darkest tone
STAY_SHARE_OF_ILLNESS = 0.5  # how alike the readings of one stay are (0: unrelated, 1: identical)

OCCULT_RANGE = (92, 96)  # SpO2 readings that look safe (sjoding2020)
HYPOXAEMIA = 88  # SaO2 in %, below which a reading counts as hypoxaemic (sjoding2020)


def generate(n: int, rng: np.random.Generator, strength: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` paired readings.

    ``strength`` scales the effect of skin tone on the device: 0 is a device that reads every tone like
    the lightest, 1 is the published gap. Returns ``(observed, truth)``, two frames of ``n`` rows in the
    same order; ``truth`` holds what no ward can see and never reaches a student.
    """
    stay_of, patient_of_stay = _visits(n, rng)
    patient = patient_of_stay[stay_of]
    stays, patients = len(patient_of_stay), patient_of_stay[-1] + 1

    race = (rng.random(patients) < SHARE_RECORDED_BLACK).astype(np.int8)
    tone = _draw_tones(race, rng)
    age = np.clip(rng.normal(62, 16, patients), 18, 95).round().astype(np.int16)
    ward = rng.integers(0, len(WARDS), stays, dtype=np.int8)
    device = (rng.random(stays) < DEVICE_SHARES[1]).astype(np.int8)

    illness = np.sqrt(STAY_SHARE_OF_ILLNESS) * rng.standard_normal(stays)[stay_of]
    illness += np.sqrt(1 - STAY_SHARE_OF_ILLNESS) * rng.standard_normal(n)
    sao2 = _saturation(illness, rng)

    darkness = np.maximum(0, tone[patient] - LAST_TONE_READ_WELL) / (TONES[-1] - LAST_TONE_READ_WELL)
    pigment = strength * DEVICE_TONE_EFFECT[device[stay_of]] * darkness
    low = np.maximum(0, 95 - sao2)
    tone_error = pigment * (TONE_OFFSET + TONE_SLOPE * low)
    unbiased = sao2 + OFFSET + SLOPE * low + rng.normal(0, NOISE_SD, n)

    observed = pd.DataFrame(
        {
            "patient_id": patient + 1,
            "stay_id": stay_of + 1,
            "recorded_race": pd.Categorical.from_codes(race[patient], RECORDED_RACES).astype(str),
            "monk_tone": tone[patient],
            "ward": pd.Categorical.from_codes(ward[stay_of], WARDS).astype(str),
            "device": pd.Categorical.from_codes(device[stay_of], DEVICES).astype(str),
            "age": age[patient],
            **_vital_signs(sao2, age[patient], rng),
            "spo2": _charted(unbiased + tone_error),
            "sao2": sao2.round(1),
        }
    )
    truth = pd.DataFrame(
        {
            "latent_illness": illness,
            "latent_tone_error": tone_error,
            "counterfactual_spo2": _charted(unbiased),
        }
    )
    return observed, truth


def statistics(cohort) -> dict[str, float]:
    """The published statistics of a cohort (with frames ``observed`` and ``truth``), named as in calibration.yml."""
    observed = cohort.observed
    hypoxaemic = observed["sao2"] < HYPOXAEMIA
    looks_safe = observed["spo2"].between(*OCCULT_RANGE)
    results = {}
    for race in RECORDED_RACES:
        group = observed["recorded_race"] == race
        name = race.lower()
        results[f"occult_hypoxaemia_{name}"] = hypoxaemic[group & looks_safe].mean()
        results[f"auroc_{name}"] = roc_auc_score(hypoxaemic[group], -observed["spo2"][group])
    return results


def _visits(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Stay of each reading, patient of each stay: about 6.7 readings a patient, as in sjoding2020."""
    patients = n // 5 + 1  # more than enough; the surplus is cut off
    patient_of_stay = np.repeat(np.arange(patients), 1 + rng.poisson(0.4, patients))
    stay_of = np.repeat(np.arange(len(patient_of_stay)), 1 + rng.poisson(3.8, len(patient_of_stay)))
    stay_of = stay_of[:n]
    return stay_of, patient_of_stay[: stay_of[-1] + 1]


def _draw_tones(race: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A Monk tone (1 to 10) for each patient, by inverting the cumulative table of ``race``'s row."""
    cumulative = TONE_WEIGHTS.cumsum(axis=1)
    draw = rng.random(len(race))
    return TONES[(draw[:, None] > cumulative[race]).sum(axis=1).clip(max=9)].astype(np.int8)


def _saturation(illness: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Arterial saturation in %: a mixture of well and hypoxaemic readings, clipped to 60-100."""
    hypoxaemic = illness > ndtri(1 - SHARE_HYPOXAEMIC)
    spread = ndtri(np.clip(rng.random(len(illness)), 1e-9, 1 - 1e-9))
    sao2 = np.where(hypoxaemic, 86.5 + 4.5 * spread, 95.8 + 2.2 * spread)
    return np.clip(sao2, 60, 100)


def _vital_signs(sao2: np.ndarray, age: np.ndarray, rng: np.random.Generator) -> dict:
    """Vital signs that answer to the true saturation: the body does not read the finger clip."""
    n, want = len(sao2), np.maximum(0, 94 - sao2)
    return {
        "heart_rate": (84 + 1.4 * want + rng.normal(0, 15, n)).round().astype(np.int16),
        "respiratory_rate": np.clip(18 + 0.7 * want + rng.normal(0, 4.5, n), 6, 60).round().astype(np.int16),
        "systolic_bp": (124 + 0.15 * (age - 62) - 0.4 * want + rng.normal(0, 19, n)).round().astype(np.int16),
    }


def _charted(spo2: np.ndarray) -> np.ndarray:
    return np.clip(np.round(spo2), 60, 100).astype(np.int16)
