"""TODO: say in one paragraph what was measured, where, and through which mechanism the groups come to differ.

    group -> access to care -> delay -> outcome

The group itself does nothing: only what happens to people because of it does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

GROUPS = np.array(["a", "b"])
DELAY = 0.2  # added to the risk by poor access; TODO: fit it to the figures in calibration.yml


def generate(
    n: int, rng: np.random.Generator, strength: float = 1.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` patients; ``strength=0`` switches the mechanism off. Returns (observed, truth)."""
    group = rng.integers(0, len(GROUPS), n)
    poor_access = rng.random(n) < np.where(group == 1, 0.5, 0.1)
    severity = rng.normal(0, 1, n)
    risk = np.clip(0.3 + 0.05 * severity, 0, 1)
    harmed_risk = np.clip(risk + strength * DELAY * np.where(group == 1, poor_access, 0), 0, 1)
    draw = rng.random(n)
    observed = pd.DataFrame(
        {
            "patient_id": np.arange(1, n + 1),
            "group": GROUPS[group],
            "severity": severity.round(2),
            "harmed": draw < harmed_risk,
        }
    )
    truth = pd.DataFrame({"latent_poor_access": poor_access, "counterfactual_harmed": draw < risk})
    return observed, truth


def statistics(cohort) -> dict[str, float]:
    """The published statistics of a cohort (with frames ``observed`` and ``truth``), named as in calibration.yml."""
    rates = cohort.observed.groupby("group")["harmed"].mean()
    return {f"harmed_{group}": rate for group, rate in rates.items()}
