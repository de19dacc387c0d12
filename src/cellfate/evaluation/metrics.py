"""Metrics of predictions with bootstrap intervals, for the full, truncated and last-k trajectories."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.tables import METRICS
from cellfate.statistics.bootstrap import bootstrap_counts, resampling_units

PER_CLASS = ("precision", "recall", "f1")


def evaluate_test(
    predictions: pd.DataFrame,
    trajectories: pd.DataFrame,
    outcomes: Mapping[str, str],
    *,
    treatment: str | None,
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Metrics of the full test trajectories: scope ``all`` and, where ``treatment`` is given, the scope of that name.

    Raises InputError when there is no test trajectory or only one outcome among them.
    """
    full = _with_lineage(pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None), trajectories)
    counts = [int((full["label"] == label).sum()) for label in (0, 1)]
    if min(counts) == 0:
        have = f"{outcomes['negative']} {counts[0]}, {outcomes['positive']} {counts[1]}"
        raise InputError(f"predictions: the test trajectories are {have}; both outcomes are needed, see the split's settings")
    scopes = {"all": full} | ({} if treatment is None else {treatment: full[full["treatment"] == treatment]})
    tables = [_metric_rows(rows, (scope, "full", 0, "all"), outcomes, bootstrap, seed) for scope, rows in scopes.items()]
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
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Metrics of the test trajectories of ``treatment`` at each of ``steps`` of ``condition`` (``truncation`` or ``last_k``).

    Cohort ``all`` takes every trajectory that has a prediction at that step, as published; ``cohort="fixed"`` adds the same
    trajectories at every step: those long enough for all truncations, or for the largest k. A step without trajectories, or
    without both outcomes, has null values and its n. A k above the longest trajectory has no rows: it would repeat the whole ones.
    """
    rows = predictions[(predictions["condition"] == condition) & predictions["n"].isin(steps)]
    rows = _with_lineage(pooled(rows, splits=("test",), treatment=treatment), trajectories)
    if condition == "last_k":
        steps = [k for k in steps if rows.empty or k <= rows["n_frames"].max()]
        rows = rows[rows["n"].isin(steps)]
    if not steps:
        return pd.DataFrame(columns=list(METRICS.columns))
    cohorts = {"all": rows} | ({"fixed": rows[rows["trajectory"].isin(fixed_cohort(rows, condition, steps))]} if cohort == "fixed" else {})
    scope = "all" if treatment is None else treatment
    tables = [
        _metric_rows(members[members["n"] == n], (scope, condition, n, name), outcomes, bootstrap, seed)
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


def _with_lineage(rows: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(lineage=rows["trajectory"].map(trajectories.set_index("trajectory")["lineage"]))


def _metric_rows(rows: pd.DataFrame, key: tuple, outcomes: Mapping[str, str], bootstrap: int, seed: int) -> pd.DataFrame:
    """Rows of the metrics table for one set of predictions; ``key`` is (scope, condition, n, cohort)."""
    names = (outcomes["negative"], outcomes["positive"])
    labels, logits = rows["label"].to_numpy(int), rows["logit"].to_numpy(float)
    units = resampling_units(rows["recording"].to_numpy(), rows["lineage"].to_numpy())
    values, low, high = metrics_with_intervals(labels, logits, rows["predicted"].to_numpy(int), units, bootstrap=bootstrap, seed=seed)
    sizes = {"all": len(rows), names[0]: int((labels == 0).sum()), names[1]: int((labels == 1).sum())}
    classes = {"0": names[0], "1": names[1]}
    table = [
        (*key, metric, classes.get(label, "all"), values[metric, label], low[metric, label], high[metric, label])
        for metric, label in values
    ]
    table.append((*key, "n_recordings", "all", float(rows["recording"].nunique()), np.nan, np.nan))
    columns = ["scope", "condition", "n", "cohort", "metric", "class", "value", "ci_low", "ci_high"]
    frame = pd.DataFrame(table, columns=columns)
    return frame.assign(n_trajectories=frame["class"].map(sizes))


def metrics_with_intervals(
    labels: np.ndarray, logits: np.ndarray, predicted: np.ndarray, units: np.ndarray, *, bootstrap: int, seed: int
) -> tuple[dict, dict, dict]:
    """Point estimates, lower and upper limits, each {(metric, class): value}; class is "all", "0" or "1".

    All metrics are functions of sums over units, so a resample costs one row of a matrix product. Values are NaN where a
    class is missing, limits also where there are fewer than two units or ``bootstrap`` is 0.
    """
    codes = np.unique(units, return_inverse=True)[1] if len(units) else np.zeros(0, int)
    n_units = int(codes.max()) + 1 if len(codes) else 1
    sums, pairs = _unit_sums(labels, logits, predicted, codes, n_units), _pair_wins(labels, logits, codes, n_units)
    point = {key: float(value[0]) for key, value in _metrics(np.ones((1, n_units)), sums, pairs).items()}
    if n_units < 2 or bootstrap == 0:
        nothing = dict.fromkeys(point, np.nan)
        return point, nothing, nothing
    weights = bootstrap_counts(n_units, bootstrap, np.random.default_rng(seed)).astype(float)
    low, high = {}, {}
    for key, drawn in _metrics(weights, sums, pairs).items():
        known = drawn[~np.isnan(drawn)]
        shown = len(known) > 0 and not np.isnan(point[key])
        low[key], high[key] = map(float, np.percentile(known, [2.5, 97.5])) if shown else (np.nan, np.nan)
    return point, low, high


def _unit_sums(labels, logits, predicted, codes, n_units: int) -> np.ndarray:
    """Per unit: counts of (label, predicted) = 00, 01, 10, 11 and the summed log-loss, (U, 5)."""
    sums = np.zeros((n_units, 5))
    np.add.at(sums, (codes, 2 * labels + predicted), 1)
    np.add.at(sums[:, 4], codes, np.logaddexp(0, np.where(labels == 1, -logits, logits)))
    return sums


def _pair_wins(labels, logits, codes, n_units: int) -> np.ndarray:
    """[u, v]: over positives of unit u and negatives of unit v, how often the positive scores higher (ties half), (U, U)."""
    negative = np.flatnonzero(labels == 0)
    negative = negative[np.argsort(logits[negative], kind="stable")]
    below = np.zeros((len(negative) + 1, n_units))
    below[np.arange(1, len(negative) + 1), codes[negative]] = 1
    below = below.cumsum(axis=0)
    positive = labels == 1
    left = np.searchsorted(logits[negative], logits[positive], side="left")
    right = np.searchsorted(logits[negative], logits[positive], side="right")
    wins = np.zeros((n_units, n_units))
    np.add.at(wins, codes[positive], (below[left] + below[right]) / 2)
    return wins


def _metrics(weights: np.ndarray, sums: np.ndarray, pairs: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Every metric for each row of unit weights (B, U)."""
    total = weights @ sums
    confusion = total[:, :4].reshape(-1, 2, 2)  # [., label, predicted]
    actual, called = confusion.sum(axis=2), confusion.sum(axis=1)
    hits = confusion[:, [0, 1], [0, 1]]
    both = (actual > 0).all(axis=1)
    recall = _ratio(hits, actual)
    precision = np.where((called == 0) & (actual > 0), 0.0, _ratio(hits, called))
    f1 = _ratio(2 * hits, actual + called)
    n = actual.sum(axis=1)

    def mean(per_class: np.ndarray) -> np.ndarray:
        return np.where(both, per_class.mean(axis=1), np.nan)

    found = {("balanced_accuracy", "all"): mean(recall), ("accuracy", "all"): _ratio(hits.sum(axis=1), n)}
    found |= {("f1_macro", "all"): mean(f1), ("precision_macro", "all"): mean(precision), ("recall_macro", "all"): mean(recall)}
    found["log_loss", "all"] = _ratio(total[:, 4], n)
    found["auroc", "all"] = _ratio(((weights @ pairs) * weights).sum(axis=1), actual.prod(axis=1))
    for name, values in zip(PER_CLASS, (precision, recall, f1), strict=True):
        found |= {(name, str(label)): np.where(actual[:, label] > 0, values[:, label], np.nan) for label in (0, 1)}
    return found


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)


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
