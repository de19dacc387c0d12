"""A null for frames of one trajectory that keeps neighbours together: blocks of frames change places."""

from collections.abc import Sequence

import numpy as np

from cellfate.statistics.effect_sizes import deltas_of_masks

FEWEST_BLOCKS = 4  # in a trajectory: with fewer hardly anything changes places
SHORTEST = 2  # frames


def block_length(values: Sequence[np.ndarray]) -> int:
    """The frames after which the slowest of the features has lost all but 1/e of its autocorrelation, from trajectories (F, T).

    Autocorrelations are those of the pooled trajectories, each around its own mean; NaN are left out. 1/(T - 1) is added for the
    mean that each short trajectory is taken around, which pulls autocorrelations down. At least SHORTEST.
    """
    longest = max((one.shape[1] for one in values), default=0)
    centred = [one - _means(one) for one in values]
    for lag in range(1, longest):
        found = [_products(one, lag) for one in centred if one.shape[1] > lag]
        crossed, squares = np.sum(found, axis=0)
        size = np.mean([one.shape[1] for one in values])
        correlation = np.divide(crossed, squares, out=np.zeros(len(squares)), where=squares > 0) + 1 / max(size - 1, 1)
        if correlation.max(initial=0.0) < np.exp(-1):
            return max(lag, SHORTEST)
    return max(longest, SHORTEST)


def _means(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    counts = known.sum(axis=1, keepdims=True)
    return np.where(known, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(counts, 1)


def _products(centred: np.ndarray, lag: int) -> np.ndarray:
    """Sums of products at the lag and of squares of the same frames, (2, F)."""
    first, second = centred[:, :-lag], centred[:, lag:]
    both = ~np.isnan(first) & ~np.isnan(second)
    first, second = np.where(both, first, 0.0), np.where(both, second, 0.0)
    return np.stack([(first * second).sum(axis=1), (first**2 + second**2).sum(axis=1) / 2])


def deltas_of_blocks(values: np.ndarray, high: np.ndarray, length: int, *, draws: int, seed: int | list[int]) -> np.ndarray:
    """Cliff's delta of every feature (F, T) for the mask (T,), and for ``draws`` masks whose blocks changed places, (1 + draws, F).

    Blocks have about ``length`` frames, fewer where a trajectory would have less than FEWEST_BLOCKS; where the first begins is drawn each
    time, so the last one and the first may be parts of one.
    """
    high = np.asarray(high, bool)
    n = len(high)
    count = min(max(FEWEST_BLOCKS, round(n / length)), n)
    block = np.arange(n) * count // n  # of each frame
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((draws, count))[:, block], axis=1, kind="stable")
    masks = high[(order + rng.integers(n, size=(draws, 1))) % n]
    return deltas_of_masks(values, np.concatenate([high[None], masks]))
