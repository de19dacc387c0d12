"""Bootstrap intervals over whole units, such as recordings."""

import numpy as np


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


def resampling_units(recordings: np.ndarray, lineages: np.ndarray) -> np.ndarray:
    """What a bootstrap draws: recordings, or lineages where all trajectories come from one recording."""
    recordings = np.asarray(recordings)
    return recordings if len(np.unique(recordings)) > 1 else np.asarray(lineages)
