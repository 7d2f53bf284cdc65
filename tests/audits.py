"""What fairlearn, scikit-learn and SciPy find where the pages' scripts count for themselves: their tests' reference.

It is computed anew from the course's own data whenever the tests run, so that no number can rot.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from equipoise.datasets import generate, load


def _where(there: int, metric):
    """The metric, or NaN if nobody's truth is ``there``: fairlearn would say 0."""
    return lambda truth, acted: metric(truth, acted) if (truth == there).any() else np.nan


def _net_benefit(truth: pd.Series, acted: pd.Series, risk: float = 0.2) -> float:
    return ((truth & acted).sum() - (~truth & acted).sum() * risk / (1 - risk)) / len(truth)


# The shares by the names that they have in metrics.js.
METRICS = {
    "selectionRate": selection_rate,
    "sensitivity": partial(recall_score, zero_division=np.nan),
    "falseNegativeRate": _where(1, false_negative_rate),
    "falsePositiveRate": _where(0, false_positive_rate),
    "ppv": partial(precision_score, zero_division=np.nan),
    "netBenefit": _net_benefit,
}


def frame(acted: pd.Series, truth: pd.Series, groups: pd.Series) -> MetricFrame:
    return MetricFrame(metrics=METRICS, y_true=truth, y_pred=acted, sensitive_features=groups)


def oximetry() -> tuple[pd.Series, pd.Series, pd.Series]:
    """SpO2, whether SaO2 is low, and the band of skin tone, for every reading that students get."""
    readings = load("pulse-oximetry").observed
    skin = pd.cut(readings["monk_tone"], [0, 4, 7, 10], labels=["light skin", "medium skin", "dark skin"])
    return readings["spo2"], readings["sao2"] < 88, skin.astype(str)


@lru_cache
def readmission() -> tuple[pd.Series, pd.Series, pd.Series]:
    """Risk in percent, whether a return is on record, and race as recorded, where the case's model is judged."""
    table = generate("readmission", n=120_000, seed=30).observed
    outcomes = [name for name in table if name.startswith("readmi")]
    inputs = pd.get_dummies(table.drop(columns=["race", "gender", *outcomes])).astype(float)
    inputs, returned = inputs / inputs.max(), table["readmit_30_days"] == 1
    learnt, judged = slice(None, 60_000), slice(60_000, None)
    model = LogisticRegression(solver="liblinear").fit(inputs[learnt], returned[learnt])
    risk = pd.Series(100 * model.predict_proba(inputs[judged])[:, 1], index=table.index[judged])
    return risk, returned[judged], table["race"][judged].replace("AfricanAmerican", "African American")


def audit(name: str, act: str, thresholds: Iterable[float], score, truth, groups) -> dict:
    """Scores by group, and at every threshold what MetricFrame says of acting above or below it."""
    thresholds = list(thresholds)
    parts = {
        group: {"cases": score[rows & truth].tolist(), "others": score[rows & ~truth].tolist()}
        for group in sorted(set(groups))
        for rows in [groups == group]
    }
    at = [_figures(score >= bar if act == "above" else score < bar, truth, groups) for bar in thresholds]
    return {"name": name, "act": act, "thresholds": thresholds, "groups": parts, "at": at}


def _figures(acted: pd.Series, truth: pd.Series, groups: pd.Series) -> dict:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a share of nobody, NumPy warns; here it is the point
        found = frame(acted, truth, groups)
        difference, ratio = found.difference(), found.ratio()
    return {
        "counts": {group: _counts(acted[rows], truth[rows]) for group in set(groups) for rows in [groups == group]},
        "byGroup": {group: _plain(row) for group, row in found.by_group.iterrows()},
        "overall": _plain(found.overall),
        "difference": _plain(difference),
        "ratio": _plain(ratio),
    }


def _counts(acted: pd.Series, truth: pd.Series) -> dict[str, int]:
    return dict(
        zip(
            ("tn", "fp", "fn", "tp"), confusion_matrix(truth, acted, labels=[False, True]).ravel().tolist(), strict=True
        )
    )


def _plain(row: pd.Series) -> dict[str, float | None]:
    """For JSON, which knows neither NaN nor infinity."""
    return {name: float(value) if np.isfinite(value) else None for name, value in row.items()}


def awkward() -> tuple[pd.Series, pd.Series, pd.Series]:
    """Ties at every threshold, a group in which nobody is ill, one in which everybody is, and one of one person."""
    lot = np.random.default_rng(3)
    groups = pd.Series(["mixed"] * 40 + ["well"] * 10 + ["ill"] * 10 + ["alone"])
    truth = pd.Series([*(lot.random(40) < 0.3), *[False] * 10, *[True] * 10, True])
    return pd.Series(lot.integers(0, 6, 61)), truth, groups


def reference() -> dict:
    """All audits and intervals, ready for JSON. A part of the rows will do, since it is the sums that are on trial."""
    score, low, skin = (column[::4] for column in oximetry())
    risk, returned, race = (column[::20] for column in readmission())
    audits = [
        audit("oximetry, act below", "below", range(int(score.min()), 102), score, low, skin),
        audit("readmission, act above", "above", np.quantile(risk, np.linspace(0, 1, 30)), risk, returned, race),
        *(audit(f"awkward, act {act}", act, range(-1, 8), *awkward()) for act in ("above", "below")),
    ]
    pairs = (0, 9), (9, 9), (1, 1), (60, 80), (77, 112), (2740, 5008)
    return {"audits": audits, "intervals": [_interval(*pair) for pair in pairs]}


def _interval(part: int, whole: int) -> dict:
    found = binomtest(part, whole).proportion_ci(method="wilson")
    return {"part": part, "whole": whole, "low": found.low, "high": found.high}
