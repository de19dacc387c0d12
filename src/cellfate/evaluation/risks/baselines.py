"""Baselines that are told what the network of risks is told: the same rings and hours. Fitted on training, calibrated on validation.

For each number of hours ahead a model of three classes (neither, negative, positive outcome within them) on all landmarks of the training
part; and a model of the outcome of cells that have one.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

LOGISTIC, BOOSTED = "logistic", "boosting"
STRENGTHS = (1e-3, 1e-2, 1e-1)  # C of the logistic regression, the best on validation counts
MOST_ROWS = {LOGISTIC: 4000, BOOSTED: 2500}  # landmarks that a model is fitted with, evenly spread over those there are
FEWER = {"max_iter": 30, "learning_rate": 0.2}  # and larger steps of boosting: there is a model for each number of hours
FEWEST_CELLS = 5  # training cells with an outcome within the hours, so that a model is fitted
SPREAD = 1.0  # of log T around 0
SMALLEST = 1e-6  # probability

Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Examples:
    """Landmarks to fit on or to judge: inputs (N, F), classes (N,) from 0, weights (N,) above 0, and of which cell (N,) each is."""

    values: np.ndarray
    classes: np.ndarray
    weights: np.ndarray
    cells: np.ndarray

    def thinned(self, most: int) -> "Examples":
        """``most`` of them at most, evenly spread."""
        places = np.linspace(0, len(self.classes) - 1, min(len(self.classes), most)).astype(int)
        return Examples(*(part[places] for part in (self.values, self.classes, self.weights, self.cells)))

    def shares(self, n_classes: int) -> np.ndarray:
        """Weighted share of each class, one more landmark of each."""
        counts = np.bincount(self.classes, self.weights, n_classes) + 1
        return counts / counts.sum()

    def loss(self, probabilities: np.ndarray) -> float:
        """Weighted log-loss, each cell counting once."""
        losses = -np.log(np.clip(probabilities[np.arange(len(self.classes)), self.classes], SMALLEST, 1))
        totals = np.bincount(self.cells, self.weights)
        return float(np.mean(np.bincount(self.cells, self.weights * losses)[totals > 0] / totals[totals > 0]))

    @property
    def n_cells(self) -> int:
        return len(np.unique(self.cells))


def fit(kind: str, train: Examples, validation: Examples, n_classes: int, seed: int) -> Predict | None:
    """A calibrated model: a function of inputs (M, F) that gives probabilities (M, ``n_classes``).

    ``kind`` is ``logistic``, whose regularisation is chosen on validation, or ``boosting``. None where fewer than FEWEST_CELLS training
    cells are of the second most frequent class.
    """
    cells = sorted(len(np.unique(train.cells[train.classes == one])) for one in range(n_classes))
    if cells[-2] < FEWEST_CELLS:
        return None
    few = train.thinned(MOST_ROWS[kind])
    tried = [_boosting(few, n_classes, seed)] if kind == BOOSTED else [_logistic(few, n_classes, strength) for strength in STRENGTHS]
    if not len(validation.classes):
        return tried[0]
    calibrated = [_calibrated(predict, train.shares(n_classes), validation) for predict in tried]
    return min(calibrated, key=lambda predict: validation.loss(predict(validation.values)))


def _logistic(examples: Examples, n_classes: int, strength: float) -> Predict:
    from sklearn.exceptions import ConvergenceWarning  # a second, which tables and figures of these scores do not need
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps that are left change the third digit at most
        model.fit(examples.values, examples.classes, logisticregression__sample_weight=examples.weights)
    return lambda values: _all_classes(model.predict_proba(values), model.classes_, n_classes)


def _boosting(examples: Examples, n_classes: int, seed: int) -> Predict:
    """Not weighted, which would take scikit-learn a minute; the calibration and the scores are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    from cellfate.evaluation.baselines.fits import BOOSTING

    model = HistGradientBoostingClassifier(**{**BOOSTING, **FEWER}, early_stopping=False, random_state=seed).fit(
        examples.values, examples.classes
    )
    return lambda values: _all_classes(model.predict_proba(values), model.classes_, n_classes)


def _all_classes(found: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities with SMALLEST for classes that the training part lacks."""
    whole = np.full((len(found), n_classes), SMALLEST)
    whole[:, classes.astype(int)] = np.clip(found, SMALLEST, 1)
    return whole / whole.sum(axis=1, keepdims=True)


def _calibrated(predict: Predict, shares: np.ndarray, validation: Examples) -> Predict:
    """The log-odds of each class against those of its share in training, divided by the T of the least loss on validation.

    The loss is that of cells, plus (log T)^2 / 2: a prior that a few dozen cells outweigh.
    """
    base = np.log(shares)

    def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
        logs = base + (np.log(probabilities) - base) / temperature
        found = np.exp(logs - logs.max(axis=1, keepdims=True))
        return found / found.sum(axis=1, keepdims=True)

    said = predict(validation.values)

    def penalised(log_temperature: float) -> float:
        loss = validation.loss(tempered(said, float(np.exp(log_temperature))))
        return validation.n_cells * loss + (log_temperature / SPREAD) ** 2 / 2

    temperature = float(np.exp(minimize_scalar(penalised, bounds=(-3, 3), method="bounded").x))
    return lambda values: tempered(predict(values), temperature)
