"""Rankings of genes by how much they matter for the next phenotype: the network's own, and those of common explainers.

A score is larger for a gene that matters more; each function returns (m,). Only held-out cells are looked at.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import nn

from cellfate.base.progress import progress
from cellfate.transition.cells import Cells, Model
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import VARIANTS, Fit, cells_of, look
from cellfate.transition.genes.knockouts import some_of_each
from cellfate.transition.network.baselines import LogisticTransitions, differential_expression
from cellfate.transition.network.training import Predictions

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
    """Scores (m,) by what the network itself weighs, its best method first: attention x weight, weight, attention.

    A network that chooses no genes attends to all alike, which ranks none; without eq. 3 there is no weight.
    """
    chosen = run.network.settings.selector != "none"
    attention = {"cls attention": attention_score(run.predictions)} if chosen else {}
    regulation = getattr(run.network, "regulation", None)
    if regulation is None or np.isnan(run.cells.targets).all():  # without targets nothing taught the weights
        return attention
    weights = regulation.detach().numpy()
    both = {"attention x weight": regulation_score(run.predictions, weights)} if chosen else {}
    return both | {"weight": np.abs(weights).max(axis=(1, 2))} | attention


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
    file: PreparedFile,
    networks: Mapping[str, Sequence[nn.Module]],
    main: str,
    *,
    explain: bool,
    cells_each: int,
    seed: int,
    prior: Sequence[str] = (),
) -> pd.DataFrame:
    """The rankings of the network ``main`` by every method, and of each other one by its best own, named after the variant.

    ``networks`` are trained ones by variant, one of each seed, ``main`` among them; baselines that weigh no gene are left out. Static
    labels have no transition to explain, so explainers are left out for them. ``prior`` names expected regulators. Returns
    :func:`ranking_table`.
    """
    n = len(file.phenotypes)

    def fits(variant: str) -> list[Fit]:
        return [look(variant, network, *cells_of(file, variant), n) for network in networks[variant]]

    def by_seed(scores: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {method: np.stack([found[method] for found in scores]) for method in scores[0]}

    own = fits(main)
    found = by_seed([network_scores(run) for run in own])
    if explain and file.targets_kind != "static":
        found |= by_seed([explainer_scores(run, cells_each=cells_each, seed=seed) for run in own])
    found |= expression_scores(own[0].cells)
    for variant in networks:
        scores = [] if variant == main or "network" in VARIANTS[variant] else [network_scores(run) for run in fits(variant)]
        if scores and scores[0]:
            method, values = next(iter(by_seed(scores).items()))
            found[f"{method}, {variant}"] = values
    return ranking_table(found, file.prepared.genes, np.isin(file.prepared.genes, list(prior)))


def ranking_table(scores: Mapping[str, np.ndarray], genes: np.ndarray, prior: np.ndarray | None = None) -> pd.DataFrame:
    """One row per method and gene: method, gene, score, rank (1 is the highest), rank_best and rank_worst of the seeds, in_prior.

    ``scores`` are (m,), or (S, m) of several seeds: their mean is the score, and is ranked.
    """
    tables = []
    for method, values in scores.items():
        values = np.atleast_2d(values)
        ranks = np.array([_ranks(own) for own in values])
        columns = {"method": method, "gene": genes, "score": values.mean(axis=0), "rank": _ranks(values.mean(axis=0))}
        columns |= {"rank_best": ranks.min(axis=0), "rank_worst": ranks.max(axis=0)}
        tables.append(pd.DataFrame(columns | {"in_prior": np.zeros(len(genes), bool) if prior is None else prior}))
    return pd.concat(tables, ignore_index=True)


def _ranks(values: np.ndarray) -> np.ndarray:
    rank = np.empty(len(values), int)
    rank[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return rank
