"""Scores of phenotype predictions, transition matrices and rankings of genes. Plain arrays in, plain numbers out."""

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.statistics.reliability import reliability
from cellfate.transition.network.names import variant_name

BINS = 10  # of confidence, in its calibration
LATE_FALL = "late_fall"  # a metric: see late_fall
LATE = 0.02  # more is no converged training: docs/transition.md


def uncertainty(full: np.ndarray, fused: np.ndarray) -> np.ndarray:
    """u = 1 - cos(p_full, p_fused) of each cell, (N,); both (N, n) are probabilities."""
    return 1 - (full * fused).sum(axis=1) / (np.linalg.norm(full, axis=1) * np.linalg.norm(fused, axis=1))


def confidence(probabilities: np.ndarray, k: int | None) -> np.ndarray:
    """The largest probability over the sum of the ``k`` largest, (N,); None for all, which gives the largest probability itself.

    Raises InputError when ``k`` is below 2 (every confidence would be 1) or above the number of phenotypes.
    """
    check_confidence_k(k, probabilities.shape[1])
    ordered = -np.sort(-probabilities, axis=1)
    return ordered[:, 0] / ordered[:, : k or probabilities.shape[1]].sum(axis=1)


def check_confidence_k(k: int | None, n_phenotypes: int) -> None:
    """Raises InputError when no confidence can be had from the ``k`` largest of ``n_phenotypes`` probabilities."""
    if k is not None and not 2 <= k <= n_phenotypes:
        raise InputError(f"transition.confidence_k is {k}: it must be from 2 to the number of phenotypes, {n_phenotypes}, or null for all")


def transition_factor(q: np.ndarray, phenotype: np.ndarray, u: np.ndarray) -> np.ndarray:
    """(1 - q_y)(1 - u): how likely a cell leaves its phenotype y, held down where the two branches disagree, (N,)."""
    return (1 - q[np.arange(len(q)), phenotype]) * (1 - u)


def classification_scores(
    phenotype: np.ndarray, probabilities: np.ndarray, u: np.ndarray | None = None, *, confidence_k: int | None
) -> dict[str, float]:
    """Accuracy, macro F1, Cohen's kappa, mean :func:`confidence`, its calibration error, and how well doubt finds the errors.

    Without a second branch ``u`` is not there, and neither are its scores. An AUROC is NaN when every prediction is right, or none.
    """
    from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score  # a second, which tables and pages do not need

    predicted = probabilities.argmax(axis=1)
    wrong = predicted != phenotype
    sure = confidence(probabilities, confidence_k)
    found = {
        "accuracy": float(accuracy_score(phenotype, predicted)),
        "f1_macro": float(f1_score(phenotype, predicted, average="macro")),
        "kappa": float(cohen_kappa_score(phenotype, predicted)),
        "confidence": float(sure.mean()),
        "ece": reliability(~wrong, sure, bins=BINS)[1]["ece"],
        "auroc_max_probability": auroc(wrong, 1 - probabilities.max(axis=1)),
    }
    if u is not None:
        found |= {"uncertainty": float(u.mean()), "auroc_uncertainty": auroc(wrong, u)}
    return found


def auroc(positive: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, score)) if 0 < np.sum(positive) < len(positive) else np.nan


def mean_by_phenotype(q: np.ndarray, phenotype: np.ndarray, n_phenotypes: int) -> np.ndarray:
    """P_ij, the mean of q_j over the cells of phenotype i: (N, n) -> (n, n); NaN rows where a phenotype has no cell."""
    totals = np.zeros((n_phenotypes, q.shape[1]))
    np.add.at(totals, phenotype, q)
    sizes = np.bincount(phenotype, minlength=n_phenotypes)[:, None]
    return np.divide(totals, sizes, out=np.full(totals.shape, np.nan), where=sizes > 0)


def precision_at_k(scores: np.ndarray, relevant: np.ndarray, k: int | None = None) -> float:
    """The share of ``relevant`` genes among the ``k`` with the highest score; k is the number of relevant ones without it."""
    k = int(np.sum(relevant)) if k is None else k
    return float(np.asarray(relevant)[np.argsort(-np.asarray(scores), kind="stable")[:k]].mean())


def late_fall(curves: pd.DataFrame) -> float:
    """How much of the whole fall of the validation loss came in the last fifth of the steps: near 0 once a training has converged.

    The fall is from the first look to the best one; the best of the looks before the last fifth is what the late ones are held to.
    """
    loss = curves["val_loss"].to_numpy(float)
    early = loss[: max(1, len(loss) - max(1, len(loss) // 5))].min()
    fall = loss[0] - loss.min()
    return float(max(0.0, early - loss.min()) / fall) if fall > 0 else 0.0


def convergence_warning(scores: pd.DataFrame) -> str | None:
    """What to say of a network whose validation loss still fell at the end of a training, from its scores; None where it did not."""
    late = scores.loc[scores["metric"] == LATE_FALL, "value_max"]
    if late.empty or late.iloc[0] <= LATE:
        return None
    name = variant_name(scores["variant"].iloc[0])
    return (
        f"the network ({name}) has not converged: {late.iloc[0]:.0%} of the fall of its validation loss came in the last fifth of "
        f"the steps, at most {LATE:.0%} is the mark of a training that has; more transition.training.steps are needed"
    )
