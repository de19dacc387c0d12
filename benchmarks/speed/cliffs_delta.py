"""Cliff's delta.

Published: a loop in Python over all pairs of a high- and a low-attention value, run twice (once for the value, once for its band), for each
feature of each trajectory. Ours: ranks, all features and trajectories in one call.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.speed.measure import Row, Settings, interleaved
from cellfate.statistics import cliffs_delta


def published_delta(x: np.ndarray, y: np.ndarray) -> float:
    """Over all pairs, P(x > y) - P(x < y)."""
    larger = smaller = 0
    for one in x:
        for other in y:
            larger += one > other
            smaller += one < other
    return (larger - smaller) / (len(x) * len(y))


def rows(settings: Settings) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=10), rng.normal(size=90)
    assert abs(published_delta(x, y) - cliffs_delta(x, y)) < 1e-12
    published, ours = interleaved([lambda: [published_delta(x, y) for _ in range(2)], lambda: cliffs_delta(x, y)], 100)
    yield Row("cliffs_delta", "one feature of one trajectory", "10 high and 90 low frames", published, ours, equal="identical")
