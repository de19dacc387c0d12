"""Rankings of genes by how much they matter for the next phenotype: the network's own, and those of common explainers.

A score is larger for a gene that matters more; each function returns (m,). Only held-out cells are looked at.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cellfate.progress import progress
from cellfate.transition_knockouts import Model
from cellfate.transition_metrics import precision_at_k
from cellfate.transition_training import Cells, Predictions

KERNEL = 0.75  # width of LIME's kernel over the root of the number of genes, as in its authors' program
RIDGE = 1.0  # penalty of LIME's local model, likewise


def attention_score(predictions: Predictions) -> np.ndarray:
    """[CLS] top-k: the mean gene weight s_g of the cells in which the gene is kept, times the number of genes; 0 where it is not."""
    return (predictions.scores * predictions.kept).mean(axis=0) * predictions.scores.shape[1]


def regulation_score(predictions: Predictions, regulation: np.ndarray) -> np.ndarray:
    """Attention x weight: the attention score times the largest |w_gij| over edges; ``regulation`` is w (m, n, n)."""
    return attention_score(predictions) * np.abs(regulation).max(axis=(1, 2))


def permutation_importance(model: Model, cells: Cells, repeats: int = 2, seed: int = 0) -> np.ndarray:
    """How much the log-loss of the next phenotype rises when a gene is permuted among the cells of its phenotype (Breiman, 2001)."""
    rng = np.random.default_rng(seed)
    known = ~np.isnan(cells.targets).any(axis=1)
    cells = cells.take(known)

    def loss(expression: np.ndarray) -> float:
        q = model(expression, cells.embedding, cells.phenotype)
        return float(-(cells.targets * np.log(np.clip(q, 1e-9, 1))).sum(axis=1).mean())

    before = loss(cells.expression)
    scores = np.zeros(cells.expression.shape[1])
    for gene in progress(range(len(scores)), "permutation importance"):
        for _ in range(repeats):
            expression = cells.expression.copy()
            for code in np.unique(cells.phenotype):
                members = np.flatnonzero(cells.phenotype == code)
                expression[members, gene] = expression[rng.permutation(members), gene]
            scores[gene] += (loss(expression) - before) / repeats
    return scores


def lime(model: Model, cells: Cells, n_cells: int = 40, samples: int = 400, seed: int = 0) -> np.ndarray:
    """LIME (Ribeiro et al., 2016): a weighted linear model of q around each of ``n_cells`` cells, mean |coefficient| over them.

    Samples are normal around the cell (z-scores, so unit width); weights exp(-d^2 / w^2) with w = 0.75 sqrt(m); ridge. The largest
    coefficient over next phenotypes counts.
    """
    rng = np.random.default_rng(seed)
    m = cells.expression.shape[1]
    total = np.zeros(m)
    chosen = rng.choice(len(cells), min(n_cells, len(cells)), replace=False)
    for cell in progress(chosen.tolist(), "LIME"):
        moved = rng.standard_normal((samples, m))
        repeat = np.full(samples, cell)
        q = model(cells.expression[cell] + moved, cells.embedding[repeat], cells.phenotype[repeat])
        weights = np.exp(-(moved**2).sum(axis=1) / (KERNEL**2 * m))
        design = moved - np.average(moved, axis=0, weights=weights)
        answer = q - np.average(q, axis=0, weights=weights)
        weighted = design * (weights / weights.mean())[:, None]
        coefficients = np.linalg.solve(weighted.T @ design + RIDGE * np.eye(m), weighted.T @ answer)
        total += np.abs(coefficients).max(axis=1)
    return total / len(chosen)


def ranking_table(scores: Mapping[str, np.ndarray], genes: np.ndarray, prior: np.ndarray | None = None) -> pd.DataFrame:
    """One row per method and gene: method, gene, score, rank (1 is the highest), in_prior."""
    tables = []
    for method, values in scores.items():
        rank = np.empty(len(values), int)
        rank[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
        listed = np.zeros(len(values), bool) if prior is None else prior
        tables.append(pd.DataFrame({"method": method, "gene": genes, "score": values, "rank": rank, "in_prior": listed}))
    return pd.concat(tables, ignore_index=True)


def precision_null(relevant: np.ndarray, k: int, draws: int = 2000, seed: int = 0) -> np.ndarray:
    """Precision at ``k`` of random rankings, (draws,)."""
    rng = np.random.default_rng(seed)
    return np.array([precision_at_k(rng.random(len(relevant)), relevant, k) for _ in range(draws)])
