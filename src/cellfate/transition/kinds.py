"""Whether values are counts or logarithms of counts, as far as the values themselves tell."""

import numpy as np
from scipy import sparse

LARGEST_LOG = 20.0  # natural log of 5e8: no logarithm of counts is larger
LARGEST_TOTAL = 1e7  # counts of one cell, more than are sequenced and ten times those normalised to a million
WIDEST_TOTALS = 1e3  # between the 5th and the 95th percentile of the cells' totals
SAME_TOTALS = 1e-3  # relative spread of the totals of cells that were normalised to one, stored in single precision
MOST = 0.9  # share of values that must fit
NEAR = 0.01  # distance to a whole number that is no distance
LARGEST_RATIO = 50.0  # above, single precision and chance are near whole numbers too
ENOUGH = 10  # values or cells that a verdict needs
LOOKED_AT = 500  # cells, evenly spaced, up to twice as many


def are_logarithms(values: np.ndarray) -> bool:
    """Whether values (N, m) from 0 on are log1p of counts, normalised or not.

    exp(x) - 1 then adds up to the same total in all cells, is a whole number, or is within each cell a whole multiple of its smallest
    value, the one count. Fractional counts, as after a correction for ambient RNA, are none of these. False where nothing tells.
    """
    some = _some(values)
    if mostly_whole(some) or some.max(initial=0) > LARGEST_LOG:
        return False
    linear = np.expm1(some)
    totals = linear.sum(axis=1)
    if len(totals) >= ENOUGH and totals.std() < SAME_TOTALS * totals.mean():
        return True
    units = np.min(linear, axis=1, where=linear > 0, initial=np.inf)[:, np.newaxis]
    return _mostly_near_whole(linear) or _mostly_near_whole(linear / units)


def why_no_logarithms(values: np.ndarray) -> str | None:
    """Why values (N, m) from 0 on cannot be log1p of counts, in words; None where they can."""
    some = _some(values)
    if mostly_whole(some):
        whole = "every value is a whole number" if (some == np.round(some)).all() else "most values are whole numbers"
        return f"{whole}, so these are counts, not logarithms"
    totals = np.expm1(np.minimum(some, LARGEST_LOG)).sum(axis=1)
    if totals.max(initial=0) > LARGEST_TOTAL:
        return f"exp(x) - 1 adds up to {totals.max():.2g} in a cell, more than is ever counted, so these are counts, not logarithms"
    low, high = np.percentile(totals, (5, 95))
    if len(totals) >= ENOUGH and high > WIDEST_TOTALS * low and not are_logarithms(values):
        return f"exp(x) - 1 adds up to {low:.2g} in some cells and {high:.2g} in others, so these are counts, not logarithms"
    return None


def mostly_whole(values: np.ndarray) -> bool:
    """Whether more than half of the values above 0 are whole numbers, which logarithms of counts never are; True without any."""
    positive = values[values > 0]
    return not positive.size or float((positive == np.round(positive)).mean()) > 0.5


def _some(values: np.ndarray | sparse.csr_array) -> np.ndarray:
    some = values[:: max(1, values.shape[0] // LOOKED_AT)]
    return some.toarray() if sparse.issparse(some) else some


def _mostly_near_whole(ratios: np.ndarray) -> bool:
    """Whether nearly all values between 1 and LARGEST_RATIO are near whole numbers; those near 1 say nothing."""
    told = ratios[(ratios > 1 + NEAR) & (ratios < LARGEST_RATIO)]
    return told.size >= ENOUGH and float((np.abs(told - np.round(told)) < NEAR).mean()) > MOST
