"""The trajectories of one fold."""

import pandas as pd

from cellfate.base.errors import InputError


def fold_trajectories(trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, splits: list[str]) -> pd.DataFrame:
    """The trajectories table of the given parts of a fold with the column ``split``, ordered by recording and track.

    Of the labelled parts only usable trajectories are kept (those longer than the configured minimum).
    """
    of_fold = split[split["fold"] == int(fold)]
    if of_fold.empty:
        raise InputError(f"fold {fold} is not in the split table, which has {', '.join(map(str, sorted(split['fold'].unique())))}")
    wanted = of_fold.loc[of_fold["split"].isin(splits), ["trajectory", "split"]]
    rows = trajectories.merge(wanted, on="trajectory", how="inner", validate="one_to_one")
    rows = rows[rows["usable"] | (rows["split"] == "unlabelled")]
    return rows.sort_values(["recording", "track_id"]).reset_index(drop=True)
