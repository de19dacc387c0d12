"""Landmarks: at an hour, of the cells that are still followed and undecided, what is known of those that will divide or die?

No cell is chosen by what it does later, but that an outcome nobody saw cannot be scored. So each cell whose outcome was seen stands for
those like it that were lost before: it weighs one over the probability of not being lost between the landmark and its event (inverse
probability of censoring; Heyard and others 2020, Gerds and Schumacher 2006), by Kaplan and Meier among the tracks of recordings that are
not held out, or among all tracks where a fold holds out cells of the recordings that it trains on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from cellfate.evaluation.scoring import Units
from cellfate.evaluation.time.clocks import Clocks, censoring_survival, landmarks
from cellfate.evaluation.time.tables import LANDMARKS
from cellfate.statistics.reliability import log_odds, weighted_ece
from cellfate.statistics.scores import Score, auroc, balanced_accuracy, brier, log_loss

NETWORK, CLOCK = "network", "clock"
SCORES = (
    "balanced_accuracy",
    "ci_low",
    "ci_high",
    "auroc",
    "log_loss",
    "log_loss_base",
    "brier",
    "brier_base",
    "brier_clock",
    "ece",
    "largest_weight",
)
UNFITTED, ONE_KIND = "not fitted for these frames", "outcomes of both kinds are needed"
UNPREDICTED = "no cell whose outcome was seen has frames enough for a prediction"
LARGEST_WEIGHT = 20.0  # of a cell; larger ones would make one cell the score
BINS = 5  # of the calibration error


@dataclass(frozen=True)
class Evidence:
    """What a fold's held-out cells are judged with.

    ``held_out``: its test trajectories and all tracks of their recordings that are in no part; ``others``: all other tracks; ``losses``:
    the tracks that tell how likely a loss is; ``rate``: the share of label 1 among its usable training trajectories, or a half where
    probabilities are not calibrated.
    """

    held_out: pd.DataFrame
    others: pd.DataFrame
    losses: pd.DataFrame
    rate: float


def landmarks_of_folds(
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    prefixes: pd.DataFrame,
    baselines: pd.DataFrame,
    drug: Mapping[str, float | None],
    *,
    calibrated: bool,
) -> pd.DataFrame:
    """:func:`landmark_rows` of every fold; a track is in one fold alone. Not ``calibrated``, the network's base rate is a half."""
    tables, clocks = [], Clocks.of(trajectories, drug)
    for fold in sorted(split["fold"].unique()):
        evidence = evidence_of(trajectories, split, fold, calibrated=calibrated)
        own = (table[table["fold"] == fold] for table in (prefixes[prefixes["split"].isin(["test", "unlabelled"])], baselines))
        tables.append(landmark_rows(evidence, *own, clocks))
    return pd.concat(tables, ignore_index=True).drop_duplicates(["clock", "hours", "trajectory"])


def evidence_of(trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, *, calibrated: bool) -> Evidence:
    """The tracks of one fold, from the tables trajectories and split.

    Lost tracks are in no part. Where cells of one recording are in several parts, all of its lost tracks stand beside those that are held
    out, and the others would tell of no loss at all: there, all tracks tell how likely one is.
    """
    of_fold = split[split["fold"] == fold].set_index("trajectory")["split"]
    part = trajectories["trajectory"].map(of_fold)
    tested = part == "test"
    beside = ~part.isin(["train", "validation", "test"]) & trajectories["recording"].isin(trajectories.loc[tested, "recording"].unique())
    training = trajectories[(part == "train") & trajectories["usable"]]
    rate = float(training["label"].astype(float).mean()) if calibrated else 0.5
    others = trajectories[~(tested | beside)]
    within = trajectories.loc[part.isin(["train", "validation"]), "recording"].isin(trajectories.loc[tested, "recording"]).any()
    return Evidence(trajectories[tested | beside], others, trajectories if within else others, rate)


def landmark_rows(evidence: Evidence, prefixes: pd.DataFrame, baselines: pd.DataFrame, clocks: Clocks) -> pd.DataFrame:
    """Every held-out track of a fold at every landmark: its label, NaN where nobody saw it, its weight, and what each method says.

    ``prefixes`` and ``baselines`` are the tables of those names of this fold. Columns: clock, hours, trajectory, recording,
    group, label, weight, and for each method ``<method>_odds``, the log-odds of label 1 with the base rate of training, and
    ``<method>_call``; NaN where a cell has too few frames for a prediction. ``base_odds`` are those of the base rate.
    """
    tracks = evidence.held_out
    rows = landmarks(tracks, clocks).merge(tracks[["trajectory", "recording", "group", "label"]], on="trajectory")
    rows = rows.merge(_weights(rows, evidence, clocks), left_index=True, right_index=True)
    seen = _latest(rows, prefixes)
    rows[f"{NETWORK}_odds"] = log_odds(seen["probability"])
    rows[f"{NETWORK}_call"] = np.where(seen["logit"].isna(), np.nan, seen["logit"] > 0)
    rate = float(log_odds(np.array([evidence.rate]))[0])
    rows["base_odds"] = rate
    totals = tracks.set_index("trajectory")["n_frames"]
    dropped = rows["trajectory"].map(totals) - seen["n_frames"]
    for method, own in baselines.groupby("method", sort=False):
        said = own.set_index(["trajectory", "n"])["probability"]
        found = said.reindex(pd.MultiIndex.from_arrays([rows["trajectory"], dropped])).to_numpy(float)
        if np.isnan(found[seen["n_frames"].notna().to_numpy() & rows["label"].notna().to_numpy()]).any():
            continue  # fitted at fixed numbers of dropped frames alone
        rows[f"{method}_odds"] = log_odds(found) + rate
        rows[f"{method}_call"] = np.where(np.isnan(found), np.nan, found > 0.5)
    return rows


def _latest(rows: pd.DataFrame, prefixes: pd.DataFrame) -> pd.DataFrame:
    """The last prefix of each row's trajectory that ends at or before its frame: n_frames, logit, probability; NaN where there is none."""
    left = rows[["trajectory", "at_frame"]].reset_index().sort_values("at_frame", kind="stable")
    right = prefixes[["trajectory", "frame", "n_frames", "logit", "probability"]].sort_values("frame", kind="stable")
    left["at_frame"], right["frame"] = left["at_frame"].astype("int64"), right["frame"].astype("int64")
    found = pd.merge_asof(left, right, left_on="at_frame", right_on="frame", by="trajectory")
    return found.set_index("index").loc[rows.index, ["n_frames", "logit", "probability"]].astype(float)


def _weights(rows: pd.DataFrame, evidence: Evidence, clocks: Clocks) -> pd.DataFrame:
    """weight and clock_odds of each row: one over the probability of not being lost until the event, and what the hour tells."""
    weight, odds = pd.Series(np.nan, rows.index), pd.Series(np.nan, rows.index)
    tracks = evidence.held_out.set_index("trajectory")
    known, losses, mine = (_on_clocks(table, clocks) for table in (evidence.others, evidence.losses, evidence.held_out))
    for (clock, hours), at in rows.groupby(["clock", "hours"]).groups.items():
        ends = mine[clock].set_index("trajectory")["end"].reindex(rows.loc[at, "trajectory"]).to_numpy()
        weight[at] = _inverse(losses[clock], hours, ends)
        odds[at] = _clock_odds(known[clock], losses[clock], hours, evidence.rate)
    unseen = rows["trajectory"].map(tracks["label"]).isna()
    return pd.DataFrame({"weight": weight.mask(unseen), f"{CLOCK}_odds": odds})


def _on_clocks(tracks: pd.DataFrame, clocks: Clocks) -> dict[str, pd.DataFrame]:
    """For each clock the tracks on its hours: trajectory, entry, end (of the last frame), label."""
    interval = tracks["frame_interval_min"] / 60
    found = {}
    for clock, start in clocks.starts(tracks).items():
        table = tracks[["trajectory", "label"]].assign(
            entry=tracks["first_frame"] * interval - start, end=tracks["last_frame"] * interval - start
        )
        found[clock] = table[start.notna()]
    return found


def _inverse(losses: pd.DataFrame, hours: float, ends: np.ndarray) -> np.ndarray:
    """One over P(not lost before ``ends``, given not before ``hours``) among ``losses``, at most LARGEST_WEIGHT; 1 where there are none."""
    kept = censoring_survival(losses["entry"], losses["end"], losses["label"].isna(), ends, hours)
    return 1 / np.maximum(kept, 1 / LARGEST_WEIGHT)


def _clock_odds(others: pd.DataFrame, losses: pd.DataFrame, hours: float, rate: float) -> float:
    """Log-odds of label 1 among ``others`` that are followed at that hour and whose outcome was seen, weighted likewise."""
    now = others[(others["entry"] <= hours) & (others["end"] >= hours) & others["label"].notna()]
    weights = _inverse(losses, hours, now["end"].to_numpy())
    labels = now["label"].to_numpy(float)
    positive, negative = ((weights * (labels == label)).sum() for label in (1, 0))
    return float(np.log((positive + rate) / (negative + 1 - rate)))  # one more cell, of the base rate


def tabulate_landmarks(rows: pd.DataFrame, units: Units) -> pd.DataFrame:
    """The landmarks table from :func:`landmark_rows` of all folds: for each clock, hour and method."""
    methods = [name.removesuffix("_odds") for name in rows.columns if name.endswith("_odds") and name != "base_odds"]
    rows = rows.assign(**{f"{CLOCK}_call": np.where(rows[f"{CLOCK}_odds"].isna(), np.nan, rows[f"{CLOCK}_odds"] > rows["base_odds"])})
    found = []
    for (clock, hours), now in rows.groupby(["clock", "hours"], sort=True):
        scored = now[now["label"].notna() & now[f"{NETWORK}_odds"].notna()]
        counts = {
            "n_at_risk": len(now),
            "n_negative": int((now["label"] == 0).sum()),
            "n_positive": int((now["label"] == 1).sum()),
            "n_censored": int(now["label"].isna().sum()),
            "n_scored": len(scored),
        }
        for method in methods:
            found.append({"clock": clock, "hours": hours, "method": method} | counts | _scores(scored, method, units))
    return pd.DataFrame(found, columns=list(LANDMARKS.columns))


def _scores(rows: pd.DataFrame, method: str, units: Units) -> dict:
    """Weighted scores of one method for cells whose outcome was seen; NaN with the reason where there are none."""
    labels, weights = rows["label"].to_numpy(int), rows["weight"].to_numpy(float)
    odds, calls = rows[f"{method}_odds"].to_numpy(float), rows[f"{method}_call"].to_numpy(float)
    counts = units.counts(rows)
    sizes = {name: counts[name] for name in ("units_negative", "units_positive")}
    if len(np.unique(labels)) < 2 or np.isnan(odds).any():
        reason = UNFITTED if np.isnan(odds).any() else ONE_KIND if len(rows) else UNPREDICTED
        return dict.fromkeys(SCORES, np.nan) | sizes | {"reason": reason}
    accuracy = _weighted(balanced_accuracy(labels, calls.astype(int)), weights)
    interval = units.interval(accuracy, rows)
    base, clock = (rows[f"{name}_odds"].to_numpy(float) for name in ("base", CLOCK))
    return sizes | {
        "balanced_accuracy": accuracy.value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "reason": interval.reason,
        "auroc": auroc(labels, odds, weights).value,
        "log_loss": _weighted(log_loss(labels, odds), weights).value,
        "log_loss_base": _weighted(log_loss(labels, base), weights).value,
        "brier": _weighted(brier(labels, expit(odds)), weights).value,
        "brier_base": _weighted(brier(labels, expit(base)), weights).value,
        "brier_clock": _weighted(brier(labels, expit(clock)), weights).value,
        "ece": weighted_ece(labels, expit(odds), weights, BINS),
        "largest_weight": weights.max(),
    }


def _weighted(score: Score, weights: np.ndarray) -> Score:
    return Score(score.values, score.weights * weights, score.contrast, score.labels, score.kind, score.difference)
