"""The comparison of two runs in words, which end in a verdict."""

import math
from collections.abc import Iterator

import pandas as pd

from cellfate.evaluation.compared.matching import Matched
from cellfate.evaluation.compared.runs import Run, differing_settings
from cellfate.evaluation.compared.scores import LOSSES
from cellfate.statistics.intervals import SAME

METRICS = {
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "macro F1",
    "auroc": "AUROC",
    "recall": "recall",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "ece": "calibration error",
}
MOST_SETTINGS = 20  # that are listed
MOST_UNITS = 1000  # that are said to be needed


def metric_label(metric: str, name: str) -> str:
    """The words for a metric of all cells, or of those with the outcome ``name``."""
    return METRICS[metric] + ("" if name == "all" else f", {name.replace('_', ' ')}")


def described(a: Run, b: Run, matched: Matched, table: pd.DataFrame) -> str:
    """Everything that is said of two runs: what is compared, what differs, the scores, and the verdict as the last line."""
    lines = [f"{run.name}: {run.folder} ({run.software or 'version not known'})" for run in (a, b)]
    lines += ["", _size(table), *_left_out(a, b, matched), *matched.notes, *_settings(a, b), ""]
    lines += [*_scores(table), "", _agreement(table), *_steps(table), "", verdict(table)]
    return "\n".join(lines)


def _size(table: pd.DataFrame) -> str:
    row = _in_full(table, "balanced_accuracy")
    units = (row["units_negative"], row["units_positive"])
    each = [f"{name} {n} in {having}" for (name, n), having in zip(_of_class(table), units, strict=True)]
    return f"Compared: {row['n_trajectories']} cells that both held out, in {_units(row)} ({', '.join(each)})."


def _of_class(table: pd.DataFrame) -> list[tuple[str, int]]:
    rows = table[(table["condition"] == "full") & (table["metric"] == "recall")]
    return list(zip(rows["class"], rows["n_trajectories"], strict=True))


def _units(row: pd.Series) -> str:
    return f"{row['units']} {row['unit']}{'' if row['units'] == 1 else 's'}"


def _left_out(a: Run, b: Run, matched: Matched) -> Iterator[str]:
    for run, reasons in zip((a, b), matched.left_out, strict=True):
        if reasons:
            each = ", ".join(f"{n} {words}" for words, n in reasons.items())
            yield f"Left out: {sum(reasons.values())} cells that {run.name} alone held out: {each}."


def _settings(a: Run, b: Run) -> Iterator[str]:
    whose, differ = differing_settings(a, b)
    if differ is None:
        yield "Settings: not kept in both runs."
        return
    kept = "" if whose == "runs" else " (those of the data and the split are not kept in both)"
    yield f"Settings of the {whose} that differ{kept}:" if differ else f"Settings of the {whose}: the same{kept}."
    yield from [f"  {name}: {_shown(pair[0])} | {_shown(pair[1])}" for name, pair in list(differ.items())[:MOST_SETTINGS]]
    if len(differ) > MOST_SETTINGS:
        yield f"  and {len(differ) - MOST_SETTINGS} more"


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


def _scores(table: pd.DataFrame) -> Iterator[str]:
    rows = table[table["condition"] == "full"]
    a, b = rows["run_a"].iloc[0], rows["run_b"].iloc[0]
    cells = [("all cells in full", a, b, f"{b} less {a}")]
    for _, row in rows.iterrows():
        own = [_with_limits(row, side, "") for side in "ab"]
        cells.append((metric_label(row["metric"], row["class"]), *own, _with_limits(row, "difference", "+")))
    yield from _columns(cells)
    reasons = {row["difference_reason"]: metric_label(row["metric"], row["class"]) for _, row in rows[::-1].iterrows()}
    yield from (f"  no interval of the difference in {label}: {reason}" for reason, label in reversed(reasons.items()) if pd.notna(reason))


def _columns(cells: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _with_limits(row: pd.Series, name: str, sign: str) -> str:
    if pd.isna(row[name]):
        return "-"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:{sign}.3f}" + ("" if pd.isna(low) else f" ({low:{sign}.3f} to {high:{sign}.3f})")


def _agreement(table: pd.DataFrame) -> str:
    row = _in_full(table, "balanced_accuracy")
    alone = f"{row['run_a']} alone {row['only_a_right']}, {row['run_b']} alone {row['only_b_right']}"
    return f"Called rightly by both {row['both_right']}, by {alone}, by none {row['none_right']}."


def _steps(table: pd.DataFrame) -> Iterator[str]:
    rows = table[(table["condition"] == "truncation") & (table["metric"] == "balanced_accuracy")].sort_values("n")
    if rows.empty:
        yield "Without the last frames nothing can be compared: no number of dropped frames is in both runs."
        return
    a, b = rows["run_a"].iloc[0], rows["run_b"].iloc[0]
    cells = [("balanced accuracy without", "cells", a, b, f"{b} less {a}")]
    for _, row in rows.iterrows():
        own = [_with_limits(row, side, "") for side in "ab"]
        dropped = f"the last {row['n']} frames" if row["n"] else "no frame"
        cells.append((dropped, str(row["n_trajectories"]), *own, _with_limits(row, "difference", "+")))
    yield from _columns(cells)


def verdict(table: pd.DataFrame) -> str:
    """Which run is better in full, in one sentence, or what it would take to show it; log-loss is added where it says otherwise."""
    calls, losses = (_in_full(table, metric) for metric in ("balanced_accuracy", "log_loss"))
    if pd.isna(calls["difference"]):
        return f"Nothing can be said: the {calls['n_trajectories']} cells that both runs held out are all of one outcome."
    alike = calls["only_a_right"] == calls["only_b_right"] == 0
    if alike and losses["difference"] == 0 and losses["difference_reason"] == SAME:
        return f"The runs say the same of each of the {calls['n_trajectories']} cells."
    better, by_loss = _better(calls), _better(losses)
    found = _leads(calls, better) if better else _undecided(calls)
    if by_loss == better:
        return f"{found}."
    otherwise = _leads(losses, by_loss) if by_loss else f"no difference in log-loss is shown{_evidence(losses)}"
    return f"{found}; but in their probabilities {otherwise}."


def _in_full(table: pd.DataFrame, metric: str) -> pd.Series:
    return table[(table["condition"] == "full") & (table["metric"] == metric)].iloc[0]


def _better(row: pd.Series) -> str | None:
    """Name of the run of which the interval of the difference says that it is better; None where it does not."""
    if not (row["difference_low"] > 0 or row["difference_high"] < 0):
        return None
    return row["run_b"] if (row["difference_low"] > 0) != (row["metric"] in LOSSES) else row["run_a"]


def _leads(row: pd.Series, better: str) -> str:
    less = row["metric"] in LOSSES
    size = sorted((abs(row["difference_low"]), abs(row["difference_high"])))
    by = f"{abs(row['difference']):.3f} (95 % interval {size[0]:.3f} to {size[1]:.3f})"
    cells = f"{row['n_trajectories']} cells of {_units(row)}"
    return f"{better} is better: its {METRICS[row['metric']]} is {'lower' if less else 'higher'} by {by}, on {cells}"


def _evidence(row: pd.Series) -> str:
    if pd.isna(row["difference_low"]):
        return f" ({row['difference']:+.3f}, no interval: {row['difference_reason']})"
    return f" ({row['difference']:+.3f}, 95 % interval {row['difference_low']:+.3f} to {row['difference_high']:+.3f})"


def _undecided(row: pd.Series) -> str:
    size = f"{row['run_b']} less {row['run_a']} in balanced accuracy is {row['difference']:+.3f}"
    if pd.isna(row["difference_low"]):
        return f"No difference can be shown: {size}, without an interval ({row['difference_reason']})"
    limits = f"95 % interval {row['difference_low']:+.3f} to {row['difference_high']:+.3f}"
    return f"No difference is shown: {size} ({limits}, {_units(row)}){_needed(row)}"


def _needed(row: pd.Series) -> str:
    """How many units like these would show a difference of this size; the width of the interval falls with the root of their number."""
    half = (row["difference_high"] - row["difference_low"]) / 2
    if abs(row["difference"]) < 0.0005:
        return f"; a difference below about {half:.2f} cannot be seen in so few"
    units = math.ceil(row["units"] * (half / abs(row["difference"])) ** 2)
    many = f"more than {MOST_UNITS}" if units > MOST_UNITS else f"about {units}"
    return f"; a difference below about {half:.2f} cannot be seen in so few, one of this size would need {many} {row['unit']}s"
