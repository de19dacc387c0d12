"""Simulated recordings only: do explanations name the frames and channels in which an effect was planted?"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from cellfate.evaluation.pooling import correct_trajectories
from cellfate.evaluation.scoring import Units
from cellfate.explanation.attributions.names import CHANNEL, METHODS, RING, channel_of
from cellfate.simulation.evidence import informative
from cellfate.simulation.settings import CHANNELS
from cellfate.statistics.scores import LOSSES, Score
from cellfate.truth.tables import TRUTH_ATTRIBUTIONS

FRAMES, FRAMES_CHANNELS = "frame", "frame x channel"
MASS, RANK, AUC_PR = "relevance mass accuracy", "relevance rank accuracy", "AUC-PR"
EVERYTHING = "all"


def score_explanations(
    cells: pd.DataFrame,
    attributions: pd.DataFrame,
    predictions: pd.DataFrame,
    trajectories: pd.DataFrame,
    outcomes: Mapping[str, str],
    units: Units,
) -> pd.DataFrame:
    """The truth_attributions table: each method's scores, of all cells and of each outcome, over frames and over frames and channels.

    Held-out cells that the published network calls right, and that show an effect in some of their frames but not in all. What speaks for
    the cell's own outcome counts; attention, which has no sign, as it is. ``cells`` are the simulator's (``read_true_cells``).
    """
    right = correct_trajectories(predictions, outcomes, splits=("test",), treatment=None)
    known, true = trajectories.set_index("trajectory"), cells.set_index("trajectory")
    own = attributions.merge(right[["trajectory", "fold", "recording", "outcome"]], on=["trajectory", "fold"])
    own = own[own["trajectory"].isin(true.index)]
    rows = []
    for (trajectory, recording, outcome), values in own.groupby(["trajectory", "recording", "outcome"], sort=False):
        label = int(outcome == outcomes["positive"])
        key = {"trajectory": trajectory, "recording": recording, "group": known.loc[trajectory, "group"], "label": label}
        found = _of_cell(values, true.loc[trajectory], float(known.loc[trajectory, "frame_interval_min"]), label)
        rows += [key | row for row in found]
    columns = ["trajectory", "recording", "group", "label", "method", "level", "score", "value", "recency", "informative"]
    scored = pd.DataFrame(rows, columns=columns)
    return pd.DataFrame(list(_summaries(scored, units)), columns=list(TRUTH_ATTRIBUTIONS.columns))


def _of_cell(values: pd.DataFrame, cell: pd.Series, frame_interval_min: float, label: int) -> Iterator[dict]:
    """The scores of every method for one cell."""
    for method, own in values.groupby("method", sort=False):
        table = own.pivot(index="frame", columns="part", values="value")
        signed = table * (2 * label - 1) if METHODS[str(method)].signed else table
        truth = informative(cell, table.index.to_numpy(), frame_interval_min)
        last_first = np.arange(1.0, 1 + len(table))
        yield from _scores(str(method), FRAMES, signed.sum(axis=1).to_numpy(), truth.any(axis=1), last_first)
        if METHODS[str(method)].resolves in (CHANNEL, RING):
            by_channel = signed.T.groupby(channel_of).sum().T.reindex(columns=list(CHANNELS), fill_value=0.0)
            last_first = np.repeat(last_first, len(CHANNELS))
            yield from _scores(str(method), FRAMES_CHANNELS, by_channel.to_numpy().ravel(), truth.ravel(), last_first)


def _scores(method: str, level: str, values: np.ndarray, truth: np.ndarray, last_first: np.ndarray) -> Iterator[dict]:
    """None where every place tells something or none does."""
    if not 0 < truth.sum() < len(truth):
        return
    for score, (own, recency) in {
        MASS: (relevance_mass(values, truth), np.nan),
        RANK: (relevance_rank(values, truth), relevance_rank(last_first, truth)),
        AUC_PR: (float(average_precision_score(truth, values)), float(average_precision_score(truth, last_first))),
    }.items():
        yield {"method": method, "level": level, "score": score, "value": own, "recency": recency, "informative": float(truth.mean())}


def relevance_mass(values: np.ndarray, truth: np.ndarray) -> float:
    """The share of what is above 0 in ``values`` (N,) that lies where ``truth`` (N,) is; NaN where nothing is (Arras et al. 2022)."""
    positive = np.clip(values, 0, None)
    return float(positive[truth].sum() / positive.sum()) if positive.sum() > 0 else np.nan


def relevance_rank(values: np.ndarray, truth: np.ndarray) -> float:
    """The share of the K largest of ``values`` (N,) that lie where ``truth`` (N,) is, which has K places (Arras et al. 2022)."""
    return float(truth[np.argsort(-values, kind="stable")[: truth.sum()]].mean())


def _summaries(scored: pd.DataFrame, units: Units) -> Iterator[dict]:
    """The mean over cells of each method, level, class and score, and its difference to the last frames first, with intervals."""
    for (method, level, score), own in scored[scored["value"].notna()].groupby(["method", "level", "score"], sort=False):
        for name, label in ((EVERYTHING, None), *((name, label) for label, name in enumerate(units.names))):
            rows = own if label is None else own[own["label"] == label]
            if len(rows) == 0:
                continue
            found = {"method": method, "level": level, "class": name, "score": score, "n": len(rows), "units": rows[units.unit].nunique()}
            found |= _limits(rows["value"], rows, units, ("value", "low", "high", "reason"))
            found |= {"informative": rows["informative"].mean(), "recency": rows["recency"].mean()}
            if rows["recency"].notna().all():
                names = ("against_recency", "against_recency_low", "against_recency_high", "against_recency_reason")
                found |= _limits(rows["value"] - rows["recency"], rows, units, names)
            yield found


def _limits(values: pd.Series, rows: pd.DataFrame, units: Units, names: Sequence[str]) -> dict:
    score = Score(values.to_numpy(float)[None], np.ones((1, len(values))), np.ones(1), rows["label"].to_numpy(int), LOSSES, difference=True)
    interval = units.interval(score, rows)
    return dict(zip(names, (score.value, interval.low, interval.high, interval.reason), strict=True))
