"""Discharges of people with diabetes: the offline twin of the table that the Fairlearn project prepared.

Same columns, same values, published shares; every row is invented. The mechanism, and the only ways in which a group
differs:

    recorded race -> insurance, travel time -> follow-up after discharge -> return to a hospital
    recorded race -> care scattered over hospitals -> earlier stays and returns that this table never sees

Recorded race shifts how far care is and how it is paid for, and how much of it happens in hospitals whose records are
not here. Everything below those ignores race. So a patient who returns elsewhere counts as not returned, and looks
healthier beforehand, too: fewer earlier stays, fewer diagnoses on record. Patients of *unknown* race are those with the
most scattered care. The coefficients are teaching parameters fitted to ``calibration.yml``; they measure nobody.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# How often each value occurs in the real table (fairlearn2021, and counts made from it).
RACES = {"Caucasian": 76099, "AfricanAmerican": 19210, "Unknown": 2273, "Hispanic": 2037, "Other": 1506, "Asian": 641}
GENDERS = {"Female": 54708, "Male": 47055, "Unknown/Invalid": 3}
AGES = {"30 years or younger": 2509, "30-60 years": 30716, "Over 60 years": 68541}
SOURCES = {"Emergency": 57494, "Referral": 30856, "Other": 13416}
SPECIALTIES = {
    "Missing": 49949,
    "Other": 16825,
    "InternalMedicine": 14635,
    "Emergency/Trauma": 7565,
    "Family/GeneralPractice": 7440,
    "Cardiology": 5352,
}
DIAGNOSES = {
    "Other": 68512,
    "Respiratory Issues": 14423,
    "Diabetes": 8757,
    "Genitourinary Issues": 5117,
    "Musculoskeletal Issues": 4957,
}
GLUCOSE = {"None": 96420, "Norm": 2597, ">200": 1485, ">300": 1264}
A1C = {"None": 84748, ">8": 8216, "Norm": 4990, ">7": 3812}
INSULIN = {"No": 47383, "Steady": 30849, "Down": 12218, "Up": 11316}
DAYS = dict(
    enumerate((14208, 17224, 17756, 13924, 9966, 7539, 5859, 4391, 3002, 2342, 1855, 1448, 1210, 1042), start=1)
)
PROCEDURES = dict(enumerate((46652, 20742, 12717, 9443, 4180, 3078, 4954)))
NUMBER_OF_DIAGNOSES = dict(
    enumerate((219, 1023, 2835, 5537, 11393, 10161, 10393, 10616, 49474, 17, 11, 9, 16, 7, 10, 45), start=1)
)

# What recorded race went with, at strength 1, in the order of RACES.
TRAVEL_SHIFT = np.array([0.0, 0.55, 0.1, 0.45, 0.3, 0.2], np.float32)  # log of minutes
MEDICAID_SHARE = np.array([0.0, 0.9, 0.1, 1.0, 0.5, 0.4], np.float32)  # log-odds
SCATTER_SHIFT = np.array([0.0, 0.26, 1.4, 0.7, 0.8, 0.8], np.float32)  # log-odds

OLDER = np.array([-0.7, -0.25, 0.14], np.float32)  # frailty by age band, in standard deviations
MEDICARE = np.array([0.01, 0.145, 0.407], np.float32)  # share by age band
MEDICAID = -3.2  # log-odds for those without Medicare
TRAVEL, TRAVEL_SD = 3.22, 0.6  # log of minutes to a clinic, by the means that a patient has
SCATTER, SCATTER_SD = -1.75, 0.9  # log-odds of the share of hospital care that happens elsewhere
THIN_RECORD = 3.5  # how much scattered care lowers the number of diagnoses on record, in standard deviations

REACHED, REACHED_TRAVEL, REACHED_MEDICAID = 0.75, -0.9, -0.9  # log-odds that usual follow-up reaches a patient
FOLLOW_UP = -0.5  # log-odds of an early return: a teaching assumption; trials disagree about it
STAY, STAY_FRAILTY, STAY_UNREACHED = 0.02, 0.75, 1.7  # log-odds of an earlier stay anywhere
EARLY, EARLY_FRAILTY, EARLY_STAY = -2.03, 0.4, 0.78
LATE, LATE_FRAILTY, LATE_STAY = -0.27, 0.5, 0.9
CHANGED = 47011 / 101766  # share whose diabetes drugs were changed
OTHER_DRUG = 0.13  # share with another drug for diabetes, of those with neither insulin nor a change
DIED = 0.024  # share that dies or goes to a hospice, and so cannot return

RETURNS = np.array(["NO", ">30", "<30"], dtype=object)
OUTCOMES = ["readmitted", "readmit_binary", "readmit_30_days"]


def generate(n: int, rng: np.random.Generator, strength: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` discharges.

    ``strength`` scales what recorded race goes with: at 0 travel, insurance and scattered care are spread alike in all
    groups, at 1 as the published figures require. Returns ``(observed, truth)``, two frames of ``n`` rows in the same
    order; ``truth`` holds what no table of one set of hospitals shows and never reaches a student.
    """
    race, age = _codes(RACES, n, rng), _codes(AGES, n, rng)
    frailty = OLDER[age] + _normal(n, rng)
    minutes = np.exp(TRAVEL + strength * TRAVEL_SHIFT[race] + TRAVEL_SD * _normal(n, rng))
    medicare = _happens(MEDICARE[age], rng)
    medicaid = _happens(_share(MEDICAID + strength * MEDICAID_SHARE[race]), rng) & ~medicare
    scattered = _share(SCATTER + strength * SCATTER_SHIFT[race] + SCATTER_SD * _normal(n, rng))
    seen = 1 - scattered

    reach = _share(REACHED + REACHED_TRAVEL * np.log(minutes / 25) + REACHED_MEDICAID * medicaid)
    unreached = 0.65 - reach  # whom follow-up seldom reaches was back in hospital before this stay, too
    earlier_stay = _happens(_share(STAY + STAY_FRAILTY * frailty + STAY_UNREACHED * unreached), rng)
    followed = _happens(reach, rng)
    died = _happens(DIED * np.exp(0.6 * frailty - 0.18), rng)
    risk = EARLY + EARLY_FRAILTY * frailty + EARLY_STAY * earlier_stay
    luck = rng.random(n, dtype=np.float32)
    if_missed, if_reached = (~died & (luck < _share(risk + effect)) for effect in (0, FOLLOW_UP))
    early = np.where(followed, if_reached, if_missed)
    late = ~died & ~early & _happens(_share(LATE + LATE_FRAILTY * frailty + LATE_STAY * earlier_stay), rng)
    recorded = np.where(_happens(seen, rng), np.int8(2) * early + late, np.int8(0))

    changed = rng.random(n) < CHANGED
    insulin = _codes(INSULIN, n, rng)
    observed = pd.DataFrame(
        {
            "race": _words(RACES, race),
            "gender": _words(GENDERS, _codes(GENDERS, n, rng)),
            "age": _words(AGES, age),
            "discharge_disposition_id": _words(
                ("Other", "Discharged to Home"), ~died & _happens(_share(0.47 - 0.45 * frailty), rng)
            ),
            "admission_source_id": _words(SOURCES, _codes(SOURCES, n, rng)),
            "time_in_hospital": _graded(DAYS, 0.35, frailty, rng),
            "medical_specialty": _words(SPECIALTIES, _codes(SPECIALTIES, n, rng)),
            "num_lab_procedures": np.clip(43.5 + 19.7 * _like(0.2, frailty, rng), 1, 132).astype(int),
            "num_procedures": _graded(PROCEDURES, 0.0, frailty, rng),
            "num_medications": np.clip(np.exp(2.7 + 0.47 * _like(0.3, frailty, rng)), 1, 81).astype(int),
            "primary_diagnosis": _words(DIAGNOSES, _codes(DIAGNOSES, n, rng)),
            "number_diagnoses": _graded(NUMBER_OF_DIAGNOSES, 0.45, frailty - THIN_RECORD * (scattered - 0.2), rng),
            "max_glu_serum": _words(GLUCOSE, _codes(GLUCOSE, n, rng)),
            "A1Cresult": _words(A1C, _codes(A1C, n, rng)),
            "insulin": _words(INSULIN, insulin),
            "change": _words(("No", "Ch"), changed),
            "diabetesMed": _words(("No", "Yes"), changed | (insulin > 0) | (rng.random(n) < OTHER_DRUG)),
            "medicare": medicare,
            "medicaid": medicaid,
            "had_emergency": _happens(_share(-1.7 + 0.55 * frailty + 1.7 * unreached) * seen * seen, rng),
            "had_inpatient_days": earlier_stay & _happens(seen * seen, rng),
            "had_outpatient_days": _happens(_share(-1.13 + 0.25 * frailty) * seen * seen, rng),
            "readmitted": _words(RETURNS, recorded),
            "readmit_binary": (recorded > 0).astype(int),
            "readmit_30_days": (recorded == 2).astype(int),
        },
        copy=False,
    )
    truth = pd.DataFrame(
        {
            "latent_frailty": frailty,
            "latent_travel_minutes": minutes,
            "latent_scattered": scattered,
            "latent_reach": reach,
            "latent_followed": followed,
            "latent_died": died,
            "latent_returned_anywhere": early,
            "counterfactual_returned_if_reached": if_reached,
            "counterfactual_returned_if_missed": if_missed,
        },
        copy=False,
    )
    return observed, truth


def statistics(cohort) -> dict[str, float]:
    """The published statistics, computed on a cohort; the keys are those of ``calibration.yml``.

    Flags and missed returns are those of the model of fairlearn2021: a logistic regression without race, fitted to as
    many returns as non-returns of one half, judged on the other.
    """
    table, truth = cohort.observed, cohort.truth
    half = len(table) // 2
    returned, race = table["readmit_30_days"].to_numpy() == 1, table["race"].to_numpy()
    score = _published_model(table, half)
    flagged, back, group = score >= 0.5, returned[half:], race[half:]
    merged = {"Hispanic": "merged", "Asian": "merged", "Other": "merged"}
    results = {f"{name.lower()}_of_all": (race == name).mean() for name in RACES}
    results |= {
        "female_of_all": (table["gender"] == "Female").mean(),
        "young_of_all": (table["age"] == "30 years or younger").mean(),
        "old_of_all": (table["age"] == "Over 60 years").mean(),
        "early_return_rate": returned.mean(),
        "late_return_rate": (table["readmitted"] == ">30").mean(),
        "home_discharge_rate": (table["discharge_disposition_id"] == "Discharged to Home").mean(),
        "a1c_unmeasured_rate": (table["A1Cresult"] == "None").mean(),
        "medicare_covered_rate": table["medicare"].mean(),
        "medicaid_covered_rate": table["medicaid"].mean(),
        "emergency_before_rate": table["had_emergency"].mean(),
        "inpatient_before_rate": table["had_inpatient_days"].mean(),
        "outpatient_before_rate": table["had_outpatient_days"].mean(),
        "diabetes_drug_rate": (table["diabetesMed"] == "Yes").mean(),
        "laboratory_tests_mean": table["num_lab_procedures"].mean(),
        "drugs_given_mean": table["num_medications"].mean(),
        "elsewhere_returns_share": 1 - returned[truth["latent_returned_anywhere"]].mean(),
        "model_auroc_value": roc_auc_score(back, score),
        "model_accuracy_value": balanced_accuracy_score(back, flagged),
    }
    for name in ("Caucasian", "AfricanAmerican"):
        here = race == name
        results[f"followed_{name.lower()}"] = truth["latent_followed"].to_numpy()[here].mean()
        results[f"anywhere_{name.lower()}"] = truth["latent_returned_anywhere"].to_numpy()[here].mean()
    for name in ("recorded", "unknown"):
        results[f"returned_{name}"] = returned[(race == "Unknown") == (name == "unknown")].mean()
        here = (group == "Unknown") == (name == "unknown")
        results[f"flagged_{name}"] = flagged[here].mean()
        results[f"missed_{name}"] = 1 - flagged[here & back].mean()
    groups = pd.Series(race).replace(merged).to_numpy()
    for name in ("Caucasian", "AfricanAmerican", "merged"):
        here = groups[half:] == name
        results[f"{name.lower()}_patients_returned"] = returned[groups == name].mean()
        results[f"{name.lower()}_cases_flagged"] = flagged[here].mean()
        results[f"{name.lower()}_returns_missed"] = 1 - flagged[here & back].mean()
    return results


def _published_model(table: pd.DataFrame, half: int) -> np.ndarray:
    """Scores of the second half of ``table`` by the model of fairlearn2021."""
    inputs = pd.get_dummies(table.drop(columns=["race", "discharge_disposition_id", *OUTCOMES])).astype(np.float32)
    returned = table["readmit_30_days"].to_numpy()[:half] == 1
    yes, no = np.flatnonzero(returned), np.flatnonzero(~returned)
    rows = np.concatenate([yes, np.random.default_rng(0).choice(no, len(yes))])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(inputs.iloc[rows], returned[rows]).predict_proba(inputs.iloc[half:])[:, 1]


def _normal(n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(n, dtype=np.float32)


def _share(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _happens(chance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """True with the given chance, row by row."""
    return rng.random(chance.shape, dtype=np.float32) < chance


def _codes(counts: dict, n: int, rng: np.random.Generator) -> np.ndarray:
    """Which of the values each row has, as often as ``counts`` says: looked up, since a search would be slow."""
    edges = np.cumsum(list(counts.values())) / sum(counts.values())
    table = np.searchsorted(edges, (np.arange(65536) + 0.5) / 65536).astype(np.int8)
    return table[rng.integers(0, 65536, n, dtype=np.uint16)]


def _words(values, codes: np.ndarray) -> np.ndarray:
    return pd.Categorical.from_codes(codes.astype(np.int8), list(values)).astype(str)


def _like(correlation: float, frailty: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A standard normal number that goes with frailty as closely as ``correlation`` says."""
    return correlation * frailty + np.sqrt(np.float32(1 - correlation**2)) * _normal(len(frailty), rng)


def _graded(counts: dict, correlation: float, frailty: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers that occur as often as ``counts`` says, higher where frailty is higher."""
    steps = np.linspace(-5, 5, 4001)
    edges = np.cumsum(list(counts.values())) / sum(counts.values())
    table = np.array(list(counts))[np.searchsorted(edges, ndtr(steps)).clip(max=len(counts) - 1)]
    return table[((np.clip(_like(correlation, frailty, rng), -5, 5) + 5) * 400).astype(np.int16)]
