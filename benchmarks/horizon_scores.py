"""Scores of predictions against the hours before the event, and how sure the model is about tracks that had none."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.special import expit

from cellfate.base.tables import read_table
from cellfate.prediction.tables import FATE_PREDICTIONS
from cellfate.statistics.bootstrap import bootstrap_counts
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.reliability import reliability
from cellfate.statistics.scores import auroc, balanced_accuracy
from cellfate.tracks.tables import CENSORED, NO_EVENT, OUTCOMES

CONFIG = yaml.safe_load((Path(__file__).resolve().parent.parent / "config.yaml").read_text())
BINS = CONFIG["evaluation"]["calibration_bins"]
HOURS = (0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 12.5, 15, 17.5, 20, 25)  # before the event; 0.5 is the last frame before it
FIXED_HOURS = 20  # the fixed cohort has a value at each point up to here
RESAMPLES = 2000
SURE = 0.9


def gather(folder: Path, outcomes: Mapping[str, str], frame_interval_min: float) -> pd.DataFrame:
    """Predictions of all recordings with how the tracks ended: outcome, label (NaN: neither), hours_before_event.

    ``probability`` is the predicted one, ``raw`` the one without calibration. Rows from the event on are left out.
    """
    tables = []
    for path in sorted((folder / "predictions").glob("*.parquet")):
        ends = read_table(folder / "tracks" / f"{path.stem}.outcomes.parquet", OUTCOMES)
        ends = ends[["recording", "track_id", "outcome", "event_frame", "lineage"]]
        tables.append(read_table(path, FATE_PREDICTIONS).merge(ends, on=["recording", "track_id"], how="left"))
    rows = pd.concat(tables, ignore_index=True)
    before = (rows["event_frame"].astype(float) - rows["frame"]) * frame_interval_min / 60
    labels = rows["outcome"].map({outcomes["negative"]: 0, outcomes["positive"]: 1})
    rows = rows.assign(hours_before_event=before, label=labels, raw=expit(rows["logit"]))
    rows["probability"] = rows[f"probability_{outcomes['positive']}"]
    return rows[rows["hours_before_event"].isna() | (rows["hours_before_event"] > 0)].reset_index(drop=True)


def horizon_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Per hours before the event, for all tracks with a value there and for the fixed cohort: scores with intervals by recording."""
    fated = rows[rows["label"].notna() & rows["hours_before_event"].isin(HOURS)].astype({"label": int})
    within = fated[fated["hours_before_event"] <= FIXED_HOURS].groupby(["recording", "track_id"])["hours_before_event"].nunique()
    complete = within.index[within == sum(hours <= FIXED_HOURS for hours in HOURS)]
    fixed = fated.set_index(["recording", "track_id"]).index.isin(complete)
    found = []
    for cohort, members in (("all", fated), ("fixed", fated[fixed & (fated["hours_before_event"] <= FIXED_HOURS)])):
        for hours, one in members.groupby("hours_before_event"):
            found.append({"cohort": cohort, "hours": hours, **_scores(one)})
    return pd.DataFrame(found)


def _scores(one: pd.DataFrame) -> dict[str, float]:
    labels, logits, units = one["label"].to_numpy(), one["logit"].to_numpy(float), one["recording"].to_numpy()
    counts = {"n_tracks": len(one), "n_negative": int((labels == 0).sum()), "n_positive": int((labels == 1).sum())}
    found = counts | {"n_recordings": one["recording"].nunique(), "frames_seen": one["n_frames_seen"].median()}
    names = tuple(CONFIG["outcomes"].values())
    for name, score in (("balanced_accuracy", balanced_accuracy(labels, logits > 0)), ("auroc", auroc(labels, logits))):
        interval = score_interval(score, units, names=names, unit="recording")
        found |= {name: score.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    at_half = (one["probability"] > 0.5).to_numpy(int)
    found["balanced_accuracy_at_half"] = balanced_accuracy(labels, at_half).value
    drawn = _resampled(units)
    for name, column in (("", "probability"), ("raw_", "raw")):
        probabilities = one[column].to_numpy(float)
        for score in ("brier", "ece"):
            draws = [reliability(labels[rows], probabilities[rows], BINS)[1][score] for rows in drawn]
            low_high = np.percentile(draws, [2.5, 97.5])
            found[f"{name}{score}"] = reliability(labels, probabilities, BINS)[1][score]
            found |= {f"{name}{score}_low": low_high[0], f"{name}{score}_high": low_high[1]}
    base = labels.mean()
    sure = np.maximum(one["probability"], 1 - one["probability"]) > SURE
    right = (one["probability"] > 0.5).to_numpy() == (labels == 1)
    return found | {"base_brier": base * (1 - base), "sure": sure.mean(), "right_when_sure": right[sure].mean() if sure.any() else np.nan}


def _resampled(units: np.ndarray, resamples: int = 500) -> list[np.ndarray]:
    """Row numbers of ``resamples`` draws of whole recordings."""
    names, codes = np.unique(units, return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(len(names))]
    counts = bootstrap_counts(len(names), resamples, np.random.default_rng(0))
    return [np.concatenate([np.tile(members[unit], count) for unit, count in enumerate(row) if count]) for row in counts]


def last_values(rows: pd.DataFrame) -> pd.DataFrame:
    """The last row of each track."""
    return rows.sort_values("frame").groupby(["recording", "track_id"]).tail(1)


def censored_table(rows: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """By how the track ended: number of tracks, quartiles of the last probability, share of tracks that the model is sure about."""
    last = last_values(rows)
    found = []
    for outcome in (outcomes["negative"], outcomes["positive"], CENSORED, NO_EVENT):
        one = last.loc[last["outcome"] == outcome, "probability"]
        quartiles = dict(zip(("q25", "median", "q75"), np.percentile(one, [25, 50, 75]), strict=True)) if len(one) else {}
        sure = {"sure_negative": (one < 1 - SURE).mean(), "sure_positive": (one > SURE).mean()}
        found.append({"outcome": outcome, "n_tracks": len(one), **quartiles, **sure})
    return pd.DataFrame(found)
