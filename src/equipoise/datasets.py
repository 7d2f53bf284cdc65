"""Synthetic cohorts: drawn from a seed, checked against published figures, and handed out without the truth.

A generator (``datasets/<slug>/generate.py``) is content: it knows the mechanism and nothing of this engine.
Here it is loaded, its output wrapped in a ``Cohort`` and held against ``datasheet.md`` and
``calibration.yml``. This is the one module of the engine that content may import: cases draw their figures
with ``load``, hidden tests draw a fresh cohort with ``generate`` and a seed that is ``unseen``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from equipoise.content import Column, ContentError, Dataset, Finding, Target, find_root, load_dataset
from equipoise.files import fingerprint, write_whole

SECRET_VARIABLE = "EQUIPOISE_SECRET"


@dataclass(frozen=True)
class Cohort:
    """A synthetic cohort: ``observed`` is what a ward sees, ``truth`` what only the generator knows.

    Two frames with the same rows in the same order and no column in common.
    """

    observed: pd.DataFrame
    truth: pd.DataFrame
    render: Callable[[pd.DataFrame, pd.DataFrame], np.ndarray] | None = None  # draws the images of some of these rows

    @cached_property
    def images(self) -> np.ndarray:
        """One image a row: uint8, (rows, height, width). Raises AttributeError if the dataset has none."""
        if self.render is None:
            raise AttributeError("this dataset has no images: its generate.py has no function `render`")
        return self.render(self.observed, self.truth)


@dataclass(frozen=True)
class Measurement:
    """A published figure beside what the generator gives."""

    target: Target
    measured: float

    @property
    def within(self) -> bool:
        return abs(self.measured - self.target.target) <= self.target.tolerance


def generate(slug: str, n: int, seed: int, strength: float = 1.0) -> Cohort:
    """Draw ``n`` units of the dataset ``slug``; ``strength=0`` switches every gap between groups off.

    A unit is what the datasheet counts: a patient, a stay, a film. It has one row unless generate.py names in ``UNIT``
    the column that tells units apart.

    The datasheet is not read: a test cell that draws a cohort must not wait for it. Raises ContentError if there is no
    such dataset.
    """
    folder = find_root() / "datasets" / slug
    if not (folder / "generate.py").is_file():
        problem, repair = "there is no such dataset", "Check the name"
        raise ContentError([Finding(file=f"datasets/{slug}", where="generate.py", problem=problem, repair=repair)])
    return _drawn(slug, folder, n, seed, strength)


def unseen(number: int) -> int:
    """A seed (0 to 2**32 - 1) that follows from ``number`` and the class's secret, which marking sets.

    Hidden tests take their seeds from here: the file that they are in is public, so that a student could otherwise
    look up what a test will draw. Without a secret, as under stock nbgrader, the seed follows from the number alone.
    """
    secret = os.environ.get(SECRET_VARIABLE, "")
    digest = hashlib.sha256(os.fsencode(f"{secret}\0{number}")).digest()
    return int.from_bytes(digest[:4])  # four bytes, since numpy's older generators and scikit-learn take no more


@lru_cache(maxsize=8)
def load(slug: str) -> Cohort:
    """The cohort that students get: size and seed as the datasheet says."""
    return released(load_dataset(find_root(), slug))


def released(dataset: Dataset) -> Cohort:
    return draw(dataset, dataset.facts.size, dataset.facts.seed)


def draw(dataset: Dataset, n: int, seed: int, strength: float = 1.0) -> Cohort:
    """``n`` units from the generator of ``dataset``. Raises ValueError if it breaks its contract."""
    return _drawn(dataset.slug, dataset.folder, n, seed, strength)


def _drawn(slug: str, folder: Path, n: int, seed: int, strength: float) -> Cohort:
    module = _module(slug, folder, fingerprint(folder))
    observed, truth = module.generate(n, np.random.default_rng(seed), strength)
    unit = getattr(module, "UNIT", None)
    units = observed[unit].nunique() if unit else len(observed)
    if units != n or len(observed) != len(truth):
        rows = f"in {len(observed)} rows, and {len(truth)} rows of truth"
        raise ValueError(f"{slug}: asked for {n} units, got {units} {rows}")
    if shared := set(observed) & set(truth):
        raise ValueError(f"{slug}: columns in both frames: {', '.join(sorted(shared))}")
    return Cohort(observed, truth, getattr(module, "render", None))


def generator(dataset: Dataset) -> ModuleType:
    """The module ``generate.py`` of a dataset, loaded under a name that no library uses."""
    return _module(dataset.slug, dataset.folder, fingerprint(dataset.folder))


# A notebook draws a dozen cohorts, and reading the generator anew costs more than the drawing. The fingerprint is among
# the arguments so that an author's next version is read nevertheless.
@lru_cache(maxsize=8)
def _module(slug: str, folder: Path, version: str) -> ModuleType:
    name = f"equipoise_dataset_{slug.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, folder / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_data(dataset: Dataset, folder: Path) -> list[Path]:
    """Write what students get, the files named by ``dataset.files``, to ``folder``: each whole or not at all."""
    cohort = released(dataset)
    table, *pictures = paths = [folder / name for name in dataset.files]
    write_whole(table, cohort.observed.to_csv(index=False))
    for path in pictures:
        content = BytesIO()
        np.save(content, cohort.images, allow_pickle=False)
        write_whole(path, content.getvalue())
    return paths


def calibrate(dataset: Dataset) -> list[Measurement]:
    """Hold the generator against each published figure of ``calibration.yml``.

    Raises KeyError if ``statistics`` in generate.py does not compute one of them.
    """
    plan = dataset.calibration
    measured = generator(dataset).statistics(draw(dataset, plan.size, plan.seed))
    return [Measurement(target, float(measured[target.statistic])) for target in plan.targets]


def check(dataset: Dataset) -> list[Finding]:
    """All that is wrong with a dataset beyond its text: calibration, columns, ranges."""
    try:
        return [*_calibration_findings(dataset), *_column_findings(dataset), *_image_findings(dataset)]
    except Exception as error:  # a generator is an author's code: whatever it raises is a finding
        where, problem = type(error).__name__, f"the generator fails: {error}"
        return [_finding(dataset, "generate.py", where, problem, "Mend the generator")]


def _calibration_findings(dataset: Dataset) -> Iterator[Finding]:
    for row in calibrate(dataset):
        if not row.within:
            target = row.target
            problem = f"is {row.measured:.4g}, published {target.target:g} ± {target.tolerance:g}"
            repair = f"Mend the generator; the tolerance follows {target.citation}"
            yield _finding(dataset, "calibration.yml", target.statistic, problem, repair)


def _column_findings(dataset: Dataset) -> Iterator[Finding]:
    observed, columns = released(dataset).observed, dataset.facts.columns
    for name in sorted(set(observed) ^ set(columns)):
        problem = "is not drawn by generate.py" if name in columns else "is not in the datasheet"
        yield _finding(dataset, "datasheet.md", f"columns.{name}", problem, "Make the two agree")
    for name in sorted(set(observed) & set(columns)):
        values = observed[name]
        allowed = allows(columns[name], values)
        if not allowed.all():
            problem = f"{(~allowed).sum()} of {len(values)} values are outside what the datasheet allows"
            repair = f"The first is {values[~allowed].iloc[0]!r}; correct the range or the generator"
            yield _finding(dataset, "datasheet.md", f"columns.{name}", problem, repair)


def allows(column: Column, values: pd.Series) -> pd.Series:
    """Whether the datasheet allows each value."""
    if column.values is not None:
        return values.astype(str).isin(column.values)
    if column.longest is not None:
        return values.astype(str).str.len().between(1, column.longest) & values.notna()
    return values.between(column.low, column.high)


def _image_findings(dataset: Dataset) -> Iterator[Finding]:
    cohort, declared = draw(dataset, 2, dataset.facts.seed), dataset.facts.images
    if (cohort.render is None) != (declared is None):
        problem = "are drawn by generate.py and not described" if cohort.render else "are not drawn by generate.py"
        yield _finding(dataset, "datasheet.md", "images", problem, "Make the two agree")
    elif declared:
        images, rows = cohort.images, len(cohort.observed)
        if images.dtype != np.uint8 or images.ndim != 3 or len(images) != rows:
            problem = f"are {images.dtype} of shape {images.shape}, expected uint8 of shape ({rows}, height, width)"
            yield _finding(dataset, "generate.py", "render", problem, "Mend the generator")


def _finding(dataset: Dataset, file: str, where: str, problem: str, repair: str) -> Finding:
    return Finding(file=f"datasets/{dataset.slug}/{file}", where=where, problem=problem, repair=repair)
