"""Cliff's delta.

Published: a loop in Python over all pairs of a high- and a low-attention value, run twice, for each feature of each trajectory. Ours, all
in one call: the low values are sorted, and the high values of many rows looked up by bisection at once.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.speed.measure import HELD_OUT, Point, Row, Settings, Share, interleaved, peak_mb
from cellfate.statistics.effect_sizes import cliffs_delta, deltas_of_trajectories

FEATURES, HIGH = 10, 0.1  # the fraction of frames with high attention
STEP = "cliffs_delta"


def published_delta(x: np.ndarray, y: np.ndarray) -> float:
    """Over all pairs, P(x > y) - P(x < y)."""
    larger = smaller = 0
    for one in x:
        for other in y:
            if one > other:
                larger += 1
            elif one < other:
                smaller += 1
    return (larger - smaller) / (len(x) * len(y))


def trajectories(count: int, frames: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Features (F, T) and masks (T,); every fourth feature is a whole number, with ties, as areas and neighbours are."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(count, FEATURES, frames))
    values[:, ::4] = np.round(50 * values[:, ::4])
    n_high = max(2, round(HIGH * frames))
    masks = rng.permuted(np.arange(frames) < np.full((count, 1), n_high), axis=1)
    return list(values), list(masks)


def published_deltas(values: list[np.ndarray], masks: list[np.ndarray]) -> np.ndarray:
    """Every feature of every trajectory, twice."""
    for _ in range(2):
        deltas = [[published_delta(row[high], row[~high]) for row in own] for own, high in zip(values, masks, strict=True)]
    return np.array(deltas)


def rows(settings: Settings) -> Iterator[Row]:
    values, masks = trajectories(1000, 100)
    assert np.abs(published_deltas(values, masks) - deltas_of_trajectories(values, masks)).max() < 1e-12
    published, ours = interleaved(
        [lambda: published_deltas(values, masks), lambda: [deltas_of_trajectories(values, masks) for _ in range(10)]], settings.repeats
    )
    memory = [peak_mb(lambda way=way: way(values, masks)) for way in (published_deltas, deltas_of_trajectories)]
    equal = "equal to 1e-12"
    yield Row(
        STEP, "one call for all", "1,000 trajectories of 100 frames, 10 features", published, ours / 10,
        ratio_goal=100, equal=equal, published_mb=memory[0], ours_mb=memory[1],
    )  # fmt: skip
    x, y = values[0][1][masks[0]], values[0][1][~masks[0]]
    published, ours = interleaved(
        [lambda: [published_delta(x, y) for _ in range(200)], lambda: [cliffs_delta(x, y) for _ in range(100)]], settings.repeats
    )
    yield Row(
        STEP, "one call for one", "one feature of one trajectory, 10 high and 90 low frames", published / 100, ours / 100, equal=equal
    )


def growth(settings: Settings) -> Iterator[Point]:
    for frames in (25, 50, 100, 186):
        values, masks = trajectories(100, frames)
        for way, seconds in both(values, masks, settings):
            yield Point(STEP, "frames", frames, way, seconds)
    for cells in (100, 300, 1000):
        values, masks = trajectories(cells, 100)
        for way, seconds in both(values, masks, settings):
            yield Point(STEP, "cells", cells, way, seconds)


def both(values: list[np.ndarray], masks: list[np.ndarray], settings: Settings) -> Iterator[tuple[str, float]]:
    """Seconds of both ways."""
    ways = [lambda: published_deltas(values, masks), lambda: deltas_of_trajectories(values, masks)]
    yield from zip(("published", "ours"), interleaved(ways, settings.repeats), strict=True)


def full_run(settings: Settings) -> Iterator[Share]:
    (_, published), (_, ours) = both(*trajectories(HELD_OUT, 100), settings)
    note = "the held-out trajectories on cisplatin, ten features; one job"
    yield Share(STEP, "trajectory", HELD_OUT, ours / HELD_OUT, published / HELD_OUT, "one core", note)
