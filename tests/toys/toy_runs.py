"""Folders of finished runs, made up: what a comparison of runs reads of them."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from toy_design import design_of, split_of

from cellfate.base.files import write_json
from cellfate.base.tables import write_table
from cellfate.evaluation.compared.tables import RUN_PREDICTIONS
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

SETTINGS = {"model": {"width": 8, "layers": [1, 1]}, "seed": 7, "best": {"epoch": 3}, "scaling": {"mode": "corrected", "mean": [1.0]}}


def write_run(
    folder: Path, right: float, *, recordings: int = 12, folds: int = 4, seed: int = 0, trajectories=None, split=None, column="probability"
) -> Path:
    """A run that calls a share ``right`` of the cells rightly in full, fewer without the last frames."""
    trajectories = design_of([0.5] * recordings) if trajectories is None else trajectories
    split = split_of(trajectories, folds) if split is None else split
    write_table(trajectories, folder / "trajectories.parquet", TRAJECTORIES)
    write_table(split, folder / "split.parquet", SPLIT)
    rows = split.merge(trajectories[trajectories["usable"]], on="trajectory")
    for fold, of_fold in rows[rows["split"].isin(["test", "validation"])].groupby("fold"):
        said = predictions_of(of_fold, right, seed + fold)
        said[column] = expit(said["logit"] / 1.3)
        write_table(said, folder / f"fold-{fold}/predictions.parquet", RUN_PREDICTIONS)
        write_json(SETTINGS | {"fold": fold}, folder / f"fold-{fold}/model/settings.json")
    return folder


def predictions_of(rows: pd.DataFrame, right: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    tables = []
    for condition, n in (("full", 0), ("truncation", 0), ("truncation", 5), ("truncation", 10)):
        hits = rng.random(len(rows)) < right - n / 50
        logit = np.where(hits == (rows["label"] == 1), 1, -1) * rng.uniform(0.2, 3, len(rows))
        known = rows[["trajectory", "recording", "fold", "split", "label"]]
        tables.append(known.assign(condition=condition, n=n, logit=logit))
    return pd.concat(tables, ignore_index=True)
