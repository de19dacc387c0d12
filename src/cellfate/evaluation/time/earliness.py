"""Earliness against accuracy: every cell is called as soon as the network is sure enough, for long enough, and at the latest at its end.

The measures are those of early classification of time series (Dachraoui and others 2015; Schafer and Leser 2020): the share of a trajectory
that had to be seen, the harmonic mean of accuracy and of the share that did not, and a cost of errors and of waiting. In the harmonic mean
accuracy counts from chance on, as 2 (balanced accuracy) - 1: counted from 0, a guess at the first frame would be hard to beat.
"""

import numpy as np
import pandas as pd

from cellfate.evaluation.scoring import Units
from cellfate.evaluation.time.tables import EARLINESS
from cellfate.statistics.scores import balanced_accuracy

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)  # of the called outcome's probability
PATIENCE = (1, 3)  # predictions in a row that must say the same
ERROR_WEIGHT = 0.8  # of errors in the cost; the rest is the share seen


def sure_of(prefixes: pd.DataFrame, rates: dict[int, float]) -> pd.DataFrame:
    """The table prefixes with ``call`` (0 or 1) and ``sure``, the called outcome's probability if both were equally likely beforehand.

    ``rates`` are the base rates of the folds, which the calibrated probabilities follow.
    """
    probability = prefixes["probability"].to_numpy(float)
    rate = prefixes["fold"].map(rates).fillna(0.5).to_numpy(float)
    one, zero = probability / rate, (1 - probability) / (1 - rate)
    balanced = one / (one + zero)
    return prefixes.assign(call=(prefixes["logit"] > 0).astype(int), sure=np.maximum(balanced, 1 - balanced))


def decide(prefixes: pd.DataFrame, threshold: float, patience: int) -> pd.DataFrame:
    """When each trajectory of one fold is called and how: fold, trajectory, label, call, n_frames, n_total, hours (to its end), decided.

    ``prefixes`` is of :func:`sure_of`, with ``hours``. A trajectory is called at the first prefix at which the last ``patience`` ones agree
    and are each at least ``threshold`` sure; where there is none it is called with all its frames, and is not ``decided``.
    """
    rows = prefixes.sort_values(["fold", "trajectory", "n_frames"], ignore_index=True)
    key = rows["fold"].astype(str) + " " + rows["trajectory"]
    ready = rows["sure"] >= threshold
    for back in range(1, patience):
        same = (key == key.shift(back)) & (rows["call"] == rows["call"].shift(back)) & (rows["sure"].shift(back) >= threshold)
        ready &= same
    last = ~key.duplicated(keep="last")
    first_ready = rows[ready].drop_duplicates(["fold", "trajectory"])
    called = pd.concat([first_ready, rows[last]]).drop_duplicates(["fold", "trajectory"], keep="first")
    total = rows[last].set_index(["fold", "trajectory"])["n_frames"]
    called = called.assign(n_total=total.reindex(pd.MultiIndex.from_frame(called[["fold", "trajectory"]])).to_numpy())
    columns = ["fold", "trajectory", "recording", "label", "call", "n_frames", "n_total", "hours"]
    return called[columns].assign(decided=called.index.isin(first_ready.index)).reset_index(drop=True)


def measures(called: pd.DataFrame) -> dict[str, float]:
    """decided, balanced_accuracy, seen (mean share of frames), harmonic_mean and cost of :func:`decide`; NaN without both outcomes."""
    labels = called["label"].to_numpy(int)
    if len(np.unique(labels)) < 2:
        return dict.fromkeys(("decided", "balanced_accuracy", "seen", "harmonic_mean", "cost"), np.nan)
    accuracy = balanced_accuracy(labels, called["call"]).value
    seen = float((called["n_frames"] / called["n_total"]).mean())
    early = 1 - seen
    gain = max(2 * accuracy - 1, 0.0)
    harmonic = 2 * gain * early / (gain + early) if gain + early > 0 else 0.0
    cost = ERROR_WEIGHT * (1 - accuracy) + (1 - ERROR_WEIGHT) * seen
    return {
        "decided": float(called["decided"].mean()),
        "balanced_accuracy": accuracy,
        "seen": seen,
        "harmonic_mean": harmonic,
        "cost": cost,
    }


def choose_trigger(validation: pd.DataFrame) -> tuple[float, int] | None:
    """Threshold and patience of the highest harmonic mean on the validation prefixes of one fold (:func:`sure_of`); the lower on a tie.

    None where they lack an outcome.
    """
    settings = [(threshold, patience) for patience in PATIENCE for threshold in THRESHOLDS]
    found = [measures(decide(validation, *setting))["harmonic_mean"] for setting in settings]
    return None if np.isnan(found).all() else settings[int(np.nanargmax(found))]


def tabulate_earliness(prefixes: pd.DataFrame, groups: pd.Series, units: Units, rates: dict[int, float]) -> pd.DataFrame:
    """The earliness table: held-out trajectories at every threshold and patience, and at those chosen on validation, fold by fold.

    ``prefixes`` is the table of all folds with the hours to the end (:func:`cellfate.evaluation.time.ends.hours_left`), ``groups`` the
    group of each trajectory. The row of the chosen
    ones has the means over folds, those left out whose validation part lacks an outcome; where that is all, it has the reason.
    """
    rows = sure_of(prefixes[prefixes["label"].notna()].assign(label=lambda one: one["label"].astype(int)), rates)
    rows = rows.assign(group=rows["trajectory"].map(groups))
    test, validation = (rows[rows["split"] == part] for part in ("test", "validation"))
    if test.empty:
        return pd.DataFrame(columns=list(EARLINESS.columns))
    found = [
        {"patience": patience, "threshold": threshold, "chosen": False} | _judged(decide(test, threshold, patience), groups, units)
        for patience in PATIENCE
        for threshold in THRESHOLDS
    ]
    triggers = {fold: choose_trigger(own) for fold, own in validation.groupby("fold") if fold in set(test["fold"])}
    found.append(_chosen_row({fold: one for fold, one in triggers.items() if one}, test, groups, units))
    return pd.DataFrame(found, columns=list(EARLINESS.columns))


def _chosen_row(chosen: dict[int, tuple[float, int]], test: pd.DataFrame, groups: pd.Series, units: Units) -> dict:
    if not chosen:
        return {"chosen": True, "n_trajectories": 0, "reason": "no threshold was chosen: the validation part lacks an outcome"}
    called = [decide(own, *chosen[fold]) for fold, own in test.groupby("fold") if fold in chosen]
    threshold, patience = (np.array(values) for values in zip(*chosen.values(), strict=True))
    row = {"patience": int(np.round(patience.mean())), "threshold": float(threshold.mean()), "chosen": True}
    return row | _judged(pd.concat(called, ignore_index=True), groups, units)


def _judged(called: pd.DataFrame, groups: pd.Series, units: Units) -> dict:
    called = called.assign(group=called["trajectory"].map(groups)).drop_duplicates("trajectory")
    left = float(called["hours"].median()) if len(called) else np.nan
    found = {"n_trajectories": len(called), "hours_before_end": left} | measures(called)
    if np.isnan(found["balanced_accuracy"]):
        return found | {"ci_low": np.nan, "ci_high": np.nan, "reason": "outcomes of both kinds are needed"}
    interval = units.interval(balanced_accuracy(called["label"].to_numpy(int), called["call"]), called)
    return found | {"ci_low": interval.low, "ci_high": interval.high, "reason": interval.reason}
