"""Balanced accuracy, and the difference of two predictors on the same trajectories, with their intervals.

The one place where tables of the design and of the baselines get an interval from, so that how it is made is chosen once.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.statistics.bootstrap import bootstrap_counts, resampling_units


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: number of resamples of whole units, and the seed."""

    bootstrap: int
    seed: int


@dataclass(frozen=True)
class Score:
    """A value with its 95 % interval; NaN limits where there is none."""

    value: float
    low: float
    high: float


def with_units(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` (recording, lineage) with the column ``unit``: what is resampled."""
    return rows.assign(unit=resampling_units(rows["recording"].to_numpy(), rows["lineage"].to_numpy()))


def units_of(rows: pd.DataFrame) -> dict[str, int]:
    """How many units there are, and in how many of them each label is: units, units_negative, units_positive."""
    of_label = [rows.loc[rows["label"] == label, "unit"].nunique() for label in (0, 1)]
    return {"units": rows["unit"].nunique(), "units_negative": of_label[0], "units_positive": of_label[1]}


def balanced_accuracy(rows: pd.DataFrame, resampling: Resampling) -> Score:
    """Balanced accuracy of ``rows`` (unit, label, predicted); NaN without both labels.

    Where all are predicted alike it is 0.5 whatever the data, and has no interval.
    """
    value, draws = balanced_accuracy_draws(rows, resampling.bootstrap, resampling.seed)
    if _same_call(rows):
        return Score(value, np.nan, np.nan)
    return Score(value, *_interval_over_units(rows, draws))


def difference(rows: pd.DataFrame, other: pd.DataFrame, resampling: Resampling) -> Score:
    """Balanced accuracy of ``rows`` less that of ``other``, over the same draws of units.

    Both are tables (unit, label, predicted) of the same trajectories in the same order. Where they predict the same throughout it is 0
    whatever the data, and has no interval.
    """
    (value, draws), (second, others) = (balanced_accuracy_draws(one, resampling.bootstrap, resampling.seed) for one in (rows, other))
    if (rows["predicted"].to_numpy() == other["predicted"].to_numpy()).all():
        return Score(value - second, np.nan, np.nan)
    return Score(value - second, *_interval_over_units(rows, draws - others))


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


def _interval_over_units(rows: pd.DataFrame, draws: np.ndarray) -> tuple[float, float]:
    return interval(draws) if rows["unit"].nunique() > 1 else (np.nan, np.nan)


def _same_call(rows: pd.DataFrame) -> bool:
    return rows["predicted"].nunique() < 2
