"""What pandas, scikit-learn and fairlearn find where the explorers of labels and of the ward count for themselves.

As in ``audits.py``, it is computed anew from the course's own data whenever the tests run, in the steps of the labs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_negative_rate, selection_rate
from sklearn.linear_model import LinearRegression
from sklearn.metrics import precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from equipoise.datasets import load

LABELS = ("cost", "avoidable_cost", "conditions")
RACES = ["White", "Black"]
SHARES = [percent / 100 for percent in range(1, 11)]
SEVERE = 5
DEPLOYED = 8
OFF = None  # no threshold


def reference() -> dict:
    return {"labels": labels(), "ward": ward()}


def labels() -> dict:
    patients = load("cost-as-need").observed
    train = patients.sample(frac=0.5, random_state=0)
    test = patients.drop(train.index)
    features = [name for name in patients if name == "age" or name.endswith("_before")]
    model = make_pipeline(StandardScaler(), LinearRegression())
    scores = {label: model.fit(train[features], train[label]).predict(test[features]) for label in LABELS}
    return {
        "shares": SHARES,
        "severe": SEVERE,
        "groups": RACES,
        "patients": _histograms(test, test["conditions"].max()),
        "totals": {name: int(test[name].sum()) for name in ("cost", "avoidable_cost")},
        "labels": [
            {"name": label, **_steps(test, score), "at": [_outcome(test, _chosen(score, share)) for share in SHARES]}
            for label, score in scores.items()
        ],
    }


def _histograms(rows: pd.DataFrame, most: int) -> list[list[int]]:
    table = pd.crosstab(rows["recorded_race"], rows["conditions"])
    return table.reindex(index=RACES, columns=range(most + 1), fill_value=0).to_numpy().tolist()


def _chosen(score: np.ndarray, share: float) -> np.ndarray:
    return score >= np.quantile(score, 1 - share)


def _steps(test: pd.DataFrame, score: np.ndarray) -> dict:
    """Whom each further step of places adds, as the page brings it."""
    within = [np.zeros(len(test), bool), *(_chosen(score, share) for share in SHARES)]
    added = [test[now & ~before] for before, now in pairwise(within)]
    sums = {name: [int(rows[name].sum()) for rows in added] for name in ("cost", "avoidable_cost")}
    return {"placed": [_histograms(rows, test["conditions"].max()) for rows in added], **sums}


def _outcome(test: pd.DataFrame, chosen: np.ndarray) -> dict:
    metrics = {"selection_rate": selection_rate, "false_negative_rate": false_negative_rate}
    severe, race = test["conditions"] >= SEVERE, test["recorded_race"]
    frame = MetricFrame(metrics=metrics, y_true=severe, y_pred=chosen, sensitive_features=race).by_group.loc[RACES]
    illness = test[chosen].groupby("recorded_race")["conditions"].agg(["mean", "sem"]).loc[RACES]
    bounds = {"low": illness["mean"] - 1.96 * illness["sem"], "high": illness["mean"] + 1.96 * illness["sem"]}
    reach = {name: test.loc[chosen, name].sum() / test[name].sum() for name in LABELS}
    groups = frame.assign(count=race.value_counts(), mean=illness["mean"], **bounds).to_dict("records")
    return {"groups": groups, "reach": reach}


def ward() -> dict:
    rows = load("sepsis-alert").observed.query("hospital == 'B'")
    stays = [stay for _, stay in rows.groupby("stay_id")]
    scores = [stay["score"].to_numpy() for stay in stays]
    at = []
    for threshold in (2, 5, DEPLOYED, 12, 20, 30, OFF):
        bar = np.inf if threshold is OFF else threshold
        found = _audit(rows, bar) | {"threshold": threshold}
        for silence in (0, 1, 4, 8, 12):
            alarms = sum(_alarms(stay, bar, silence) for stay in scores)
            burden = alarms / len(rows) * 5 * 12
            at.append(found | {"silence": silence, "burden": burden, "sums": found["sums"] | {"alarms": alarms}})
    return {"stays": [_stay(stay) for stay in stays], "at": at}


def _stay(stay: pd.DataFrame) -> list:
    """Scores as digits to the base 36, hour of onset and hour of the first culture, as the page brings them."""
    digits = (np.base_repr(min(int(score), 30), 36) for score in stay["score"])
    return ["".join(digits), *(_first(stay[column].to_numpy() == 1) for column in ("after_onset", "culture_ordered"))]


def _first(marked: np.ndarray) -> int | None:
    return int(marked.argmax()) if marked.any() else None


def _audit(rows: pd.DataFrame, bar: float) -> dict:
    """Sums over the stays; sensitivity and PPV as in the lab: a stay counts by its highest score before the onset."""
    highest = rows[rows["after_onset"] == 0].groupby("stay_id")["score"].max()
    septic = rows.groupby("stay_id")["sepsis"].first().loc[highest.index] == 1
    return {
        "sums": {"hours": len(rows), "stays": len(highest), "septic": int(septic.sum()), **_found(rows, bar)},
        "sensitivity": recall_score(septic, highest >= bar),
        "ppv": precision_score(septic, highest >= bar) if (highest >= bar).any() else None,
    }


def _alarms(scores: np.ndarray, bar: float, silence: int) -> int:
    up = np.concatenate([[False], scores >= bar])
    rung: list[int] = []
    for hour in np.flatnonzero(up[1:] & ~up[:-1]):
        if not rung or hour > rung[-1] + silence:
            rung.append(hour)
    return len(rung)


def _found(rows: pd.DataFrame, bar: float) -> dict[str, int]:
    """What becomes of the stays, counted hour by hour and not by first hours."""
    marks = pd.DataFrame(
        {
            "septic": rows["sepsis"] == 1,
            "up": rows["score"] >= bar,
            "up_before": (rows["score"] >= bar) & (rows["after_onset"] == 0),
            "news": (rows["score"] >= bar) & (rows["after_onset"] == 0) & (rows["culture_ordered"] == 0),
            "culture_before": (rows["culture_ordered"] == 1) & (rows["after_onset"] == 0),
        }
    )
    stays = marks.groupby(rows["stay_id"]).any()
    noticed = ((rows["score"] >= bar) | (rows["culture_ordered"] == 1)).groupby(rows["stay_id"]).cummax()
    septic = stays[stays["septic"]]
    return {
        "vain": int((stays["up"] & ~stays["septic"]).sum()),
        "inTime": int(septic["up_before"].sum()),
        "late": int((septic["up"] & ~septic["up_before"]).sum()),
        "never": int((~septic["up"]).sum()),
        "news": int(septic["news"].sum()),
        "unnoticed": int((~septic["up_before"] & ~septic["culture_before"]).sum()),
        "waited": int(((rows["after_onset"] == 1) & ~noticed).sum()),
    }
