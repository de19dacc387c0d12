"""Trajectories whose outcome is tied to the recording, the treatment or the length by a known share, and their split."""

import numpy as np
import pandas as pd

from cellfate.base.tables import check_table
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}


def design_of(shares, per_recording=20, treatments=None, lengths=(40, 40), seed=0) -> pd.DataFrame:
    """The trajectories table: ``shares`` are the share of label 1 in each recording, ``lengths`` the mean frames of labels 0 and 1."""
    rng = np.random.default_rng(seed)
    rows = []
    for r, share in enumerate(shares):
        labels = rng.permutation((np.arange(per_recording) < round(share * per_recording)).astype(int))
        for track, label in enumerate(labels):
            n = int(lengths[label] + rng.integers(-8, 9))
            first = int(rng.integers(0, 20))
            treatment = treatments[r] if treatments else "drug"
            rows.append((f"r{r}/{track}", f"r{r}", track, f"r{r}/{track}", treatment, label, first, first + n - 1, n))
    columns = ["trajectory", "recording", "track_id", "lineage", "treatment", "label", "first_frame", "last_frame", "n_frames"]
    table = pd.DataFrame(rows, columns=columns)
    table["outcome"] = np.where(table["label"] == 1, OUTCOMES["positive"], OUTCOMES["negative"])
    table = table.assign(group=None, dose=None, event_frame=table["last_frame"] + 1, frame_interval_min=30.0, usable=True, reason=None)
    return check_table(table, TRAJECTORIES, "toy")


def split_of(trajectories: pd.DataFrame, folds: int) -> pd.DataFrame:
    """Recording r is tested in fold r modulo ``folds`` and validates in the one before."""
    number = trajectories["recording"].str[1:].astype(int) % folds
    tables = []
    for fold in range(folds):
        names = np.select([number == fold, (number - 1) % folds == fold], ["test", "validation"], "train")
        tables.append(pd.DataFrame({"trajectory": trajectories["trajectory"], "fold": fold, "split": names}))
    return check_table(pd.concat(tables, ignore_index=True), SPLIT, "toy")
