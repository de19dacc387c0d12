"""Scores of predictions as weighted means of what each cell contributes, the form in which their intervals are computed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

COUNTS, PAIRS, LOSSES = "counts", "pairs", "losses"


@dataclass(frozen=True)
class Score:
    """sum_k contrast[k] * mean_k over N cells in K parts (one for each class, or one for all cells).

    ``mean_k`` is that of ``values[k]`` with ``weights[k]``. ``kind`` says what is averaged: ``counts`` of cells (0 or 1), ``pairs``
    of cells of both classes, ``losses`` (above 0). ``difference``: values are those of two predictors, one less the other.
    """

    values: np.ndarray  # (K, N)
    weights: np.ndarray  # (K, N)
    contrast: np.ndarray  # (K,)
    labels: np.ndarray  # (N,), classes 0 or 1
    kind: str
    difference: bool = False

    @property
    def means(self) -> np.ndarray:
        """The mean of each part, (K,); NaN where it has no cell."""
        totals = self.weights.sum(axis=1)
        return np.divide((self.weights * self.values).sum(axis=1), totals, out=np.full(len(totals), np.nan), where=totals > 0)

    @property
    def value(self) -> float:
        """The score; NaN where a part has no cell."""
        return float(self.contrast @ self.means)


def balanced_accuracy(labels: np.ndarray, predicted: np.ndarray) -> Score:
    """The mean of both classes' shares of right predictions."""
    labels, hits = np.asarray(labels), _hits(labels, predicted)
    return Score(np.stack([hits, hits]), _classes(labels), np.array([0.5, 0.5]), labels, COUNTS)


def recall(labels: np.ndarray, predicted: np.ndarray, label: int) -> Score:
    """The share of right predictions among cells of class ``label``."""
    labels = np.asarray(labels)
    return Score(_hits(labels, predicted)[None], _classes(labels)[[label]], np.ones(1), labels, COUNTS)


def precision(labels: np.ndarray, predicted: np.ndarray, label: int) -> Score:
    """The share of cells of class ``label`` among those predicted to be."""
    labels, called = np.asarray(labels), np.asarray(predicted) == label
    return Score(_hits(labels, predicted)[None], called[None].astype(float), np.ones(1), labels, COUNTS)


def f1(labels: np.ndarray, predicted: np.ndarray, label: int) -> Score:
    """Twice the right predictions of ``label`` over the cells that are it plus those that are called it."""
    labels = np.asarray(labels)
    weights = (labels == label).astype(float) + (np.asarray(predicted) == label)
    return Score(_hits(labels, predicted)[None], weights[None], np.ones(1), labels, COUNTS)


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> Score:
    """The share of right predictions."""
    labels = np.asarray(labels)
    return Score(_hits(labels, predicted)[None], np.ones((1, len(labels))), np.ones(1), labels, COUNTS)


def mean_of_parts(scores: Sequence[Score]) -> Score:
    """The mean of scores of one part each, on the same cells: macro F1, macro precision."""
    values, weights = (np.concatenate([getattr(score, name) for score in scores]) for name in ("values", "weights"))
    return replace(scores[0], values=values, weights=weights, contrast=np.full(len(scores), 1 / len(scores)))


def log_loss(labels: np.ndarray, logits: np.ndarray) -> Score:
    """The mean negative log-likelihood of the cells' own classes; ``logits`` are log-odds of class 1."""
    labels, logits = np.asarray(labels), np.asarray(logits, float)
    losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
    return Score(losses[None], np.ones((1, len(labels))), np.ones(1), labels, LOSSES)


def brier(labels: np.ndarray, probabilities: np.ndarray) -> Score:
    """The mean squared difference of the probabilities of class 1 from what happened."""
    labels = np.asarray(labels)
    losses = (np.asarray(probabilities, float) - labels) ** 2
    return Score(losses[None], np.ones((1, len(labels))), np.ones(1), labels, LOSSES)


def auroc(labels: np.ndarray, logits: np.ndarray, weights: np.ndarray | None = None) -> Score:
    """The share of pairs of one cell of each class in which that of class 1 has the higher logit; ties count half.

    With ``weights`` of the cells (N,) a pair weighs the product of both. A cell's placement is the share of the other class on the right
    side of it (DeLong and others 1988; by clusters: Obuchowski 1997). Its deviation counts in full in either class, so deviations are
    doubled where the contrast halves them.
    """
    labels, logits = np.asarray(labels), np.asarray(logits, float)
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, float)
    placements = np.zeros(len(labels))
    for label in (0, 1):
        share = _weight_below(logits[labels == label], logits[labels == 1 - label], weights[labels == 1 - label])
        placements[labels == label] = share if label == 1 else 1 - share
    area = np.average(placements[labels == 1], weights=weights[labels == 1]) if (labels == 1).any() else np.nan
    values = 2 * placements - area
    return Score(np.stack([values, values]), _classes(labels) * weights, np.array([0.5, 0.5]), labels, PAIRS)


def _weight_below(values: np.ndarray, others: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the weight of ``others`` below each of ``values``, ties half; NaN where there are none."""
    if len(others) == 0:
        return np.full(len(values), np.nan)
    order = np.argsort(others)
    summed = np.concatenate([[0.0], np.cumsum(weights[order])])
    return sum(summed[np.searchsorted(others[order], values, side=side)] for side in ("left", "right")) / 2 / summed[-1]


def difference(first: Score, second: Score) -> Score:
    """``first`` minus ``second`` on the same cells; both must weigh the cells alike (F1 and precision do not)."""
    if not np.array_equal(first.weights, second.weights) or not np.array_equal(first.labels, second.labels):
        raise ValueError("the difference of two scores needs the same cells with the same weights")
    return replace(first, values=first.values - second.values, difference=True)


def _hits(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return (np.asarray(labels) == np.asarray(predicted)).astype(float)


def _classes(labels: np.ndarray) -> np.ndarray:
    """Which cells are of class 0 and of class 1, (2, N)."""
    return np.stack([labels == 0, labels == 1]).astype(float)
