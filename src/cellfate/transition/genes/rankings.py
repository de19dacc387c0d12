"""Rankings of genes by how much they matter for the next phenotype: the network's own, and those of common explainers.

A score is larger for a gene that matters more; each function returns (m,). Only held-out cells are looked at.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import nn

from cellfate.base.progress import progress
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import VARIANTS, Fit, cells_of, look
from cellfate.transition.genes.knockouts import some_of_each
from cellfate.transition.network.baselines import LogisticTransitions, differential_expression
from cellfate.transition.network.training import Cells, Model, Predictions

KERNEL = 0.75  # width of LIME's kernel over the root of the number of genes, as in its authors' program
RIDGE = 1.0  # penalty of LIME's local model, likewise


def attention_score(predictions: Predictions) -> np.ndarray:
    """[CLS] top-k: the mean gene weight s_g of the cells in which the gene is kept, times the number of genes; 0 where it is not."""
    return (predictions.scores * predictions.kept).mean(axis=0) * predictions.scores.shape[1]


def regulation_score(predictions: Predictions, regulation: np.ndarray) -> np.ndarray:
    """Attention x weight: the attention score times the largest |w_gij| over edges; ``regulation`` is w (m, n, n)."""
    return attention_score(predictions) * np.abs(regulation).max(axis=(1, 2))


def permutation_importance(model: Model, cells: Cells, *, seed: int, repeats: int = 2) -> np.ndarray:
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


def lime(model: Model, cells: Cells, *, seed: int, n_cells: int = 40, samples: int = 400) -> np.ndarray:
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


def network_scores(run: Fit) -> dict[str, np.ndarray]:
    """Scores (m,) by what the network itself weighs, its best method first: attention x weight, or attention alone without eq. 3."""
    attention = {"cls attention": attention_score(run.predictions)}
    regulation = getattr(run.network, "regulation", None)
    if regulation is None or np.isnan(run.cells.targets).all():  # without targets nothing taught the weights
        return attention
    weights = regulation.detach().numpy()
    return {"attention x weight": regulation_score(run.predictions, weights), "weight": np.abs(weights).max(axis=(1, 2))} | attention


def explainer_scores(run: Fit, *, cells_each: int, seed: int) -> dict[str, np.ndarray]:
    """Scores (m,) by permutation importance and LIME, which look at ``cells_each`` held-out cells of each phenotype at most; slow."""
    some = run.cells.take(some_of_each(run.cells.phenotype, cells_each))
    return {"permutation importance": permutation_importance(run.model(), some, seed=seed), "LIME": lime(run.model(), some, seed=seed)}


def expression_scores(cells: Cells) -> dict[str, np.ndarray]:
    """Scores (m,) by differential expression between phenotypes and, where every target is known, between fates within a phenotype."""
    found = {"differential expression": differential_expression(cells.expression, cells.phenotype)}
    if not np.isnan(cells.targets).any():
        fates = cells.targets.argmax(axis=1)
        found["differential expression of fates"] = differential_expression(cells.expression, fates, cells.phenotype)
    return found


def rank_genes(
    run: Fit, *, explain: bool, cells_each: int, seed: int, regression: LogisticTransitions | None = None
) -> dict[str, np.ndarray]:
    """Scores (m,) of each gene by every method that ``run`` allows; held-out cells only. ``explain`` adds :func:`explainer_scores`."""
    found = network_scores(run)
    if explain:
        found |= explainer_scores(run, cells_each=cells_each, seed=seed)
    found |= expression_scores(run.cells)
    return found if regression is None else found | {"logistic regression": regression.gene_scores()}


def rank_regulators(
    file: PreparedFile, networks: Mapping[str, nn.Module], *, explain: bool, cells_each: int, seed: int, prior: Sequence[str] = ()
) -> pd.DataFrame:
    """The rankings of the full network by every method, and of each other one by its best own, named after the variant.

    ``networks`` are trained ones by variant, "full" among them; baselines that weigh no gene are left out. Static labels have no
    transition to explain, so explainers are left out for them. ``prior`` names expected regulators. Returns :func:`ranking_table`.
    """
    n = len(file.phenotypes)
    full = look("full", networks["full"], *cells_of(file, "full"), n)
    found = rank_genes(full, explain=explain and file.targets_kind != "static", cells_each=cells_each, seed=seed)
    for variant, network in networks.items():
        if variant != "full" and "network" not in VARIANTS[variant]:
            method, scores = next(iter(network_scores(look(variant, network, *cells_of(file, variant), n)).items()))
            found[f"{method}, {variant}"] = scores
    return ranking_table(found, file.prepared.genes, np.isin(file.prepared.genes, list(prior)))


def ranking_table(scores: Mapping[str, np.ndarray], genes: np.ndarray, prior: np.ndarray | None = None) -> pd.DataFrame:
    """One row per method and gene: method, gene, score, rank (1 is the highest), in_prior."""
    tables = []
    for method, values in scores.items():
        rank = np.empty(len(values), int)
        rank[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
        listed = np.zeros(len(values), bool) if prior is None else prior
        tables.append(pd.DataFrame({"method": method, "gene": genes, "score": values, "rank": rank, "in_prior": listed}))
    return pd.concat(tables, ignore_index=True)
