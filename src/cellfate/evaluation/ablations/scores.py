"""How well the network does with a part of the input hidden, against the whole input of the same cells; and that in words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.evaluation.ablations.names import CELL, CHANNELS, FRAMES, KINDS, ONLY, WHOLE, kind_of, label_of
from cellfate.evaluation.ablations.tables import ABLATIONS
from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.scoring import Units
from cellfate.model.calibration import called_positive
from cellfate.statistics.reliability import log_odds
from cellfate.statistics.scores import Score, auroc, balanced_accuracy, difference

SETTING = "evaluation.ablations"
WORDS = {CELL: "with the cell or its surroundings hidden", CHANNELS: "single channels", FRAMES: "the order of frames, and parts of tracks"}
CHANCE = 0.5


def score_ablations(
    predictions: pd.DataFrame, ablated: pd.DataFrame, trajectories: pd.DataFrame, units: Units, radius: float
) -> pd.DataFrame:
    """The ablations table: the whole input of all held-out trajectories first, then each ablation in the order of ``ablated``.

    ``predictions`` and ``ablated`` are the tables of all folds; where a trajectory was held out in several, the one that the report
    counts. ``radius`` of the disc is in pixels. Calls and AUROC are made of the same numbers as those of the report.
    """
    full = pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None)
    full = full.assign(group=full["trajectory"].map(trajectories.set_index("trajectory")["group"]))
    rows = [_row(WHOLE, full, full, units)]
    for ablation, own in ablated.groupby("ablation", sort=False):
        cells = full.merge(own, on=["fold", "trajectory"], suffixes=("", "_ablated"))
        seen = cells.assign(probability=cells["probability_ablated"], predicted=called_positive(cells["logit_ablated"]).astype(int))
        rows.append(_row(str(ablation), seen, cells, units) | _where(seen, str(ablation), radius))
    return pd.DataFrame(rows, columns=list(ABLATIONS.columns))


def _row(ablation: str, seen: pd.DataFrame, whole: pd.DataFrame, units: Units) -> dict:
    """One row of the table: what is left is ``seen``, and ``whole`` are the same trajectories with the whole input."""
    row = {"ablation": ablation, "n_trajectories": len(seen), **units.counts(seen)}
    changed = _scores(seen)
    for metric, full in _scores(whole).items():
        own = changed[metric]
        value, change = ("value", "change") if metric == "balanced_accuracy" else (metric, f"{metric}_change")
        row |= _columns(own, units, seen, value, "ci" if value == "value" else value)
        row["whole" if value == "value" else f"{metric}_whole"] = full.value
        if ablation != WHOLE:
            row |= _columns(difference(own, full), units, seen, change, change)
    return row | {"reason": row.pop("value_reason")}


def _scores(rows: pd.DataFrame) -> dict[str, Score]:
    labels = rows["label"].to_numpy(int)
    return {
        "balanced_accuracy": balanced_accuracy(labels, rows["predicted"].to_numpy(int)),
        "auroc": auroc(labels, log_odds(rows["probability"])),
    }


def _columns(score: Score, units: Units, rows: pd.DataFrame, name: str, limits: str) -> dict:
    interval = units.interval(score, rows)
    return {name: score.value, f"{limits}_low": interval.low, f"{limits}_high": interval.high, f"{name}_reason": interval.reason}


def _where(seen: pd.DataFrame, ablation: str, radius: float) -> dict:
    """How the cell was found: the share of frames with a region, and the disc of the others."""
    if kind_of(ablation) != CELL:
        return {}
    regions = seen["n_regions"].sum() / seen["n_frames"].sum() if seen["n_regions"].notna().any() else np.nan
    return {"regions": regions, "radius": radius}


def standing(row: pd.Series) -> str:
    """In words what the intervals of a row show: whether the score changed, and whether it is above chance; or why they show nothing."""
    if pd.isna(row["value"]):
        return "not measured"
    against = _shown(row["change_low"], row["change_high"], 0, "lower than", "higher than")
    found = f"not compared with the whole input: {row['change_reason']}" if pd.isna(row["change_low"]) else f"{against} the whole input"
    if pd.isna(row["change_low"]) and pd.isna(row["ci_low"]) and row["change_reason"] == row["reason"]:
        return f"no interval, and not compared with the whole input: {row['reason']}"
    above = _shown(row["ci_low"], row["ci_high"], CHANCE, "below", "above")
    return f"{found}, {'no interval: ' + str(row['reason']) if pd.isna(row['ci_low']) else above + ' chance'}"


def _shown(low: float, high: float, value: float, below: str, above: str) -> str:
    return below if high < value else above if low > value else "not shown to differ from"


def ablation_lines(table: pd.DataFrame) -> list[str]:
    """What the score is made of, a sentence for each kind of ablation: the score that is left, that of the whole input, what is shown."""
    rows = table.set_index("ablation")
    alone = [name for name in rows.index if name.startswith(ONLY)]
    groups = (
        [name for name in ("cell_hidden", "surroundings_hidden") if name in rows.index],
        alone,
        [name for name in ("frames_shuffled", "last_frame") if name in rows.index],
    )
    return [_sentence([(label_of(name), rows.loc[name]) for name in names]) for names in groups if names]


def _sentence(named: Sequence[tuple[str, pd.Series]]) -> str:
    standings = [standing(row) for _, row in named]
    alike = len(named) > 1 and len(set(standings)) == 1
    said = [f" ({words})" for words in standings] if not alike else [*[""] * (len(named) - 1), f" (each: {standings[0]})"]
    parts = [f"{label} {_number(row['value'])}{words}" for (label, row), words in zip(named, said, strict=True)]
    return f"Balanced accuracy with the whole input {_number(named[0][1]['whole'])}; {'; '.join(parts)}."


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"


def read_surroundings(table: pd.DataFrame) -> list[str]:
    """A caveat where the network is shown to be above chance with the cell hidden; else nothing."""
    rows = table[(table["ablation"] == "cell_hidden") & (table["ci_low"] > CHANCE)]
    return [
        f"With the cell hidden the balanced accuracy is {row.value:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f}; {row.whole:.2f} with the "
        "whole input): the network reads what is around the cell, or the shape of the hole."
        for row in rows.itertuples()
    ]


def missing_ablations(setting: Sequence[str] | None, table: pd.DataFrame) -> list[str]:
    """Which ablations were not made, and the setting or the data that decided so."""
    found = []
    kinds = set(table["ablation"].map(kind_of))
    for kind in KINDS:
        if kind not in (setting or ()):
            found.append(f"Not measured: {WORDS[kind]}; {SETTING} is {_written(setting)}.")
        elif kind not in kinds:
            reason = "the crops have one channel, so that alone is the whole input" if kind == CHANNELS else "no trajectory was held out"
            found.append(f"Not measured: {WORDS[kind]}; {reason}.")
    return found if setting else [f"Not measured: what the score is made of; {SETTING} is null."]


def _written(setting: Sequence[str] | None) -> str:
    return f"[{', '.join(setting or ())}]"
