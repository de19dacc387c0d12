"""How well probabilities agree with observed frequencies."""

import numpy as np
import pandas as pd

SMALLEST = 1e-12  # probabilities are kept this far from 0 and 1 in the log-loss


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> tuple[pd.DataFrame, dict[str, float]]:
    """Equal-width bins (bin_low, bin_high, mean_probability, observed, count) and the scores ece, brier and log_loss.

    The expected calibration error is the mean of |observed - mean probability| over bins, weighted by their counts.
    """
    labels, probabilities = np.asarray(labels, float), np.asarray(probabilities, float)
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    filled = np.where(count > 0, count, np.nan)
    mean, observed = (np.bincount(which, values, minlength=bins) / filled for values in (probabilities, labels))
    edges = np.linspace(0, 1, bins + 1)
    table = pd.DataFrame({"bin_low": edges[:-1], "bin_high": edges[1:], "mean_probability": mean, "observed": observed, "count": count})
    if len(labels) == 0:
        return table, {"ece": np.nan, "brier": np.nan, "log_loss": np.nan}
    ece = float(np.nansum(np.abs(observed - mean) * count) / len(labels))
    return table, {"ece": ece, "brier": float(((probabilities - labels) ** 2).mean()), "log_loss": log_loss(labels, probabilities)}


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-likelihood; NaN for nothing."""
    if len(labels) == 0:
        return np.nan
    own = np.where(np.asarray(labels) == 1, probabilities, 1 - np.asarray(probabilities))
    return float(-np.log(np.clip(own, SMALLEST, 1)).mean())


def weighted_ece(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, bins: int) -> float:
    """The expected calibration error of :func:`reliability` where the cells (N,) count by ``weights``; NaN for no cell."""
    labels, probabilities, weights = (np.asarray(values, float) for values in (labels, probabilities, weights))
    if weights.sum() == 0:
        return np.nan
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.bincount(which, weights * (labels - probabilities), minlength=bins)
    return float(np.abs(gaps).sum() / weights.sum())


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, which are kept from 0 and 1."""
    inside = np.clip(np.asarray(probabilities, float), SMALLEST, 1 - SMALLEST)
    return np.log(inside) - np.log1p(-inside)
