"""Scores of two runs on the same held-out trajectories, and their paired differences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from cellfate.evaluation.compared.matching import Matched
from cellfate.evaluation.scoring import Units
from cellfate.statistics.reliability import reliability
from cellfate.statistics.scores import Score, auroc, balanced_accuracy, brier, difference, f1, log_loss, mean_of_parts, recall

LOSSES = ("log_loss", "brier", "ece")  # less is better
NO_F1 = "each run weighs the cells by its own calls, so they are not paired"
NO_ECE = "in few cells it is too high by a part that is not known"


@dataclass(frozen=True)
class Value:
    """A score with its interval or the reason why there is none."""

    value: float
    low: float
    high: float
    reason: str | None

    def named(self, name: str) -> dict:
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high, f"{name}_reason": self.reason}


def compare_runs(matched: Matched, names: tuple[str, str], bins: int) -> pd.DataFrame:
    """The comparison table: each score in full and at every number of dropped frames, for both runs, and that of b less that of a.

    ``names`` are those of the runs. The expected calibration error is over ``bins`` of equal width.
    """
    found = []
    pairs = matched.pairs[matched.pairs["condition"].isin(["full", "truncation"])]
    for (condition, n), rows in pairs.groupby(["condition", "n"]):
        known = {"run_a": names[0], "run_b": names[1], "condition": condition, "n": n}
        found += [known | row for row in _rows(rows, matched.units, bins)]
    return pd.DataFrame(found)


def _rows(rows: pd.DataFrame, units: Units, bins: int) -> list[dict]:
    """Rows of the table for one set of trajectories."""
    sides = [_scores(rows, side) for side in "ab"]
    found = []
    for metric, label in sides[0]:
        one, other = (scores[metric, label] for scores in sides)
        paired = None if metric == "f1_macro" else difference(other, one)
        values = {"a": _value(one, rows, units), "b": _value(other, rows, units)}
        values["difference"] = _unpaired(values, NO_F1) if paired is None else _value(paired, rows, units)
        found.append(_row(metric, label, values, rows, units))
    errors = {side: Value(_calibration_error(rows, side, bins), np.nan, np.nan, NO_ECE) for side in "ab"}
    found.append(_row("ece", None, errors | {"difference": _unpaired(errors, NO_ECE)}, rows, units))
    return found


def _scores(rows: pd.DataFrame, side: str) -> dict[tuple[str, int | None], Score]:
    """Scores of one run by metric and label (None: all). Ranks are those of the logits, as in the run's own tables."""
    labels, predicted, odds = (rows[name].to_numpy() for name in ("label", f"predicted_{side}", f"log_odds_{side}"))
    return {
        ("balanced_accuracy", None): balanced_accuracy(labels, predicted),
        ("f1_macro", None): mean_of_parts([f1(labels, predicted, label) for label in (0, 1)]),
        ("auroc", None): auroc(labels, rows[f"logit_{side}"]),
        **{("recall", label): recall(labels, predicted, label) for label in (0, 1)},
        ("log_loss", None): log_loss(labels, odds),
        ("brier", None): brier(labels, expit(odds)),
    }


def _value(score: Score, rows: pd.DataFrame, units: Units) -> Value:
    interval = units.interval(score, rows)
    return Value(score.value, interval.low, interval.high, interval.reason)


def _unpaired(values: Mapping[str, Value], reason: str) -> Value:
    return Value(values["b"].value - values["a"].value, np.nan, np.nan, reason)


def _calibration_error(rows: pd.DataFrame, side: str, bins: int) -> float:
    return reliability(rows["label"], expit(rows[f"log_odds_{side}"]), bins)[1]["ece"]


def _row(metric: str, label: int | None, values: Mapping[str, Value], rows: pd.DataFrame, units: Units) -> dict:
    named = [value.named(name) for name, value in values.items()]
    cells = rows if label is None else rows[rows["label"] == label]
    a, b = (cells[f"predicted_{side}"] == cells["label"] for side in "ab")
    right = {"both_right": a & b, "only_a_right": a & ~b, "only_b_right": b & ~a, "none_right": ~(a | b)}
    found = {"metric": metric, "class": "all" if label is None else units.names[label]}
    found |= named[0] | named[1] | named[2] | {"n_trajectories": len(cells), "unit": units.unit, **units.counts(rows)}
    return found | {name: int(which.sum()) for name, which in right.items()}
