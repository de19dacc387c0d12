"""Tests by permutation and circular shift, and their correction for many tests."""

from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from scipy.stats import false_discovery_control

from cellfate.statistics.effect_sizes import MIN_SIDE

MASK_ROWS = 1024  # permutations held in memory at once


def permutation_p_values(values: np.ndarray, high: np.ndarray, *, resamples: int, seed: int | list[int]) -> np.ndarray:
    """Two-sided permutation test of the difference of means, one p-value per feature, (F,).

    p = min(1, 2 min((1 + #>=) / (N + 1), (1 + #<=) / (N + 1))) over N random exchanges of high and low frames. Where there
    are no more than N different exchanges all of them are used and nothing is added: both as `scipy.stats.permutation_test`
    and the published p-values. The same exchanges serve all features with values in the same frames. NaN where a side has
    fewer than two values.
    """
    values = np.atleast_2d(np.asarray(values, float))
    high = np.asarray(high, bool)
    p_values = np.full(len(values), np.nan)
    patterns, which = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for index, known in enumerate(patterns):
        inside = high[known]
        if min(inside.sum(), (~inside).sum()) >= MIN_SIDE:
            rows = which.ravel() == index
            p_values[rows] = _p_values(values[rows][:, known], inside, resamples, np.random.default_rng(seed))
    return p_values


def _p_values(values: np.ndarray, inside: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """p-values of complete features (F, T). The sum over the smaller side orders exchanges as the difference of means does."""
    smaller = inside if 2 * inside.sum() <= len(inside) else ~inside
    m = int(smaller.sum())
    centred = values - values.mean(axis=1, keepdims=True)
    observed = centred[:, smaller].sum(axis=1)
    tie = 1e-12 * len(inside) * np.abs(centred).max(axis=1)  # sums that differ by rounding alone are equal
    exact = comb(len(inside), m) <= resamples
    chunks = [_all_masks(len(inside), m)] if exact else _random_masks(len(inside), m, resamples, rng)
    above = below = 0
    columns = np.ascontiguousarray(centred.T)
    for masks in chunks:
        sums = masks @ columns
        above = above + (sums >= observed - tie).sum(axis=0)
        below = below + (sums <= observed + tie).sum(axis=0)
    total = comb(len(inside), m) if exact else resamples + 1
    return np.minimum(1.0, 2 * (np.minimum(above, below) + (not exact)) / total)


@lru_cache(maxsize=4)
def _all_masks(n: int, m: int) -> np.ndarray:
    """Every way to choose m of n frames, (comb(n, m), n)."""
    chosen = np.array(list(combinations(range(n), m)))
    masks = np.zeros((len(chosen), n))
    np.put_along_axis(masks, chosen, 1.0, axis=1)
    return masks


def _random_masks(n: int, m: int, count: int, rng: np.random.Generator):
    """Yield ``count`` uniform choices of m of n frames as (rows, n) masks, by Floyd's sampling, a chunk of rows at a time."""
    for start in range(0, count, MASK_ROWS):
        rows = min(MASK_ROWS, count - start)
        masks = np.zeros(rows * n)
        base = np.arange(rows) * n
        for last in range(n - m, n):
            drawn = base + rng.integers(0, last + 1, size=rows, dtype=np.int32)
            masks[np.where(masks[drawn] > 0, base + last, drawn)] = 1.0
        yield masks.reshape(rows, n)


def circular_shift_p_value(shifted: list[np.ndarray], *, draws: int, seed: int | list[int]) -> float:
    """Two-sided p-value of a median delta across K trajectories.

    ``shifted[k]`` (T_k,) holds trajectory k's delta at each circular shift of its mask (or each exchange of its blocks), the observed
    one first (NaN where a shift leaves a side too small). Each of ``draws`` null medians takes one random shift of each trajectory; p as in
    :func:`permutation_p_values`. The shift keeps the autocorrelation of both attention and feature, which free permutation
    of frames destroys. NaN without trajectories.
    """
    usable = [deltas for deltas in shifted if not np.isnan(deltas[0])]
    if not usable:
        return np.nan
    observed = np.median([deltas[0] for deltas in usable])
    valid = [deltas[~np.isnan(deltas)] for deltas in usable]
    sizes = np.array([len(deltas) for deltas in valid])
    starts = np.cumsum(sizes) - sizes
    pool = np.concatenate(valid)
    rng = np.random.default_rng(seed)
    above = below = 0
    rows = max(1, 2_000_000 // len(sizes))
    for start in range(0, draws, rows):
        picked = starts + (rng.random((min(rows, draws - start), len(sizes))) * sizes).astype(np.int64)
        medians = np.median(pool[picked], axis=1)
        above += int((medians >= observed - 1e-12).sum())
        below += int((medians <= observed + 1e-12).sum())
    return min(1.0, 2 * (1 + min(above, below)) / (draws + 1))


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """False-discovery adjusted p-values; NaN entries stay NaN and do not count."""
    p_values = np.asarray(p_values, float)
    adjusted = np.full_like(p_values, np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        adjusted[known] = false_discovery_control(p_values[known], method="bh")
    return adjusted
