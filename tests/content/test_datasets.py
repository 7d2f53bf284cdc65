"""Every dataset keeps its promises: published figures, no gap without its cause, no truth in the students' table."""

from functools import cache

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
    assert measured(dataset.slug)[wanted.statistic] == pytest.approx(wanted.target, abs=wanted.tolerance)


@cache
def measured(slug: str) -> dict[str, float]:
    return {row.target.statistic: row.measured for row in datasets.calibrate(COURSE.datasets[slug])}


def test_no_finding(dataset):
    assert datasets.check(dataset) == []


def test_same_seed_same_cohort_other_seed_other_cohort(dataset):
    one, again, other = (datasets.draw(dataset, 500, seed).observed for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_units_are_as_asked(dataset):
    for n in (1, 7, 1000):
        cohort = datasets.draw(dataset, n, 3)
        unit = getattr(datasets.generator(dataset), "UNIT", None)
        assert (cohort.observed[unit].nunique() if unit else len(cohort.observed)) == n
        assert len(cohort.observed) == len(cohort.truth)


def test_an_image_follows_from_its_row(dataset):
    """Drawn alone or among others, today or tomorrow, a row gives the same image."""
    cohort = datasets.draw(dataset, 300, 5)
    if cohort.render is None:
        return
    some = [7, 3, 250]
    assert np.array_equal(cohort.render(cohort.observed.iloc[some], cohort.truth.iloc[some]), cohort.images[some])
    assert len({image.tobytes() for image in cohort.images}) == len(cohort.images)


def test_students_table_shares_no_column_with_the_truth(dataset, tmp_path):
    header = datasets.write_data(dataset, tmp_path)[0].read_text().splitlines()[0].split(",")
    truth = datasets.released(dataset).truth
    assert header == list(dataset.facts.columns)
    assert not set(header) & set(truth.columns)
    assert not any(name.startswith(("latent_", "counterfactual_")) for name in header)


def test_without_the_mechanism_the_gaps_between_groups_vanish(dataset):
    """At strength 0 no statistic that is given by group strays from its family by more than chance; at 1 all do."""
    without, with_it = (distances_from_family(dataset, strength) for strength in (0.0, 1.0))
    assert without.keys() == with_it.keys() != set()
    for name, distance in without.items():
        assert abs(distance) < 5, f"{name}: a gap of {distance:.1f} standard errors remains at strength 0"
        assert abs(with_it[name]) > 5, f"{name}: strength 1 shows no gap"


def distances_from_family(dataset, strength: float) -> dict[str, float]:
    """How far each statistic lies from the mean of its family (auroc_a, auroc_b), in standard errors over cohorts."""
    statistics = datasets.generator(dataset).statistics
    cohorts = [statistics(datasets.draw(dataset, 60_000, seed, strength)) for seed in range(12)]
    families: dict[str, list[str]] = {}
    for name in cohorts[0]:
        families.setdefault(name.rpartition("_")[0], []).append(name)
    distances = {}
    for names in families.values():
        for name in names if len(names) > 1 else []:
            gaps = [cohort[name] - np.mean([cohort[other] for other in names]) for cohort in cohorts]
            distances[name] = np.mean(gaps) / (np.std(gaps, ddof=1) / len(gaps) ** 0.5)
    return distances
