"""Every dataset keeps its promises: published figures, no gap without its cause, no truth in the students' table."""

import numpy as np
import pytest

from equipoise import datasets
from equipoise.content import load_course

COURSE = load_course()


@pytest.fixture(params=COURSE.datasets, name="dataset")
def _dataset(request):
    return COURSE.datasets[request.param]


@pytest.fixture(
    params=[(d, t) for d in COURSE.datasets.values() for t in d.calibration.targets],
    name="target",
    ids=lambda pair: f"{pair[0].slug}-{pair[1].statistic}",
)
def _target(request):
    return request.param


def test_published_figure_is_reproduced(target):
    dataset, wanted = target
    measured = {row.target.statistic: row.measured for row in datasets.calibrate(dataset)}
    assert measured[wanted.statistic] == pytest.approx(wanted.target, abs=wanted.tolerance)


def test_no_finding(dataset):
    assert datasets.check(dataset) == []


def test_same_seed_same_cohort_other_seed_other_cohort(dataset):
    one, again, other = (datasets.draw(dataset, 500, seed).observed for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_rows_are_as_asked(dataset):
    for n in (1, 7, 1000):
        cohort = datasets.draw(dataset, n, 3)
        assert len(cohort.observed) == len(cohort.truth) == n


def test_students_table_shares_no_column_with_the_truth(dataset, tmp_path):
    header = datasets.write_csv(dataset, tmp_path).read_text().splitlines()[0].split(",")
    truth = datasets.released(dataset).truth
    assert header == list(dataset.facts.columns)
    assert not set(header) & set(truth.columns)
    assert not any(name.startswith(("latent_", "counterfactual_")) for name in header)


def test_without_the_mechanism_the_gaps_between_groups_vanish(dataset):
    """At strength 0 the statistics that the generator publishes by group differ by no more than chance."""
    statistics = datasets.generator(dataset).statistics
    spread = {}
    for strength in (0.0, 1.0):
        cohorts = [datasets.draw(dataset, 100_000, seed, strength).observed for seed in (11, 12, 13)]
        by_name = {name: np.mean([statistics(c)[name] for c in cohorts]) for name in statistics(cohorts[0])}
        spread[strength] = _gaps(by_name)
    assert spread[0.0].keys() == spread[1.0].keys() != set()
    for name, gap in spread[0.0].items():
        assert gap < 0.012, f"{name}: a gap of {gap:.3f} remains at strength 0"
        assert spread[1.0][name] > 3 * gap, f"{name}: strength 1 shows hardly more than strength 0"


def _gaps(by_name: dict[str, float]) -> dict[str, float]:
    """Largest difference among the statistics of one family, such as auroc_black and auroc_white."""
    families: dict[str, list[float]] = {}
    for name, value in by_name.items():
        families.setdefault(name.rpartition("_")[0], []).append(value)
    return {name: max(values) - min(values) for name, values in families.items() if len(values) > 1}
