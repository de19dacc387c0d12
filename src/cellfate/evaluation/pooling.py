"""Which predictions an evaluation uses: held out, of the treatment, one for each trajectory."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.model.calibration import called_positive

PREFERENCE = ("test", "validation", "train", "unlabelled")  # where a trajectory was predicted in several folds


def pooled(predictions: pd.DataFrame, *, splits: Sequence[str], treatment: str | None) -> pd.DataFrame:
    """Predictions of the labelled trajectories of ``splits`` over all folds, each trajectory from one fold only.

    Where several folds predicted it, the one that held it out counts. ``treatment`` keeps recordings of that treatment.
    Adds ``predicted`` (0 or 1) and ``correct``.
    """
    rows = predictions[predictions["split"].isin(splits) & predictions["label"].notna()]
    if treatment is not None:
        rows = rows[rows["treatment"] == treatment]
    order = rows["split"].map(PREFERENCE.index)
    rows = rows.assign(order=order).sort_values(["order", "fold"], kind="stable")
    rows = rows.drop_duplicates(["trajectory", "condition", "n"]).drop(columns="order").sort_index()
    label = rows["label"].astype(int)
    predicted = called_positive(rows["logit"]).astype(int)
    return rows.assign(label=label, predicted=predicted, correct=predicted == label)


def correct_trajectories(
    predictions: pd.DataFrame, outcomes: Mapping[str, str], *, splits: Sequence[str], treatment: str | None
) -> pd.DataFrame:
    """Trajectories whose full length is classified correctly: trajectory, recording, fold, split, outcome, probability of it."""
    rows = pooled(predictions[predictions["condition"] == "full"], splits=splits, treatment=treatment)
    rows = rows[rows["correct"]]
    names = rows["label"].map({0: outcomes["negative"], 1: outcomes["positive"]})
    own = np.where(rows["label"] == 1, rows["probability"], 1 - rows["probability"])
    found = rows[["trajectory", "recording", "treatment", "fold", "split"]].assign(outcome=names, own_probability=own)
    return found.reset_index(drop=True)
