"""Whether the score rises where tracks are sure: held-out trajectories in thirds by how likely their tracks are one cell."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import SCORE_BY_CONFIDENCE
from cellfate.statistics.scores import COUNTS, Score, balanced_accuracy
from cellfate.tracks.doubt.confidence import confidence_until
from cellfate.trajectories.confidence import DOUBTFUL

ALL, DIFFERENCE = "all", "surest less least sure"
THIRDS = ("least sure", "middle", "surest")
LEAST_RANGE = 0.1  # of the probabilities; where they differ by less, thirds differ in little but the length of their tracks
CALIBRATED = "These probabilities are calibrated on simulated films only."


def score_by_confidence(
    predictions: pd.DataFrame, trajectories: pd.DataFrame, confidence: pd.DataFrame, outcomes: Mapping[str, str], *, unit: str
) -> pd.DataFrame:
    """The table score_by_confidence: balanced accuracy of the full held-out trajectories with intervals by recording (or group).

    ``confidence`` are tables track_confidence; held-out trajectories that are not in them are left out. Tracks that are equally sure are
    in the same third, so that thirds may differ in size or be empty; where all are about as sure there is no difference, with the reason.
    """
    units = Units.of(outcomes, unit)
    rows = pooled(predictions[predictions["condition"] == "full"], splits=("test",), treatment=None)
    known = trajectories.assign(confidence=confidence_until(confidence, trajectories, "last_frame"))
    facts = known.set_index("trajectory")[["confidence", "group"]].reindex(rows["trajectory"]).reset_index(drop=True)
    rows = rows.drop(columns=["group", "confidence"], errors="ignore").reset_index(drop=True).join(facts)
    rows = rows[rows["confidence"].notna()].reset_index(drop=True)
    edges = np.quantile(rows["confidence"], [1 / 3, 2 / 3]) if len(rows) else np.zeros(2)
    third = np.searchsorted(edges, rows["confidence"], side="left")
    table = [_row(ALL, rows, units), *(_row(name, rows[third == place], units) for place, name in enumerate(THIRDS))]
    return pd.DataFrame([*table, _difference(rows, third, units)], columns=list(SCORE_BY_CONFIDENCE.columns))


def _facts(name: str, rows: pd.DataFrame) -> dict:
    counts = [int((rows["label"] == label).sum()) for label in (0, 1)]
    return {
        "tracks": name,
        "lowest": rows["confidence"].min(),
        "highest": rows["confidence"].max(),
        "median_frames": rows["n_frames"].median(),
        "n_trajectories": len(rows),
        "n_negative": counts[0],
        "n_positive": counts[1],
    }


def _row(name: str, rows: pd.DataFrame, units: Units) -> dict:
    facts = _facts(name, rows)
    if min(facts["n_negative"], facts["n_positive"]) == 0:
        return facts | {"value_reason": "too few: both outcomes are needed"}
    return facts | units.named("value", balanced_accuracy(rows["label"].to_numpy(int), rows["predicted"].to_numpy(int)), rows)


def _difference(rows: pd.DataFrame, third: np.ndarray, units: Units) -> dict:
    """The difference of the outer thirds; its interval takes into account that a recording has tracks in both."""
    outer = rows[third != 1]
    labels, sure = outer["label"].to_numpy(int), third[third != 1] == 2
    weights = np.stack([(labels == label) & (sure == one) for one in (True, False) for label in (0, 1)]).astype(float)
    facts = _facts(DIFFERENCE, outer) | {"lowest": None, "highest": None}
    low, high = rows["confidence"].min(), rows["confidence"].max()
    if high - low < LEAST_RANGE:
        return facts | {"value_reason": f"all tracks are about as sure: {low:.2f} to {high:.2f}"}
    if (weights.sum(axis=1) == 0).any():
        return facts | {"value_reason": "too few: both outcomes are needed in both thirds"}
    hits = np.tile(outer["correct"].to_numpy(float), (4, 1))
    score = Score(hits, weights, np.array([0.5, 0.5, -0.5, -0.5]), labels, COUNTS, difference=True)
    return facts | units.named("value", score, outer)


def confidence_lines(table: pd.DataFrame | None, trajectories: pd.DataFrame, min_confidence: float | None) -> list[str]:
    """In words: how many trajectories were left out as doubtful, and whether the score rises where tracks are sure."""
    lines = []
    if min_confidence is not None:
        out = trajectories[trajectories["reason"] == DOUBTFUL]
        fated = int(out["label"].notna().sum())
        lines.append(
            f"Left out as doubtful, because the track is one cell with a probability below {min_confidence:g} (tracks.min_confidence): "
            f"{fated} trajectories with a fate and {len(out) - fated} without one."
        )
    if table is not None:
        lines.append(_score_line(table.set_index("tracks")))
    return [f"{' '.join(lines)} {CALIBRATED}"] if lines else []


def _score_line(rows: pd.DataFrame) -> str:
    least, surest, difference = (rows.loc[name] for name in (THIRDS[0], THIRDS[2], DIFFERENCE))
    if pd.isna(difference["value"]):
        return f"Whether the score rises where tracks are sure cannot be told: {difference['value_reason']}."
    found = [
        f"{name} {one['value']:.2f} (probability of being one cell {one['lowest']:.2f} to {one['highest']:.2f}, "
        f"{int(one['n_trajectories'])} tracks of a median of {one['median_frames']:.0f} frames)"
        for name, one in (("of the least sure third of tracks", least), ("of the surest", surest))
    ]
    limits = f"no interval: {difference['value_reason']}"
    if pd.notna(difference["value_low"]):
        limits = f"{difference['value_low']:+.2f} to {difference['value_high']:+.2f}"
    return f"Balanced accuracy {found[0]}, {found[1]}; difference {difference['value']:+.2f} ({limits})."
