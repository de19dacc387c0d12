"""Statistics of high- against low-attention frames, within one trajectory and across trajectories (paper, section 2.3).

Plain arrays in, plain numbers out. ``values`` is (F, T): F features of the T frames of one trajectory, NaN where a frame has
no value; ``high`` is a (T,) mask of the high-attention frames.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.stats import false_discovery_control, rankdata

BANDS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"), (np.inf, "large"))
MIN_SIDE = 2  # values on either side of a comparison; with fewer the feature is skipped
MIN_COURSE = 3  # trajectories of an outcome that must have a value at a frame; with fewer the outcome's course has none there
ROUNDING = 1e-9  # of a feature's largest value: residuals that differ by less are ties
BLOCK_VALUES = 2**16  # compared at once: they stay in the processor's cache
MASK_ROWS = 1024  # permutations held in memory at once


def high_attention(weights: np.ndarray, percentile: float) -> np.ndarray:
    """The (T,) mask of the frames whose weight is at or above the ``percentile`` of all T weights of the trajectory."""
    weights = np.asarray(weights, float)
    return weights >= np.percentile(weights, percentile)


def cliffs_delta(x: np.ndarray, y: np.ndarray) -> float:
    """Cliff's delta of two samples, P(x > y) - P(x < y) = 2U / (nm) - 1; a positive value says that ``x`` is larger."""
    x, y = np.asarray(x, float), np.sort(np.asarray(y, float))
    above, upto = y.searchsorted(x, "left").sum(), y.searchsorted(x, "right").sum()
    return float((above + upto) / (len(x) * len(y)) - 1)


def deltas_of_trajectories(values: Sequence[np.ndarray], high: Sequence[np.ndarray], min_side: int = MIN_SIDE) -> np.ndarray:
    """Cliff's delta of high against low frames for every feature of every trajectory, (J, F).

    ``values`` are arrays (F, T), one for each of J trajectories of any lengths, NaN where there is no value; ``high`` are their
    masks (T,). The low values of each row are sorted, and all high values of a block of rows are looked up at once. NaN where a
    side has fewer than ``min_side`` values.
    """
    blocks = []
    rows = max(1, BLOCK_VALUES // max((one.size for one in values), default=1))
    for start in range(0, len(values), rows):
        blocks.append(_deltas_of_block(values[start : start + rows], high[start : start + rows], min_side))
    return np.concatenate(blocks) if blocks else np.empty((0, 0))


def _deltas_of_block(values: Sequence[np.ndarray], masks: Sequence[np.ndarray], min_side: int) -> np.ndarray:
    n_features, n_frames = len(values[0]), max(map(len, masks))
    width = 1 << n_frames.bit_length()  # a power of two above the number of frames: each row ends with NaN
    low, high = np.full((len(values), n_features, width), np.nan), np.zeros((len(values), n_frames), bool)
    for place, (own, mask) in enumerate(zip(values, masks, strict=True)):
        low[place, :, : len(mask)], high[place, : len(mask)] = own, mask
    counts = high.sum(axis=1)
    row, frame = np.nonzero(high)
    wanted = np.full((len(values), n_features, counts.max()), np.nan)
    wanted[row, :, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)] = low[row, :, frame]
    low[:, :, :n_frames] += np.where(high, np.nan, 0.0)[:, None]
    low[:, :, :n_frames].sort(axis=2)
    starts = np.broadcast_to(np.arange(0, low.size, width).reshape(len(values), n_features, 1), wanted.shape)
    below = _places(low, starts, wanted, np.less)
    upto = below.copy()
    tied = low.ravel().take(below) == wanted
    upto[tied] = _places(low, starts[tied], wanted[tied], np.less_equal)
    n_low, n_high = np.isnan(low).argmax(axis=2), (~np.isnan(wanted)).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = (below + upto - 2 * starts).sum(axis=2) / (n_low * n_high) - 1
    return np.where((n_high >= min_side) & (n_low >= min_side), delta, np.nan)


def _places(rows: np.ndarray, starts: np.ndarray, wanted: np.ndarray, before: np.ufunc) -> np.ndarray:
    """Where in the flat sorted ``rows`` the values are that are no longer ``before`` those wanted: bisection, all at once.

    ``starts`` (as ``wanted``) says where each value's row begins. A row's length is a power of two, and it ends with NaN.
    """
    flat, places, step = rows.ravel(), starts.copy(), rows.shape[-1] // 2
    while step:
        places += step * before(flat.take(places + (step - 1)), wanted)
        step //= 2
    return places


def deltas_of_masks(values: np.ndarray, masks: np.ndarray, min_side: int = MIN_SIDE) -> np.ndarray:
    """Cliff's delta of frames inside against outside each mask.

    ``values`` (F, T) and ``masks`` (K, T) give (K, F). Ranks are taken once per feature, so K masks cost one matrix product.
    Frames without a value (NaN) are left out; NaN where a side has fewer than ``min_side`` values.
    """
    values = np.atleast_2d(np.asarray(values, float))
    masks = np.atleast_2d(masks).astype(float)
    known = ~np.isnan(values)
    ranks = np.where(known, rankdata(values, axis=1, nan_policy="omit") if not known.all() else rankdata(values, axis=1), 0.0)
    inside = masks @ known.T.astype(float)
    outside = known.sum(axis=1) - inside
    u = masks @ ranks.T - inside * (inside + 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = 2 * u / (inside * outside) - 1
    return np.where((inside >= min_side) & (outside >= min_side), delta, np.nan)


def deltas_of_shifts(values: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Cliff's delta of every feature at each of the T circular shifts of the mask, (T, F); row 0 is the unshifted mask."""
    high = np.asarray(high, bool)
    shifts = np.arange(len(high))
    return deltas_of_masks(values, high[(shifts[None] - shifts[:, None]) % len(high)])


def additive_course(values: np.ndarray, min_course: int = MIN_COURSE) -> np.ndarray:
    """The course b of the additive model x_jt = a_j + b_t, level of trajectory j plus course, by least squares: (F, T).

    ``values`` (J, F, T), NaN where there is no value, and the course are in the features' units. The normal equations, the
    levels eliminated, are (D - M' N^-1 M) b = M' (x - means of the trajectories): M (J, T) says where there is a value, D and
    N count values per frame and per trajectory (two-way layout without interaction, unequal numbers; Searle, Linear Models,
    1971, chapter 7). A course is known up to a constant and has mean 0 here. NaN where fewer than ``min_course`` trajectories
    have a value, and at frames that no chain of trajectories links to the largest group of linked frames.
    """
    values = np.asarray(values, float)
    course = np.full(values.shape[1:], np.nan)
    known = ~np.isnan(values)
    alike: dict[bytes, list[int]] = {}  # features with values in the same places share the equations
    for feature in range(len(course)):
        alike.setdefault(known[:, feature].tobytes(), []).append(feature)
    for features in alike.values():
        mask = known[:, features[0]]
        if mask.any():
            frames = _linked_frames(mask)
            rows = mask[:, frames].any(axis=1)
            course[np.ix_(features, frames)] = _solved_course(values[np.ix_(rows, features, frames)], mask[np.ix_(rows, frames)])
            course[np.ix_(features, mask.sum(axis=0) < min_course)] = np.nan
    return course


def _linked_frames(mask: np.ndarray) -> np.ndarray:
    """The (T,) mask of the largest group of frames that trajectories link: those with values at both of two frames link them."""
    counts = mask.sum(axis=0)
    links = mask.T.astype(float) @ mask > 0
    groups = connected_components(links, directed=False)[1]
    return (groups == np.bincount(groups, weights=counts).argmax()) & (counts > 0)


def _solved_course(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Course (F, T) with mean 0 of linked frames; the features (J, F, T) have values in the same places, ``mask`` (J, T)."""
    sizes = mask.sum(axis=1)
    means = np.where(mask[:, None], values, 0.0).sum(axis=2) / sizes[:, None]
    rest = np.where(mask[:, None], values - means[:, :, None], 0.0).sum(axis=0)
    normal = np.diag(mask.sum(axis=0)) - mask.T @ (mask / sizes[:, None])
    return np.linalg.solve(normal + 1.0, rest.T).T  # adding 1 fixes the constant: it makes the sum of the course 0


def remove_course(values: np.ndarray, outcomes: np.ndarray, units: np.ndarray, min_course: int = MIN_COURSE) -> np.ndarray:
    """Values less the course that both outcomes share, (J, F, T): what is left is relative to other cells at the same time.

    ``values`` (J, F, T) are aligned at the end: column t is t frames before a trajectory's last frame. ``outcomes`` (J,) are 0
    or 1. The course is the mean of the two outcomes' (:func:`additive_course`), whatever their sizes, without trajectories of
    the same of the ``units`` (J,) as the trajectory at hand. NaN where either outcome's others have no course.
    """
    values, outcomes, units = np.asarray(values, float), np.asarray(outcomes), np.asarray(units)
    residuals = np.full(values.shape, np.nan)
    for unit in np.unique(units):
        own = units == unit
        course = np.mean([additive_course(values[~own & (outcomes == outcome)], min_course) for outcome in (0, 1)], axis=0)
        largest = np.nan_to_num(np.abs(values[own]) + np.abs(course)).max(axis=2, keepdims=True)
        step = ROUNDING * np.where(largest > 0, largest, 1.0)
        residuals[own] = np.round((values[own] - course) / step) * step
    return residuals


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


def median_with_interval(
    values: np.ndarray, groups: np.ndarray | None = None, *, resamples: int, seed: int | list[int]
) -> tuple[float, float, float]:
    """Median and its 95 % percentile bootstrap interval; NaN values are left out.

    With ``groups`` (one label per value, e.g. the recording) whole groups are drawn with replacement. The interval is NaN
    with fewer than two values or groups.
    """
    values = np.asarray(values, float)
    known = ~np.isnan(values)
    if not known.any():
        return (np.nan, np.nan, np.nan)
    order = np.argsort(values[known], kind="stable")
    ordered = values[known][order]
    labels = np.arange(len(ordered)) if groups is None else np.asarray(groups)[known][order]
    codes = np.unique(labels, return_inverse=True)[1]
    if codes.max() == 0:
        return (float(np.median(ordered)), np.nan, np.nan)
    low, high = np.percentile(_bootstrap_medians(ordered, codes, resamples, np.random.default_rng(seed)), [2.5, 97.5])
    return (float(np.median(ordered)), float(low), float(high))


def _bootstrap_medians(ordered: np.ndarray, codes: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Medians of resampled groups: weighted medians of the sorted values, the weight being how often a group was drawn."""
    medians = np.empty(resamples)
    rows = max(1, 2_000_000 // len(ordered))
    for start in range(0, resamples, rows):
        counts = bootstrap_counts(codes.max() + 1, min(rows, resamples - start), rng)
        cumulative = np.cumsum(counts[:, codes], axis=1)
        total = cumulative[:, -1:]
        lower = (cumulative < (total + 1) // 2).sum(axis=1)
        upper = (cumulative < total // 2 + 1).sum(axis=1)
        medians[start : start + rows] = (ordered[lower] + ordered[upper]) / 2
    return medians


def bootstrap_counts(units: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each unit is drawn when ``units`` are drawn with replacement, (resamples, units)."""
    drawn = rng.integers(0, units, size=(resamples, units)) + np.arange(resamples)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=resamples * units).reshape(resamples, units)


def circular_shift_p_value(shifted: list[np.ndarray], *, draws: int, seed: int | list[int]) -> float:
    """Two-sided p-value of a median delta across K trajectories.

    ``shifted[k]`` (T_k,) holds trajectory k's delta at each circular shift of its mask, the observed one first (NaN where a
    shift leaves a side too small). Each of ``draws`` null medians takes one random shift of each trajectory; p as in
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


def effect_band(delta: float) -> str | None:
    """The name of the effect size by |delta|: below 0.147 negligible, 0.33 small, 0.474 medium, else large; None for NaN."""
    if np.isnan(delta):
        return None
    return next(name for limit, name in BANDS if abs(delta) < limit)


def resampling_units(recordings: np.ndarray, lineages: np.ndarray) -> np.ndarray:
    """What a bootstrap draws: recordings, or lineages where all trajectories come from one recording."""
    recordings = np.asarray(recordings)
    return recordings if len(np.unique(recordings)) > 1 else np.asarray(lineages)
