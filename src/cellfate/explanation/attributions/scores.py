"""How faithful methods are: what the prediction loses without the frames that they name, against the last frames and random ones."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from cellfate.evaluation.scoring import Units
from cellfate.explanation.attributions.deletion import ORDERS, SIGNED, STEPS
from cellfate.explanation.attributions.names import METHODS, RANDOM, RECENCY
from cellfate.explanation.tables import ATTRIBUTION_CURVES, ATTRIBUTION_SCORES, VERDICTS
from cellfate.statistics.scores import LOSSES, Score

EVERYTHING = "all"  # the class of all cells
GAP = "kept_less_removed"
SCORES = {  # of a cell, in log-odds of the predicted outcome
    "removed": "lost without the frames that count most",
    "kept": "lost without the frames that count least",
    GAP: "lost by removing less lost by keeping",
    "prediction_difference": "cumulative prediction difference",
    "preservation": "cumulative prediction preservation",
}
SECONDS, UNCONVERGED, RANDOMISED = "seconds", "unconverged", "randomised"
KEY = ["trajectory", "fold", "model", "method", "order"]
BEATS, DOES_NOT, NOT_SHOWN = VERDICTS


def cell_scores(deletions: pd.DataFrame) -> pd.DataFrame:
    """SCORES of each cell, method and order (columns KEY, recording, label), the mean over repeats.

    ``removed`` and ``kept`` are means over the steps with something hidden of what the predicted outcome's log-odds lose; the
    difference is the area between both curves. The cumulative ones add up the size of all changes from step to step (Jang et al. 2025):
    hiding what counts most first (more is better) and what counts least first (less is better).
    """
    rows = deletions.sort_values([*KEY, "repeat", "step"], ignore_index=True)
    first = rows.iloc[::STEPS].reset_index(drop=True)
    most, least = (rows[name].to_numpy(float).reshape(-1, STEPS) for name in ("most", "least"))
    toward = np.where(most[:, 0] > 0, 1.0, -1.0)
    removed, kept = (toward * (curve[:, :1] - curve[:, 1:]).mean(axis=1) for curve in (most, least))
    changes = {"prediction_difference": most, "preservation": least}
    summed = {name: np.abs(np.diff(curve, axis=1)).sum(axis=1) for name, curve in changes.items()}
    found = first[[*KEY, "recording", "label"]].assign(**{"removed": removed, "kept": kept, GAP: removed - kept}, **summed)
    return found.groupby([*KEY, "recording", "label"], as_index=False, sort=False)[list(SCORES)].mean()


def score_attributions(deletions: pd.DataFrame, attributed: pd.DataFrame, groups: Mapping[str, str], units: Units) -> pd.DataFrame:
    """The attribution_scores table; ``groups`` are those of the trajectories. A cell that several folds held out counts once."""
    scores = _once(cell_scores(deletions)).assign(group=lambda rows: rows["trajectory"].map(groups))
    costs = _once(attributed).assign(group=lambda rows: rows["trajectory"].map(groups))
    rows = [row for (model, order), own in _in_order(scores) for row in _of_order(str(model), str(order), own, units)]
    rows += [row for (model, method), own in costs.groupby(["model", "method"], sort=False) for row in _of_cells(model, method, own, units)]
    return pd.DataFrame(rows, columns=list(ATTRIBUTION_SCORES.columns))


def _once(table: pd.DataFrame) -> pd.DataFrame:
    first = table.groupby("trajectory")["fold"].transform("min")
    return table[table["fold"] == first]


def _in_order(scores: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    for model in dict.fromkeys(scores["model"]):
        for order in ORDERS:
            yield (model, order), scores[(scores["model"] == model) & (scores["order"] == order)]


def _of_order(model: str, order: str, scores: pd.DataFrame, units: Units) -> Iterator[dict]:
    """Rows of all methods and what they are compared with, for one model and order."""
    of_method = {str(method): own.set_index("trajectory") for method, own in scores.groupby("method", sort=False)}
    named = [name for name in (*METHODS, RECENCY, RANDOM) if name in of_method]
    for method in named:
        for name, label in _classes(units):
            own = of_method[method] if label is None else of_method[method][of_method[method]["label"] == label]
            for score in SCORES:
                row = {"model": model, "method": method, "order": order, "class": name, "score": score, **_mean(own, score, units)}
                for other in (RECENCY, RANDOM):
                    if other != method and method != RANDOM:
                        row |= _against(own, of_method[other].loc[own.index], score, f"against_{other}", units)
                if score == GAP and order == SIGNED and method in METHODS:
                    row["verdict"] = verdict(row["against_recency_low"], row["against_recency_high"])
                yield row


def _classes(units: Units) -> Sequence[tuple[str, int | None]]:
    return (EVERYTHING, None), (units.names[0], 0), (units.names[1], 1)


def _of_cells(model: str, method: str, cells: pd.DataFrame, units: Units) -> Iterator[dict]:
    """Rows of what is known of cells without hiding frames: cost, completeness, likeness to a network that has learned nothing."""
    key = {"model": model, "method": method, "order": None, "class": EVERYTHING}
    yield {**key, "score": SECONDS, **_mean(cells, "seconds", units)}
    promised = cells[cells["converged"].notna()]
    if len(promised):
        off = promised.assign(off=(promised["converged"] == "False").astype(float))
        yield {**key, "score": UNCONVERGED, **_mean(off, "off", units)}
    yield {**key, "score": RANDOMISED, **_mean(cells[cells["randomised"].notna()], "randomised", units)}


def _mean(rows: pd.DataFrame, name: str, units: Units) -> dict:
    counts = {"n": len(rows), "units": rows[units.unit].nunique()}
    return {**_limits(rows[name].to_numpy(float), rows, units, ("value", "low", "high", "reason")), **counts}


def _limits(values: np.ndarray, rows: pd.DataFrame, units: Units, names: Sequence[str]) -> dict:
    """The mean of one value a cell and its interval by recording, under four ``names``."""
    if len(values) == 0:
        return dict(zip(names, (np.nan, np.nan, np.nan, "no cell"), strict=True))
    score = Score(values[None], np.ones((1, len(values))), np.ones(1), rows["label"].to_numpy(int), LOSSES, difference=True)
    interval = units.interval(score, rows)
    return dict(zip(names, (score.value, interval.low, interval.high, interval.reason), strict=True))


def _against(own: pd.DataFrame, other: pd.DataFrame, score: str, name: str, units: Units) -> dict:
    """The paired difference to another order, its interval, and a sign test over cells."""
    change = own[score].to_numpy(float) - other[score].to_numpy(float)
    above, below = int((change > 0).sum()), int((change < 0).sum())
    p_value = binomtest(above, above + below).pvalue if above + below else np.nan
    counts = {f"{name}_above": above, f"{name}_below": below, f"{name}_p": p_value}
    return {**_limits(change, own, units, (name, f"{name}_low", f"{name}_high", f"{name}_reason")), **counts}


def verdict(low: float, high: float) -> str:
    """What the interval of the difference to the last frames says: above 0, below 0, or neither; without one nothing is shown."""
    return BEATS if low > 0 else DOES_NOT if high < 0 else NOT_SHOWN


def attribution_curves(deletions: pd.DataFrame, units: Units) -> pd.DataFrame:
    """The attribution_curves table: the mean over cells of the predicted outcome's log-odds at each step."""
    rows = _once(deletions)
    key = ["trajectory", "model"]
    full = rows[rows["step"] == 0].groupby(key)["most"].first()
    toward = np.where(pd.MultiIndex.from_frame(rows[key]).map(full) > 0, 1.0, -1.0)
    rows = rows.assign(most=toward * rows["most"], least=toward * rows["least"], hidden=rows["step"] / STEPS)
    tables = []
    for name, label in _classes(units):
        own = rows if label is None else rows[rows["label"] == label]
        means = own.groupby(["model", "method", "order", "hidden"], sort=False)
        found = means.agg(most=("most", "mean"), least=("least", "mean"), n=("trajectory", "nunique")).reset_index()
        tables.append(found.assign(**{"class": name}))
    return pd.concat(tables, ignore_index=True)[list(ATTRIBUTION_CURVES.columns)]
