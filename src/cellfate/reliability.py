"""How well probabilities agree with observed frequencies, before and after calibration."""

import numpy as np
import pandas as pd

from cellfate.calibration import log_loss
from cellfate.evaluation import pooled


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


def tabulate_calibration(predictions: pd.DataFrame, *, bins: int, calibration: bool) -> pd.DataFrame:
    """The calibration table of the test trajectories, at every condition and n that was predicted.

    Stage ``raw`` and, where ``calibration`` says that there was one, ``calibrated``. The scores stand on each row of a stage.
    """
    rows = pooled(predictions, splits=("test",), treatment=None)
    columns = {"raw": "probability"} | ({"calibrated": "probability_calibrated"} if calibration else {})
    tables = []
    for (condition, n), chosen in rows.groupby(["condition", "n"]):
        for stage, column in columns.items():
            table, scores = reliability(chosen["label"].to_numpy(), chosen[column].to_numpy(), bins)
            tables.append(table.assign(condition=condition, n=n, stage=stage, **scores))
    order = ["condition", "n", "stage", "bin_low", "bin_high", "mean_probability", "observed", "count", "ece", "brier", "log_loss"]
    return pd.concat(tables, ignore_index=True)[order] if tables else pd.DataFrame(columns=order)
