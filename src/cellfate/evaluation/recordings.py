"""Held-out recordings one by one: the score of each, and how far it lies from the recordings that its fold was trained with."""

import numpy as np
import pandas as pd

from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.tables import RECORDING_SHIFT, RECORDING_SPREAD
from cellfate.model.shift.compare import compare, count_positions, label
from cellfate.model.shift.seen import Seen
from cellfate.model.tables import SHIFT
from cellfate.statistics.scores import accuracy, balanced_accuracy
from cellfate.statistics.spread import Spread, unit_spread


def score_recordings(predictions: pd.DataFrame, seen: Seen) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables recording_shift, one row per recording with test trajectories, and shift, with every value of them.

    A recording is compared with those of the training part of the folds that held its trajectories out, without itself:
    ``in_training`` says that it is among them, as where a split tears recordings apart. Balanced accuracy is null without both outcomes.
    """
    tested = pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None)
    scores, shifts = [], []
    for recording, rows in tested.groupby("recording", sort=True):
        trained = {name for fold in rows["fold"].unique() for name in seen.trained.get(int(fold), ())}
        table = compare(seen.of([recording]), seen.of(sorted(trained - {recording})))
        others = {"in_training": recording in trained, "n_training": len(trained - {recording})}
        scores.append({"recording": recording, **_scores(rows), **others, **count_positions(table), **_farthest(table)})
        shifts.append(table.assign(recording=recording))
    return pd.DataFrame(scores, columns=list(RECORDING_SHIFT.columns)), pd.concat(shifts, ignore_index=True)[list(SHIFT.columns)]


def _scores(rows: pd.DataFrame) -> dict:
    labels, predicted = rows["label"].to_numpy(int), rows["predicted"].to_numpy(int)
    both = len(np.unique(labels)) == 2
    return {
        "n_trajectories": len(rows),
        "n_negative": int((labels == 0).sum()),
        "n_positive": int((labels == 1).sum()),
        "balanced_accuracy": balanced_accuracy(labels, predicted).value if both else np.nan,
        "accuracy": accuracy(labels, predicted).value,
    }


def _farthest(table: pd.DataFrame) -> dict:
    """What is furthest off the range of the training recordings; nothing where all is inside it."""
    beyond = table[table["off"] > 0]
    if beyond.empty:
        return {"farthest": None, "off": np.nan}
    row = beyond.loc[beyond["off"].idxmax()]
    return {"farthest": label(row["channel"], row["quantity"]), "off": float(row["off"])}


def score_spread(predictions: pd.DataFrame, *, draws: int, seed: int) -> pd.DataFrame:
    """The recording_spread table, one row: how much balanced accuracy differs between held-out recordings, and how much by chance."""
    tested = pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None)
    columns = [tested[name].to_numpy() for name in ("correct", "label", "recording")]
    spread = unit_spread(columns[0], columns[1].astype(int), columns[2], draws=draws, seed=seed)
    return pd.DataFrame([{"n_recordings": tested["recording"].nunique(), **vars(spread)}], columns=list(RECORDING_SPREAD.columns))


def recordings_lines(scores: pd.DataFrame, spread: pd.DataFrame) -> list[str]:
    """In words: how much the score differs between held-out recordings, and which of them lie outside what training saw."""
    row = spread.iloc[0]
    found = Spread(**{name: row[name] for name in Spread.__dataclass_fields__})
    return [_spread_line(found, int(row["n_recordings"])), *_outside_lines(scores)]


def _spread_line(spread: Spread, n_recordings: int) -> str:
    if np.isnan(spread.found):
        return (
            f"How much the score differs between recordings cannot be told: {int(spread.n_units)} of {n_recordings} held-out recordings "
            "have both outcomes, at least 3 are needed."
        )
    return (
        f"Balanced accuracy of the {int(spread.n_units)} held-out recordings with both outcomes goes from {spread.lowest:.2f} to "
        f"{spread.highest:.2f}; standard deviation {spread.found:.2f}, by chance {spread.by_chance:.2f}, beyond chance {spread.beyond:.2f} "
        f"(p {spread.p_value:.2g})."
    )


def _outside_lines(scores: pd.DataFrame) -> list[str]:
    far = scores[scores["outside"] > 0]
    if far.empty:
        return []
    named = [f"{row.recording} ({row.farthest})" for row in far.sort_values("off", ascending=False).head(3).itertuples()]
    more = f" and {len(far) - 3} more" if len(far) > 3 else ""
    return [f"Held-out recordings that lie outside the range of the training recordings: {', '.join(named)}{more}."]
