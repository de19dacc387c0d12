"""Bootstrap draws of balanced accuracy over whole recordings, for means over seeds, which are not one set of cells.

A run itself has its intervals from cellfate.statistics.intervals.
"""

import numpy as np
import pandas as pd

from cellfate.statistics.bootstrap import bootstrap_counts


def balanced_accuracy_draws(rows: pd.DataFrame, resamples: int, seed: int) -> tuple[float, np.ndarray]:
    """Balanced accuracy of ``rows`` (unit, label, predicted) and of ``resamples`` bootstraps of whole units.

    With the same units and seed, two methods get the same draws, so that their difference can be taken draw by draw.
    A draw without one of the outcomes is NaN, and so is everything where there are no rows.
    """
    if rows.empty:
        return np.nan, np.full(resamples, np.nan)
    units, codes = np.unique(rows["unit"].to_numpy(), return_inverse=True)
    counts = np.zeros((len(units), 4))
    np.add.at(counts, (codes, 2 * rows["label"].to_numpy(int) + rows["predicted"].to_numpy(int)), 1)
    weights = bootstrap_counts(len(units), resamples, np.random.default_rng(seed))
    sums = np.vstack([np.ones((1, len(units))), weights]) @ counts
    with np.errstate(invalid="ignore"):
        values = (sums[:, 0] / sums[:, :2].sum(axis=1) + sums[:, 3] / sums[:, 2:].sum(axis=1)) / 2
    return float(values[0]), values[1:]


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of draws, NaN left out; NaN where nothing is left."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
