"""What the baselines are fitted with: logistic regression with a chosen regularisation, and boosted trees. Outcomes weigh the same."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cellfate.base.errors import InputError

STRENGTHS = tuple(10.0**power for power in range(-4, 2))  # C of the logistic regression; the smallest shrinks most
STRONG = 1e-2  # C where nothing can be chosen: too few groups
INNER_FOLDS = 4  # groups of training units that choose C
BOOSTING = {"max_bins": 63, "max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 20, "l2_regularization": 1.0}


def logistic(strength: float) -> Pipeline:
    """A logistic regression on standardised values, not fitted; ``strength`` is its C."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=1000))


def choose_strength(values: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> float:
    """The C of the best mean balanced accuracy in a cross-validation that keeps ``groups`` whole; the strongest on a tie.

    ``values`` are (N, F). Folds that lack a class are left out; STRONG where none is left.
    """
    classes = [len(np.unique(groups[labels == label])) for label in (0, 1)]
    if min(classes) < 2:
        return STRONG
    n_folds = min(INNER_FOLDS, len(np.unique(groups)), int(np.bincount(labels.astype(int)).max()))  # scikit-learn refuses more
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(values, labels, groups)
    whole = [rows for rows in folds if all(len(np.unique(labels[part])) == 2 for part in rows)]
    if not whole:
        return STRONG
    found = [np.mean([_score(values, labels, *rows, strength) for rows in whole]) for strength in STRENGTHS]
    return STRENGTHS[int(np.argmax(np.round(found, 6)))]


def _score(values: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, strength: float) -> float:
    return balanced_accuracy_score(labels[test], logistic(strength).fit(values[train], labels[train]).predict(values[test]))


def fit_logistic(values: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> Pipeline:
    """A logistic regression on standardised ``values`` (N, F), its regularisation chosen inside the training data.

    Raises InputError when ``labels`` have one class only.
    """
    classes = np.unique(labels).tolist()
    if len(classes) < 2:
        raise InputError(f"baseline: the training part has class {classes} alone, both are needed")
    return logistic(choose_strength(values, labels, groups, seed)).fit(values, labels)


@dataclass(frozen=True)
class Boosting:
    """Fitted boosted trees, and the share of label 1 that they were fitted with."""

    trees: HistGradientBoostingClassifier
    share: float

    def probability(self, values: np.ndarray) -> np.ndarray:
        """Probability of label 1 (N,) if both labels were equally frequent, for ``values`` (N, F)."""
        found = self.trees.predict_proba(values)[:, 1]
        one, zero = found / self.share, (1 - found) / (1 - self.share)
        return one / (one + zero)


def fit_boosting(values: np.ndarray, labels: np.ndarray, seed: int) -> Boosting:
    """Boosted trees on ``values`` (N, F), which may be NaN; their settings are fixed, none is chosen on data.

    They are fitted without weights, with which scikit-learn takes a minute to put some hundred columns into bins.
    """
    trees = HistGradientBoostingClassifier(**BOOSTING, early_stopping=False, random_state=seed)
    return Boosting(trees.fit(values, labels), float(labels.mean()))
