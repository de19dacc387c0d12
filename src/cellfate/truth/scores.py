"""Simulated recordings only: what was read and predicted, against what was planted. Nothing else reads these scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.pooling import correct_trajectories, pooled
from cellfate.explanation.frame_weights import weigh_frames
from cellfate.simulation.files import read_truth
from cellfate.truth.masks import score_recording

ONSET = "onset_"
ANY = "any"


def read_true_cells(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The cells of all truth files, one row per track, with columns recording and trajectory added.

    Columns of the files: track_id, fate, event_frame (-1: none), first_frame, last_frame, and per planted effect
    onset_<effect>, the first frame that shows it (-1: never).
    """
    tables = []
    for path in paths:
        truth = read_truth(path)
        tables.append(truth.cells.assign(recording=truth.attributes["recording"]))
    cells = pd.concat(tables, ignore_index=True)
    return cells.assign(trajectory=cells["recording"] + "/" + cells["track_id"].astype(str))


def score_segmentation(
    masks: Sequence[str | Path], crops: Sequence[str | Path], truth: Sequence[str | Path], *, rule: str, min_area: int
) -> pd.DataFrame:
    """The truth_segmentation table of all recordings, one row per segmented crop; the three lists are in the same order.

    ``rule`` and ``min_area`` choose the region, as for the features.
    """
    rows = [score_recording(*paths, rule=rule, min_area=min_area) for paths in zip(masks, crops, truth, strict=True)]
    return pd.concat([table for table in rows if len(table)] or rows, ignore_index=True)


def score_outcomes(cells: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """How planted fates were read: the truth_outcomes table, counts by true fate and read outcome over all true tracks.

    ``event_frame_difference`` is the mean of |read - true| event frame in frames, null where either is missing. Tracks that
    were not read count under ``missing``.
    """
    merged = cells.merge(outcomes[["recording", "track_id", "outcome", "event_frame"]], on=["recording", "track_id"], how="left")
    read, true = merged["event_frame_y"].astype(float), merged["event_frame_x"].astype(float)
    merged["difference"] = (read - true).abs().where(true >= 0)
    merged["outcome"] = merged["outcome"].fillna("missing")
    grouped = merged.groupby(["fate", "outcome"])["difference"].agg(count="size", event_frame_difference="mean").reset_index()
    return grouped[["fate", "outcome", "count", "event_frame_difference"]]


def score_fates(cells: pd.DataFrame, predictions: pd.DataFrame, trajectories: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """Share of right predictions per true fate and truncation, apart for what was visible: the truth_fates table.

    Test trajectories whose true fate is one of ``outcomes``, without their last ``n`` frames. ``effect`` is a planted effect or
    ``any``; ``visible`` says whether its onset (the earliest onset for ``any``) lies within the frames that are left. Right
    means the true fate. Limits are 95 % Wilson intervals over trajectories.
    """
    rows = _truncated(cells, predictions, trajectories, outcomes)
    onsets = [name for name in cells.columns if name.startswith(ONSET)]
    planted = rows[onsets].where(rows[onsets] >= 0)
    tables = []
    for effect, onset in [(ANY, planted.min(axis=1)), *((name.removeprefix(ONSET), planted[name]) for name in onsets)]:
        known = rows[onset.notna()].assign(effect=effect, visible=(onset <= rows["kept_until"])[onset.notna()])
        tables.append(known.groupby(["effect", "fate", "n", "visible"])["right"].agg(["size", "sum"]).reset_index())
    table = pd.concat(tables, ignore_index=True).rename(columns={"fate": "outcome", "size": "n_trajectories", "sum": "n_correct"})
    low, high = wilson_interval(table["n_correct"].to_numpy(float), table["n_trajectories"].to_numpy(float))
    table = table.assign(fraction_correct=table["n_correct"] / table["n_trajectories"], ci_low=low, ci_high=high)
    columns = ["outcome", "n", "effect", "visible", "n_trajectories", "n_correct", "fraction_correct", "ci_low", "ci_high"]
    return table.astype({"n_correct": "int64"})[columns]


def score_evidence(
    cells: pd.DataFrame,
    attention: pd.DataFrame,
    predictions: pd.DataFrame,
    trajectories: pd.DataFrame,
    outcomes: Mapping[str, str],
    *,
    high_percentile: float,
) -> pd.DataFrame:
    """Do the frames of high attention, or of high occlusion, lie where an effect was visible? The truth_evidence table.

    Correctly classified test trajectories that show a planted effect. ``share_high`` is the mean share of their high frames (at
    or above ``high_percentile`` of the trajectory) from the earliest onset on, ``share_all`` that of all their frames: what
    frames at random would give. One row per outcome and ``by``: attention, and occlusion where it was computed.
    """
    correct = correct_trajectories(predictions, outcomes, splits=("test",), treatment=None)
    onsets = cells[[name for name in cells.columns if name.startswith(ONSET)]]
    earliest = onsets.where(onsets >= 0).min(axis=1).set_axis(cells["trajectory"])
    rows = attention.merge(correct[["trajectory", "fold", "outcome"]], on=["trajectory", "fold"])
    onset = rows["trajectory"].map(earliest)
    rows = rows.assign(visible=rows["frame"] >= onset)[onset.notna()]
    everywhere = rows.groupby(["outcome", "trajectory"])["visible"].mean()
    tables = []
    for by in ["attention"] + ["occlusion"] * bool(rows["occlusion"].notna().any()):
        weighed = weigh_frames(rows, trajectories, by)
        weighed = weighed[weighed["weight"].notna()]
        limit = weighed.groupby("trajectory")["weight"].transform(np.percentile, high_percentile)
        high = weighed[weighed["weight"] >= limit].groupby(["outcome", "trajectory"])["visible"].mean()
        shares = pd.DataFrame({"high": high, "all": everywhere}).dropna().groupby("outcome")
        table = shares.agg(n_trajectories=("all", "size"), share_high=("high", "mean"), share_all=("all", "mean"))
        tables.append(table.reset_index().assign(by=by))
    return pd.concat(tables, ignore_index=True)[["outcome", "by", "n_trajectories", "share_high", "share_all"]]


def _truncated(cells: pd.DataFrame, predictions: pd.DataFrame, trajectories: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """Truncated test predictions with the truth: fate, onsets, the last frame that was kept, and whether it was right."""
    rows = pooled(predictions[predictions["condition"] == "truncation"], splits=("test",), treatment=None)
    rows = rows[["trajectory", "n", "predicted"]].merge(cells.drop(columns=["first_frame", "last_frame"]), on="trajectory", how="left")
    unknown = rows.loc[rows["fate"].isna(), "trajectory"]
    if len(unknown):
        raise InputError(f"truth: trajectory {unknown.iloc[0]} is not among the simulated cells")
    labels = rows["fate"].map({outcomes["negative"]: 0, outcomes["positive"]: 1})
    kept_until = rows["trajectory"].map(trajectories.set_index("trajectory")["last_frame"]) - rows["n"]
    return rows.assign(right=rows["predicted"] == labels, kept_until=kept_until)[labels.notna()]


def wilson_interval(successes: np.ndarray, trials: np.ndarray, z: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    """95 % score interval of a share (Wilson 1927)."""
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
