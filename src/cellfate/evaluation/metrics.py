"""Metrics of predictions with intervals, for the full, truncated and last-k trajectories."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import METRICS
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.reliability import log_odds
from cellfate.statistics.scores import (
    Score,
    accuracy,
    auroc,
    balanced_accuracy,
    f1,
    log_loss,
    mean_of_parts,
    precision,
    recall,
)

PER_CLASS = {"precision": precision, "recall": recall, "f1": f1}


def evaluate_test(
    predictions: pd.DataFrame,
    trajectories: pd.DataFrame,
    outcomes: Mapping[str, str],
    *,
    treatment: str | None,
    unit: str,
) -> pd.DataFrame:
    """Metrics of the full test trajectories: scope ``all`` and, where ``treatment`` is given, the scope of that name.

    ``unit`` is ``split.unit``; intervals are by group where groups are held out, else by recording.
    Raises InputError when there is no test trajectory or only one outcome among them.
    """
    full = _with_groups(pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None), trajectories)
    counts = [int((full["label"] == label).sum()) for label in (0, 1)]
    if min(counts) == 0:
        have = f"{outcomes['negative']} {counts[0]}, {outcomes['positive']} {counts[1]}"
        raise InputError(f"predictions: the test trajectories are {have}; both outcomes are needed, see the split's settings")
    scopes = {"all": full} | ({} if treatment is None else {treatment: full[full["treatment"] == treatment]})
    tables = [_metric_rows(rows, (scope, "full", 0, "all"), outcomes, unit) for scope, rows in scopes.items()]
    return pd.concat(tables, ignore_index=True)


def evaluate_condition(
    predictions: pd.DataFrame,
    trajectories: pd.DataFrame,
    condition: str,
    steps: Sequence[int],
    outcomes: Mapping[str, str],
    *,
    treatment: str | None,
    cohort: str,
    unit: str,
) -> pd.DataFrame:
    """Metrics of the test trajectories of ``treatment`` at each of ``steps`` of ``condition`` (``truncation`` or ``last_k``).

    Cohort ``all`` takes every trajectory that has a prediction at that step, as published; ``cohort="fixed"`` adds the same
    trajectories at every step: those long enough for all truncations, or for the largest k. A step without trajectories, or
    without both outcomes, has null values and its n. A k above the longest trajectory has no rows: it would repeat the whole ones.
    """
    rows = predictions[(predictions["condition"] == condition) & predictions["n"].isin(steps)]
    rows = _with_groups(pooled(rows, splits=("test",), treatment=treatment), trajectories)
    if condition == "last_k":
        steps = [k for k in steps if rows.empty or k <= rows["n_frames"].max()]
        rows = rows[rows["n"].isin(steps)]
    if not steps:
        return pd.DataFrame(columns=list(METRICS.columns))
    cohorts = {"all": rows} | ({"fixed": rows[rows["trajectory"].isin(fixed_cohort(rows, condition, steps))]} if cohort == "fixed" else {})
    scope = "all" if treatment is None else treatment
    tables = [
        _metric_rows(members[members["n"] == n], (scope, condition, n, name), outcomes, unit)
        for name, members in cohorts.items()
        for n in steps
    ]
    return pd.concat(tables, ignore_index=True)


def fixed_cohort(rows: pd.DataFrame, condition: str, steps: Sequence[int]) -> pd.Index:
    """The trajectories of ``rows`` that are long enough for every one of ``steps``, or for the largest k."""
    if condition == "last_k":
        rows = rows[rows["n_frames"] == rows["n"]]
    counts = rows.groupby("trajectory")["n"].nunique()
    return counts.index[counts == len(set(steps))]


def _with_groups(rows: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(group=rows["trajectory"].map(trajectories.set_index("trajectory")["group"]))


def _metric_rows(rows: pd.DataFrame, key: tuple, outcomes: Mapping[str, str], unit: str) -> pd.DataFrame:
    """Rows of the metrics table for one set of predictions; ``key`` is (scope, condition, n, cohort)."""
    units = Units.of(outcomes, unit)
    names, unit = units.names, units.unit
    labels, predicted = rows["label"].to_numpy(int), rows["predicted"].to_numpy(int)
    scores = metric_scores(labels, log_odds(rows["probability"]), predicted)
    per_class = rows.groupby("label")[unit].nunique().reindex([0, 1], fill_value=0)
    table = []
    for (metric, label), score in scores.items():
        called = [f"predicted {name}" for name in names] if metric.startswith("precision") else names
        interval = score_interval(score, rows[unit].to_numpy(), names=called, unit=unit)
        limits = (interval.low, interval.high, *interval.units, interval.method, interval.reason)
        table.append((*key, metric, "all" if label is None else names[label], metric_value(score, metric, label), *limits))
    table.append((*key, "n_recordings", "all", float(rows["recording"].nunique()), np.nan, np.nan, *per_class, None, "a count"))
    frame = pd.DataFrame(table, columns=[column for column in METRICS.columns if column != "n_trajectories"])
    sizes = {"all": len(rows), names[0]: int((labels == 0).sum()), names[1]: int((labels == 1).sum())}
    return frame.assign(n_trajectories=frame["class"].map(sizes))


def metric_scores(labels: np.ndarray, logits: np.ndarray, predicted: np.ndarray) -> dict[tuple[str, int | None], Score]:
    """Every metric by its name and class (None: of all cells); ``logits`` are the log-odds of the calibrated probabilities."""
    by_class = {(name, label): make(labels, predicted, label) for name, make in PER_CLASS.items() for label in (0, 1)}
    found = {("balanced_accuracy", None): balanced_accuracy(labels, predicted), ("accuracy", None): accuracy(labels, predicted)}
    for macro in ("f1", "precision", "recall"):
        found[f"{macro}_macro", None] = mean_of_parts([by_class[macro, label] for label in (0, 1)])
    found |= {("log_loss", None): log_loss(labels, logits), ("auroc", None): auroc(labels, logits)}
    return found | by_class


def metric_value(score: Score, metric: str, label: int | None) -> float:
    """The value of a metric; NaN without cells of its class, or of either. A class that is never predicted has a precision of 0."""
    if metric not in ("accuracy", "log_loss") and any((score.labels == own).sum() == 0 for own in ((0, 1) if label is None else (label,))):
        return np.nan
    return float(score.contrast @ np.nan_to_num(score.means)) if metric.startswith("precision") else score.value


def confusion_table(predictions: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """Counts of the full test trajectories by actual and predicted outcome; ``fraction`` is of the actual outcome."""
    full = pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None)
    names = (outcomes["negative"], outcomes["positive"])
    rows = []
    for label, actual in enumerate(names):
        of_class = full[full["label"] == label]
        for guess, predicted in enumerate(names):
            count = int((of_class["predicted"] == guess).sum())
            rows.append((actual, predicted, count, count / len(of_class) if len(of_class) else np.nan))
    return pd.DataFrame(rows, columns=["actual", "predicted", "count", "fraction"])
