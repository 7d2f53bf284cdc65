"""What each dataset gives beside the published figures, measured once and kept with the build.

A check draws half a million patients and may train a model on them: ten seconds that no reader of a page should wait
for twice. A dataset is measured again when its generator or its figures change, and several at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from equipoise.content import Dataset
from equipoise.datasets import Measurement, calibrate, generator
from equipoise.files import write_whole


class CalibrationError(Exception):
    """A dataset could not be measured; the message says which, and why."""


@dataclass(frozen=True)
class Calibrations:
    """Measurements of datasets, kept in ``folder``; ``workers`` are measured at a time."""

    folder: Path
    workers: int = 1

    def __call__(self, dataset: Dataset) -> list[Measurement]:
        """Each published figure beside what the generator gives, in the order of ``calibration.yml``."""
        if not self._kept(dataset).exists():
            self.prepare([dataset])
        return _measurements(dataset, json.loads(self._kept(dataset).read_text())["measured"])

    def unit(self, dataset: Dataset) -> str | None:
        """The column that tells the dataset's units apart; None if a unit is a row."""
        self(dataset)
        return json.loads(self._kept(dataset).read_text())["unit"]

    def prepare(self, datasets: Iterable[Dataset]) -> None:
        """Measure those that are not kept, several at a time."""
        missing = [dataset for dataset in datasets if not self._kept(dataset).exists()]
        if missing:
            with ProcessPoolExecutor(self.workers) as pool:
                for dataset, measured in [(dataset, pool.submit(_measure, dataset)) for dataset in missing]:
                    self._keep(dataset, measured)

    def _keep(self, dataset: Dataset, measured: Future) -> None:
        try:
            found = json.dumps(measured.result())
        except Exception as error:  # a generator is an author's code: whatever it raises is its failure
            repair = f"`equipoise check {dataset.slug}` says more"
            raise CalibrationError(f"datasets/{dataset.slug}: the generator fails: {error}; {repair}") from error
        for old in self.folder.glob(f"{dataset.slug}.*.json"):
            old.unlink()
        write_whole(self._kept(dataset), found)

    def _kept(self, dataset: Dataset) -> Path:
        files = [(dataset.folder / name).read_bytes() for name in ("generate.py", "calibration.yml")]
        state = hashlib.sha256(b"\0".join(files)).hexdigest()[:16]
        return self.folder / f"{dataset.slug}.{state}.json"


def _measure(dataset: Dataset) -> dict:
    measured = [row.measured for row in calibrate(dataset)]
    return {"measured": measured, "unit": getattr(generator(dataset), "UNIT", None)}


def _measurements(dataset: Dataset, measured: list[float]) -> list[Measurement]:
    return [Measurement(*pair) for pair in zip(dataset.calibration.targets, measured, strict=True)]
