"""Permutation test.

Published: scipy's permutation test of the difference of means, 50,000 resamples, the statistic a plain function, for each feature of each
trajectory. Ours: the resamples drawn once for all features that have values in the same frames, their sums one matrix product.
"""

from collections.abc import Iterator

import numpy as np
from scipy.stats import permutation_test

from benchmarks.speed.measure import HELD_OUT, Point, Row, Settings, Share, interleaved, peak_mb
from cellfate.statistics.permutation import permutation_p_values

FEATURES, RESAMPLES = 10, 50_000
STEP = "permutation_test"


def trajectory(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (F, T), some of them larger at high attention, and the mask (T,)."""
    rng = np.random.default_rng(1)
    high = np.arange(frames) >= frames - max(2, round(0.1 * frames))
    return rng.normal(size=(FEATURES, frames)) + 0.15 * np.arange(FEATURES)[:, None] * high, high


def published_p_value(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided, by scipy."""
    found = permutation_test((x, y), lambda x, y: np.mean(x) - np.mean(y), n_resamples=RESAMPLES, rng=np.random.default_rng(2))
    return found.pvalue


def our_p_values(values: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Those of all features (F,) at once."""
    return permutation_p_values(values, high, resamples=RESAMPLES, seed=0)


def same_within_chance(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two Monte-Carlo p-values of 50,000 resamples each differ by at most five standard errors."""
    tail = np.maximum(one, other) / 2
    return bool((np.abs(one - other) <= 5 * 2 * np.sqrt(2 * tail * (1 - tail) / RESAMPLES)).all())


def rows(settings: Settings) -> Iterator[Row]:
    values, high = trajectory(100)
    published, ours, p_values = [], [], []
    for row in values:
        seconds = interleaved(
            [lambda row=row: p_values.append(published_p_value(row[high], row[~high])), lambda: our_p_values(values, high)], 1
        )
        published.append(seconds[0])
        ours.append(seconds[1])
    assert same_within_chance(np.array(p_values), our_p_values(values, high))
    memory = peak_mb(lambda: published_p_value(values[0][high], values[0][~high])), peak_mb(lambda: our_p_values(values, high))
    yield Row(
        STEP, "all ten features", "one trajectory of 100 frames, 50,000 resamples", sum(published), float(np.median(ours)),
        ours_goal=0.06, equal="p-values within five standard errors", published_mb=memory[0], ours_mb=memory[1],
    )  # fmt: skip


def growth(settings: Settings) -> Iterator[Point]:
    for frames in (50, 100, 186):
        values, high = trajectory(frames)
        ways = [lambda: published_p_value(values[0][high], values[0][~high]), lambda: our_p_values(values, high)]  # noqa: B023
        published, ours = interleaved(ways, 1)
        yield Point(STEP, "frames", frames, "published", FEATURES * published)
        yield Point(STEP, "frames", frames, "ours", ours)
    values, high = trajectory(100)
    for cells in (1, 2, 4):
        ways = [
            lambda: [published_p_value(row[high], row[~high]) for row in values[:cells]],  # noqa: B023
            lambda: [our_p_values(values, high) for _ in range(cells)],  # noqa: B023
        ]
        published, ours = interleaved(ways, 1)
        yield Point(STEP, "cells", cells, "published", FEATURES * published)
        yield Point(STEP, "cells", cells, "ours", ours)


def full_run(settings: Settings) -> Iterator[Share]:
    values, high = trajectory(100)
    ways = [lambda: published_p_value(values[0][high], values[0][~high]), lambda: our_p_values(values, high)]
    published, ours = interleaved(ways, 1)
    note = "the held-out trajectories on cisplatin, ten features as measured and, with us, less the shared course: twice; one job"
    yield Share(STEP, "trajectory", HELD_OUT, 2 * ours, FEATURES * published, "one core", note)
