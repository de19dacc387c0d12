"""The table of calibration: probabilities against observed frequencies at each truncation, and against knowing the base rate alone."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cellfate.evaluation.pooling import pooled
from cellfate.statistics.reliability import reliability


def training_shares(trajectories: pd.DataFrame, split: pd.DataFrame) -> dict[int, float]:
    """{fold: share of label 1 among its training trajectories}: what somebody says who knows the base rate and nothing else."""
    training = split[split["split"] == "train"].merge(trajectories[["trajectory", "label"]], on="trajectory")
    return {int(fold): float(labels.astype(float).mean()) for fold, labels in training.groupby("fold")["label"]}


def tabulate_calibration(predictions: pd.DataFrame, shares: Mapping[int, float], *, bins: int, calibration: bool) -> pd.DataFrame:
    """The calibration table of the test trajectories, at every condition and n that was predicted.

    Stage ``raw`` and, where ``calibration`` says that there was one, ``calibrated``. The scores stand on each row of a stage. The base
    rate is that of ``shares``, of the fold that a trajectory was held out in; the skill is what of its Brier score is gone, 1 - brier /
    brier_base, below 0 where probabilities are worse than it.
    """
    rows = pooled(predictions, splits=("test",), treatment=None)
    columns = {"raw": "probability_raw"} | ({"calibrated": "probability"} if calibration else {})
    tables = []
    for (condition, n), chosen in rows.groupby(["condition", "n"]):
        labels = chosen["label"].to_numpy()
        base = float(((chosen["fold"].map(shares).to_numpy(float) - labels) ** 2).mean())
        for stage, column in columns.items():
            table, scores = reliability(labels, chosen[column].to_numpy(), bins)
            skill = 1 - scores["brier"] / base if base > 0 else np.nan
            tables.append(table.assign(condition=condition, n=n, stage=stage, **scores, brier_base=base, brier_skill=skill))
    order = ["condition", "n", "stage", "bin_low", "bin_high", "mean_probability", "observed", "count"]
    order += ["ece", "brier", "log_loss", "brier_base", "brier_skill"]
    return pd.concat(tables, ignore_index=True)[order] if tables else pd.DataFrame(columns=order)
