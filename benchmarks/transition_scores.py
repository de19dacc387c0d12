"""Scores of phenotype transitions that the benchmark alone asks for: P by counting, and correlation and AUROC against the truth."""

import numpy as np

from cellfate.statistics.chains.markov import transition_matrix
from cellfate.transition.cells import Cells
from cellfate.transition.metrics import auroc
from cellfate.transition.truth import Truth


def counted_matrix(cells: Cells, n_phenotypes: int, smoothing: float = 0.5) -> np.ndarray:
    """P from the targets of ``cells`` alone, whatever their expression, with Dirichlet smoothing: (n, n)."""
    known = ~np.isnan(cells.targets).any(axis=1)
    counts = np.zeros((n_phenotypes, n_phenotypes))
    np.add.at(counts, cells.phenotype[known], cells.targets[known])
    return transition_matrix(counts, smoothing=smoothing)


def effect_correlation(effects: np.ndarray, truth: Truth) -> float:
    """Pearson's correlation of the knockouts' changes of P with the true ones, over all genes and edges."""
    return float(np.corrcoef(effects.ravel(), truth.effects().ravel())[0, 1])


def regulator_auroc(scores: np.ndarray, truth: Truth) -> float:
    """How well ``scores`` (m,) tell regulators from all other genes."""
    return auroc(truth.regulators, scores)
