"""Cliff's delta of high against low frames, within one trajectory and of many at once (paper, section 2.3).

Plain arrays in, plain numbers out. ``values`` is (F, T): F features of the T frames of one trajectory, NaN where a frame has
no value; ``high`` is a (T,) mask of the high-attention frames.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

BANDS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"), (np.inf, "large"))
MIN_SIDE = 2  # values on either side of a comparison; with fewer the feature is skipped
BLOCK_VALUES = 2**16  # compared at once: they stay in the processor's cache


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


def effect_band(delta: float) -> str | None:
    """The name of the effect size by |delta|: below 0.147 negligible, 0.33 small, 0.474 medium, else large; None for NaN."""
    if np.isnan(delta):
        return None
    return next(name for limit, name in BANDS if abs(delta) < limit)
