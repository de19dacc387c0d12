"""Medians and means over cells with intervals whose unit is the recording."""

import numpy as np

from cellfate.statistics.intervals import Interval, score_interval
from cellfate.statistics.scores import COUNTS, LOSSES, Score


def median_interval(values: np.ndarray, units: np.ndarray, *, unit: str) -> Interval:
    """The 95 % interval of the median of ``values`` (N,) of cells in ``units`` (N,), without NaN.

    The share of values below the median has an interval by unit (:func:`cellfate.statistics.intervals.score_interval`); the limits are the
    values at these shares (Woodruff 1952, for medians of surveys). None, with the reason, with fewer than three units.
    """
    values = np.asarray(values, float)
    middle = np.median(values) if len(values) else np.nan
    below = (values < middle) + 0.5 * (values == middle)
    if len(values) == 0:
        return Interval(np.nan, np.nan, (0, 0), None, "no value")
    found = score_interval(_of_all(below, COUNTS), np.asarray(units), names=("",), unit=unit)
    if found.reason is not None:
        return found
    low, high = np.quantile(values, [found.low, found.high], method="inverted_cdf")
    return Interval(float(min(low, middle)), float(max(high, middle)), found.units, found.method, None)


def mean_interval(values: np.ndarray, units: np.ndarray, *, unit: str) -> Interval:
    """The 95 % interval of the mean of ``values`` (N,) of cells in ``units`` (N,), without NaN; none with fewer than three units."""
    values = np.asarray(values, float)
    if len(values) == 0:
        return Interval(np.nan, np.nan, (0, 0), None, "no value")
    return score_interval(_of_all(values, LOSSES, difference=True), np.asarray(units), names=("",), unit=unit)


def _of_all(values: np.ndarray, kind: str, *, difference: bool = False) -> Score:
    return Score(values[None], np.ones((1, len(values))), np.ones(1), np.zeros(len(values), int), kind, difference=difference)


def opposite_share(values: np.ndarray) -> float:
    """The share of ``values`` (N,) whose sign is not that of their median; NaN without values or where the median is 0."""
    values = np.asarray(values, float)
    middle = np.median(values) if len(values) else 0.0
    return float((values * np.sign(middle) < 0).mean()) if middle else np.nan
