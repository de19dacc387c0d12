"""The table of calibration: probabilities against observed frequencies at each truncation."""

import pandas as pd

from cellfate.evaluation.pooling import pooled
from cellfate.statistics.reliability import reliability


def tabulate_calibration(predictions: pd.DataFrame, *, bins: int, calibration: bool) -> pd.DataFrame:
    """The calibration table of the test trajectories, at every condition and n that was predicted.

    Stage ``raw`` and, where ``calibration`` says that there was one, ``calibrated``. The scores stand on each row of a stage.
    """
    rows = pooled(predictions, splits=("test",), treatment=None)
    columns = {"raw": "probability_raw"} | ({"calibrated": "probability"} if calibration else {})
    tables = []
    for (condition, n), chosen in rows.groupby(["condition", "n"]):
        for stage, column in columns.items():
            table, scores = reliability(chosen["label"].to_numpy(), chosen[column].to_numpy(), bins)
            tables.append(table.assign(condition=condition, n=n, stage=stage, **scores))
    order = ["condition", "n", "stage", "bin_low", "bin_high", "mean_probability", "observed", "count", "ece", "brier", "log_loss"]
    return pd.concat(tables, ignore_index=True)[order] if tables else pd.DataFrame(columns=order)
