"""Landmarks: at an hour, of the cells that are still followed and undecided, what is known of those that will divide or die?

No cell is chosen by what it does later, but that an outcome nobody saw cannot be scored. So each cell whose outcome was seen stands for
those like it that were lost before: it weighs one over the probability of not being lost between the landmark and its event (inverse
probability of censoring; Heyard and others 2020, Gerds and Schumacher 2006), by Kaplan and Meier among the tracks that are not held out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import LANDMARKS
from cellfate.evaluation.time.clocks import censoring_survival, landmarks, start_hours
from cellfate.statistics.reliability import log_odds, weighted_ece
from cellfate.statistics.scores import Score, balanced_accuracy, log_loss

NETWORK, CLOCK = "network", "clock"
LARGEST_WEIGHT = 20.0  # of a cell; larger ones would make one cell the score
BINS = 5  # of the calibration error


@dataclass(frozen=True)
class Evidence:
    """What a fold's held-out cells are judged with.

    ``held_out``: its test trajectories and all tracks of their recordings that are in no part; ``others``: all other tracks; ``rate``: the
    share of label 1 among its usable training trajectories, or a half where probabilities are not calibrated.
    """

    held_out: pd.DataFrame
    others: pd.DataFrame
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
    tables = []
    for fold in sorted(split["fold"].unique()):
        evidence = evidence_of(trajectories, split, fold, calibrated=calibrated)
        own = (table[table["fold"] == fold] for table in (prefixes[prefixes["split"].isin(["test", "unlabelled"])], baselines))
        tables.append(landmark_rows(evidence, *own, drug))
    return pd.concat(tables, ignore_index=True).drop_duplicates(["clock", "hours", "trajectory"])


def evidence_of(trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, *, calibrated: bool) -> Evidence:
    """The tracks of one fold, from the tables trajectories and split."""
    of_fold = split[split["fold"] == fold].set_index("trajectory")["split"]
    part = trajectories["trajectory"].map(of_fold)
    tested = part == "test"
    beside = ~part.isin(["train", "validation", "test"]) & trajectories["recording"].isin(trajectories.loc[tested, "recording"].unique())
    training = trajectories[(part == "train") & trajectories["usable"]]
    rate = float(training["label"].astype(float).mean()) if calibrated else 0.5
    return Evidence(trajectories[tested | beside], trajectories[~(tested | beside)], rate)


def landmark_rows(evidence: Evidence, prefixes: pd.DataFrame, baselines: pd.DataFrame, drug: Mapping[str, float | None]) -> pd.DataFrame:
    """Every held-out track of a fold at every landmark: its label, NaN where nobody saw it, its weight, and what each method says.

    ``prefixes`` and ``baselines`` are the tables of those names of this fold. Columns: clock, hours, trajectory, recording,
    group, label, weight, and for each method ``<method>_odds``, the log-odds of label 1 with the base rate of training, and
    ``<method>_call``; NaN where a cell has too few frames for a prediction. ``base_odds`` are those of the base rate.
    """
    tracks = evidence.held_out
    rows = landmarks(tracks, drug).merge(tracks[["trajectory", "recording", "group", "label"]], on="trajectory")
    rows = rows.merge(_weights(rows, evidence, drug), left_index=True, right_index=True)
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


def _weights(rows: pd.DataFrame, evidence: Evidence, drug: Mapping[str, float | None]) -> pd.DataFrame:
    """weight and clock_odds of each row: one over the probability of not being lost until the event, and what the hour tells."""
    weight, odds = pd.Series(np.nan, rows.index), pd.Series(np.nan, rows.index)
    tracks = evidence.held_out.set_index("trajectory")
    known, mine = (_on_clocks(table, drug) for table in (evidence.others, evidence.held_out))
    for (clock, hours), at in rows.groupby(["clock", "hours"]).groups.items():
        others = known.get(clock)
        ends = mine[clock].set_index("trajectory")["end"].reindex(rows.loc[at, "trajectory"]).to_numpy()
        weight[at] = np.minimum(_inverse(others, hours, ends), LARGEST_WEIGHT)
        odds[at] = _clock_odds(others, hours, evidence.rate)
    unseen = rows["trajectory"].map(tracks["label"]).isna()
    return pd.DataFrame({"weight": weight.mask(unseen), f"{CLOCK}_odds": odds})


def _on_clocks(tracks: pd.DataFrame, drug: Mapping[str, float | None]) -> dict[str, pd.DataFrame]:
    """For each clock the tracks on its hours: trajectory, entry, end (of the last frame), label."""
    interval = tracks["frame_interval_min"] / 60
    found = {}
    for clock, start in start_hours(tracks, drug).items():
        table = tracks[["trajectory", "label"]].assign(
            entry=tracks["first_frame"] * interval - start, end=tracks["last_frame"] * interval - start
        )
        found[clock] = table[start.notna()]
    return found


def _inverse(others: pd.DataFrame | None, hours: float, ends: np.ndarray) -> np.ndarray:
    """One over P(not lost before ``ends``, given not at ``hours``) among ``others``; 1 where there are none."""
    if others is None or others.empty:
        return np.ones(len(ends))
    arguments = (others["entry"], others["end"], others["label"].isna())
    later, now = censoring_survival(*arguments, ends), censoring_survival(*arguments, np.array([hours]))[0]
    return np.divide(now, later, out=np.full(len(ends), LARGEST_WEIGHT), where=later > 0)


def _clock_odds(others: pd.DataFrame | None, hours: float, rate: float) -> float:
    """Log-odds of label 1 among ``others`` that are followed at that hour and whose outcome was seen, weighted likewise."""
    prior = float(log_odds(np.array([rate]))[0])
    if others is None:
        return prior
    now = others[(others["entry"] <= hours) & (others["end"] >= hours) & others["label"].notna()]
    weights = np.minimum(_inverse(others, hours, now["end"].to_numpy()), LARGEST_WEIGHT)
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
        nothing = dict.fromkeys(("balanced_accuracy", "ci_low", "ci_high", "log_loss", "brier", "brier_clock", "ece"), np.nan)
        reason = "not fitted for these frames" if len(rows) and np.isnan(odds).any() else "outcomes of both kinds are needed"
        return nothing | sizes | {"reason": reason}
    accuracy = _weighted(balanced_accuracy(labels, calls.astype(int)), weights)
    interval = units.interval(accuracy, rows)
    probability, clock = (1 / (1 + np.exp(-values)) for values in (odds, rows[f"{CLOCK}_odds"].to_numpy(float)))
    return sizes | {
        "balanced_accuracy": accuracy.value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "reason": interval.reason,
        "log_loss": _weighted(log_loss(labels, odds), weights).value,
        "brier": float(np.average((probability - labels) ** 2, weights=weights)),
        "brier_clock": float(np.average((clock - labels) ** 2, weights=weights)),
        "ece": weighted_ece(labels, probability, weights, BINS),
    }


def _weighted(score: Score, weights: np.ndarray) -> Score:
    return Score(score.values, score.weights * weights, score.contrast, score.labels, score.kind, score.difference)
