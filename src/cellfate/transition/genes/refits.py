"""A test of genes by refitting: does a gene tell what a cell becomes, beyond all that the other genes tell?

The cells are dealt into parts, the network is trained once without each part, and each part is then looked at by the network that has
not seen it. A gene counts when the targets of these held-out cells are more likely with the gene as it is than with what is random in
it permuted: its expression less what the other genes lead one to expect, among the cells of its phenotype. A gene that only goes with
a regulator has little of its own left, so permuting that does no harm. The conditional randomisation test of Candes et al. (2018), on
held-out cells as Tansey et al. (2022) have it, with permuted residuals of a linear model in place of draws from a known distribution.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.covariance import LedoitWolf

from cellfate.base.progress import progress
from cellfate.transition.cells import Cells, Model, Prepared
from cellfate.transition.fit import model_of, train
from cellfate.transition.genes.calls import check_draws, p_value, q_values
from cellfate.transition.genes.knockouts import GRID, SMALLEST, response_curves, some_of_each
from cellfate.transition.metrics import mean_by_phenotype
from cellfate.transition.parts import deal, rarest, stratified
from cellfate.transition.targets.observed import check_transitions

VALIDATION = 5  # one in so many of the cells that train, of each phenotype, is kept for validation


def refit_p_values(
    prepared: Prepared,
    cells: Cells,
    phenotypes: Sequence[str],
    variant: str,
    *,
    refits: int,
    permutations: int,
    level: float,
    cells_each: int,
    seed: int,
    groups: np.ndarray | None = None,
    **fitting: object,
) -> pd.DataFrame:
    """Deal all cells into ``refits`` parts, train the network ``variant`` without each, and test every gene.

    Returns gene, refit_p_value, refit_q_value (Benjamini-Hochberg over genes) and n_cells, the cells that were looked at.

    Of a part, at most ``cells_each`` cells of each phenotype are looked at; ``groups`` (N,), such as donors, stay whole. The statistic is
    the log-likelihood of the held-out targets, summed over all parts. Targets took no part in the z-scores and the embedding, which
    stay as they are. ``fitting`` goes to :func:`cellfate.transition.fit.train`. Cells of absorbing phenotypes have no part in it.

    Raises InputError for static labels, fewer than 2 refits, more than the rarest phenotype has cells or groups, or too few permutations.
    """
    check_transitions(cells.targets)
    check_draws(permutations, len(prepared.genes), level)
    likelihoods = np.zeros((len(prepared.genes), permutations + 1))
    looked_at = 0
    for turn, held in enumerate(deal(cells.phenotype, refits, groups, seed=seed, names=phenotypes)):
        network = train_without(held, prepared, cells, phenotypes, variant, groups, seed=seed + turn, **fitting)
        some = np.flatnonzero(held)[some_of_each(cells.phenotype[held], cells_each)]
        some = some[~np.isin(cells.phenotype[some], cells.absorbing)]
        expected = expected_expression(cells.take(~held), cells.take(some))
        orders = permuted_places(cells.phenotype[some], permutations, np.random.default_rng([seed, turn]))
        for gene in progress(range(len(likelihoods)), f"refit {turn + 1} of {refits}, genes"):
            likelihoods[gene] += conditional_likelihoods(network, cells.take(some), gene, expected[:, gene], orders)
        looked_at += len(some)
    p = np.array([p_value(row[:-1], row[-1]) for row in likelihoods])
    return pd.DataFrame({"gene": prepared.genes, "refit_p_value": p, "refit_q_value": q_values(p), "n_cells": looked_at})


def train_without(
    held: np.ndarray,
    prepared: Prepared,
    cells: Cells,
    phenotypes: Sequence[str],
    variant: str,
    groups: np.ndarray | None,
    *,
    seed: int,
    **fitting: object,
) -> Model:
    """``variant`` trained on the cells that are not ``held`` (N,), some of them for validation; ``fitting`` goes to :func:`train`."""
    rest = np.flatnonzero(~held)
    own = None if groups is None else groups[rest]
    number = min(VALIDATION, rarest(cells.phenotype[rest], own)[1])
    parts = np.where(held, "test", "train").astype(object)
    if number == 1:  # a phenotype of which one group is left: that one is on both sides, of the part that only stops the training
        number, own = min(VALIDATION, rarest(cells.phenotype[rest], None)[1]), None
    parts[rest[stratified(cells.phenotype[rest], number, own, seed)[0]]] = "validation"
    network, _ = train(replace(prepared, parts=parts), cells, len(phenotypes), variant, seed=seed, **fitting)
    return model_of(variant, network)


def expected_expression(known: Cells, cells: Cells) -> np.ndarray:
    """What all other genes and the phenotype let one expect of each gene in ``cells``, (N, m); linear, learned from ``known`` cells.

    From the inverse of the covariance within phenotypes, with the shrinkage of Ledoit and Wolf (2004).
    """
    n = int(max(known.phenotype.max(), cells.phenotype.max())) + 1
    means = mean_by_phenotype(known.expression, known.phenotype, n)
    precision = LedoitWolf(assume_centered=True).fit(known.expression - means[known.phenotype]).precision_
    residual = (cells.expression - means[cells.phenotype]) @ precision / np.diag(precision)
    return cells.expression - residual


def permuted_places(phenotype: np.ndarray, permutations: int, rng: np.random.Generator) -> list[np.ndarray]:
    """For each phenotype, places of its cells in ``permutations`` random orders, (R, n); the first row is the order itself."""
    found = []
    for code in np.unique(phenotype):
        own = np.flatnonzero(phenotype == code)
        found.append(np.vstack([own, rng.permuted(np.tile(own, (permutations, 1)), axis=1)]))
    return found


def conditional_likelihoods(model: Model, cells: Cells, gene: int, expected: np.ndarray, orders: Sequence[np.ndarray]) -> np.ndarray:
    """Log-likelihoods (R + 1,) of the cells' targets with the residuals of ``gene`` in each of ``orders``, the true order last.

    ``expected`` (N,) is :func:`expected_expression` of the gene. Each cell's likelihood is computed at :data:`GRID` values over the
    gene's range and interpolated linearly between them; what a permutation moves out of the range counts as its end.
    """
    own = cells.expression[:, gene]
    grid = np.linspace(own.min(), own.max(), GRID)
    total = np.zeros(len(orders[0]))
    if grid[-1] - grid[0] < 1e-12:
        return total
    curves = (np.log(np.clip(response_curves(model, cells, gene, grid), SMALLEST, 1)) * cells.targets).sum(axis=2)
    for order in orders:
        members = order[0]
        place = np.clip((expected[members] + (own - expected)[order] - grid[0]) / (grid[1] - grid[0]), 0, GRID - 1)
        low = np.minimum(place.astype(int), GRID - 2)
        share = place - low
        total += ((1 - share) * curves[low, members] + share * curves[low + 1, members]).sum(axis=1)
    return np.roll(total, -1)
