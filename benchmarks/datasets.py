"""How fast the generators draw: one million rows of each dataset, beside a plain NumPy draw of the same size.

Run: python benchmarks/datasets.py. The yardstick draws as many normal numbers as the table has cells, so the ratio
says how much the mechanism costs beyond the randomness itself, whatever the machine. Images are counted a second.
"""

import time

import numpy as np

from equipoise.content import load_course
from equipoise.datasets import draw

ROWS = 1_000_000
IMAGES = 10_000


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    for slug, dataset in load_course().datasets.items():
        sample = draw(dataset, 1000, 0)
        units = round(ROWS * 1000 / len(sample.observed))
        cells = ROWS * len(dataset.facts.columns)
        drawn = min(seconds(lambda: draw(dataset, units, seed)) for seed in range(3))  # noqa: B023
        yardstick = min(seconds(lambda: np.random.default_rng(0).standard_normal(cells)) for _ in range(3))  # noqa: B023
        print(f"{slug}: {drawn:.2f} s for {ROWS:,} rows; {cells:,} normal numbers {yardstick:.2f} s")
        print(f"generator ratio: {drawn / yardstick:.1f}")
        if sample.render:
            films = draw(dataset, IMAGES, 0)
            print(f"{slug}: {IMAGES / seconds(lambda: films.images):,.0f} images a second")  # noqa: B023


if __name__ == "__main__":
    main()
