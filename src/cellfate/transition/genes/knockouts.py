"""In-silico knockouts of genes: an association of the model, not a causal effect.

A model is a function q(expression (N, m), embedding (N, d), phenotype (N,)) -> (N, n), the distribution over next phenotypes. A
knockout sets expression to zero counts (``zero`` (m,) on the model's scale) and holds everything else, the observed present
phenotype and the embedding among it. P_ij is the mean of q_j over the cells of phenotype i, held-out cells only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import nn

from cellfate.base.progress import progress
from cellfate.transition.cells import Cells, Model
from cellfate.transition.files import PreparedFile
from cellfate.transition.genes.calls import agreed, check_draws, p_value, q_values
from cellfate.transition.metrics import mean_by_phenotype
from cellfate.transition.network.training import transition_function
from cellfate.transition.targets.observed import check_transitions

SMALLEST = 1e-6  # probabilities are kept above this in likelihoods
PASS = 1024  # cells of a pass at most, where a pass holds more than one knockout
GRID = 7  # expression values per gene at which the response of each cell is computed; between them it is interpolated
EDGE_COLUMNS = ["gene", "source", "target", "change", "change_min", "change_max", "p_value", "q_value"]


def matrix_of(model: Model, cells: Cells, n_phenotypes: int) -> np.ndarray:
    return mean_by_phenotype(model(cells.expression, cells.embedding, cells.phenotype), cells.phenotype, n_phenotypes)


def knockout_effects(
    model: Model, cells: Cells, zero: np.ndarray, sets: Sequence[Sequence[int]], n_phenotypes: int, label: str = "knockouts"
) -> np.ndarray:
    """Change of P (K, n, n) by the knockout of each of the K ``sets`` of gene places."""
    before = matrix_of(model, cells, n_phenotypes)
    effects = np.empty((len(sets), *before.shape))
    together = max(1, PASS // len(cells))  # knockouts that go through the model in one pass
    for first in progress(range(0, len(sets), together), label):
        some = sets[first : first + together]
        expression = np.repeat(cells.expression[None], len(some), axis=0)
        for place, genes in enumerate(some):
            expression[place][:, list(genes)] = zero[list(genes)]
        embedding, phenotype = np.tile(cells.embedding, (len(some), 1)), np.tile(cells.phenotype, len(some))
        changed = model(expression.reshape(-1, expression.shape[2]), embedding, phenotype).reshape(len(some), len(cells), -1)
        effects[first : first + together] = [mean_by_phenotype(q, cells.phenotype, n_phenotypes) - before for q in changed]
    return effects


def moving(cells: Cells, n_phenotypes: int) -> list[int]:
    """Codes of the phenotypes whose row of P can change: there are cells, and it is not absorbing."""
    there = np.bincount(cells.phenotype, minlength=n_phenotypes) > 0
    return [code for code in range(n_phenotypes) if there[code] and code not in cells.absorbing]


def largest(changes: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """The largest |change| over the edges from ``rows``, (..., n, n) -> (...); NaN without any row."""
    own = np.abs(changes[..., list(rows), :])
    return own.max(axis=(-2, -1)) if own.size else np.full(changes.shape[:-2], np.nan)


def strongest(change: np.ndarray, rows: Sequence[int]) -> tuple[int, int]:
    """The edge (i, j) from one of ``rows`` at which the ``change`` (n, n) is largest; the first one where nothing is a number."""
    size = np.full(change.shape, -1.0)
    size[list(rows)] = np.nan_to_num(np.abs(change[list(rows)]), nan=-1.0)
    i, j = np.unravel_index(size.argmax(), size.shape)
    return int(i), int(j)


def response_curves(model: Model, cells: Cells, gene: int, grid: np.ndarray) -> np.ndarray:
    """q of every cell with ``gene`` at each value of ``grid`` (G,): (G, N, n)."""
    expression = np.repeat(cells.expression[None], len(grid), axis=0)
    expression[:, :, gene] = grid[:, None]
    q = model(expression.reshape(-1, expression.shape[2]), np.tile(cells.embedding, (len(grid), 1)), np.tile(cells.phenotype, len(grid)))
    return q.reshape(len(grid), len(cells), -1)


def permuted(
    model: Model, cells: Cells, gene: int, n_phenotypes: int, permutations: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """``gene`` permuted among the cells of each phenotype, ``permutations`` times: the changes of P (R, n, n), and likelihoods (R + 1,).

    The likelihoods are mean log-likelihoods of the cells' targets, the unpermuted one last. Each cell's response to the gene is
    computed at :data:`GRID` of the gene's quantiles and interpolated linearly between them.
    """
    own = cells.expression[:, gene]
    grid = np.unique(np.quantile(own, np.linspace(0, 1, GRID)))
    if len(grid) == 1:
        return np.zeros((permutations, n_phenotypes, n_phenotypes)), np.zeros(permutations + 1)
    curves = response_curves(model, cells, gene, grid)
    place = np.clip(np.searchsorted(grid, own, side="right") - 1, 0, len(grid) - 2)
    share = (own - grid[place]) / (grid[place + 1] - grid[place])
    changes = np.zeros((permutations, n_phenotypes, n_phenotypes))
    likelihoods = np.zeros(permutations + 1)
    for i in np.unique(cells.phenotype):
        members = np.flatnonzero(cells.phenotype == i)
        columns = np.arange(len(members))
        low, part = place[members], share[members][:, None, None]
        # [c', c]: q of cell c with the expression of cell c', and its log-likelihood
        table = (1 - part) * curves[low][:, members] + part * curves[low + 1][:, members]
        fits = (np.log(np.clip(table, SMALLEST, 1)) * np.nan_to_num(cells.targets[members])).sum(axis=2)
        orders = rng.permuted(np.tile(columns, (permutations, 1)), axis=1)
        changes[:, i] = table[orders, columns].mean(axis=1) - table[columns, columns].mean(axis=0)
        likelihoods += np.append(fits[orders, columns].sum(axis=1), fits[columns, columns].sum()) / len(cells)
    return changes, likelihoods


@dataclass(frozen=True)
class GeneKnockouts:
    """Knockouts of m genes in S networks: the ``table`` of genes, changes of P and p-values of all edges, (S, m, n, n) each."""

    table: pd.DataFrame
    changes: np.ndarray
    edge_p: np.ndarray
    rows: list[int]
    phenotypes: list[str]

    def edges(self, called: np.ndarray) -> pd.DataFrame:
        """The edges of the ``called`` genes (m,) bool, Benjamini-Hochberg within each gene; p is the largest of the seeds.

        It is 1 where the seeds differ in the direction of the change. Edges from absorbing phenotypes are none.
        """
        found = [self._edges(place) for place in np.flatnonzero(called)]
        return pd.concat(found, ignore_index=True)[EDGE_COLUMNS] if found else pd.DataFrame(columns=EDGE_COLUMNS)

    def _edges(self, gene: int) -> pd.DataFrame:
        changes, p = self.changes[:, gene][:, self.rows], agreed(self.edge_p[:, gene][:, self.rows])
        same = (changes > 0).all(axis=0) | (changes < 0).all(axis=0)
        columns = {
            "gene": self.table["gene"].iloc[gene],
            "source": np.repeat(np.array(self.phenotypes, object)[self.rows], len(self.phenotypes)),
            "target": np.tile(self.phenotypes, len(self.rows)),
            "change": changes.mean(axis=0).ravel(),
            "change_min": changes.min(axis=0).ravel(),
            "change_max": changes.max(axis=0).ravel(),
            "p_value": np.where(same, p, 1.0).ravel(),
        }
        return pd.DataFrame(columns).assign(q_value=q_values(columns["p_value"]))


def genes_against_null(
    models: Sequence[Model],
    cells: Cells,
    zero: np.ndarray,
    genes: Sequence[str],
    phenotypes: Sequence[str],
    *,
    permutations: int,
    level: float,
    seed: int,
) -> GeneKnockouts:
    """Knock each gene out and compare with ``permutations`` of the gene among the cells of its phenotype.

    ``models`` are the same network from several seeds: changes are their mean, with the smallest and the largest beside it, and a p-value
    is the largest of the seeds. The statistic of a gene is its largest |change of P| over all edges of phenotypes that are not
    absorbing, so there is one test per gene; Benjamini-Hochberg over genes. The columns of the table: gene, statistic, source,
    target, change, change_min, change_max, null_95, use_p_value, use_q_value, held_out_p_value, held_out_q_value.

    ``use`` asks whether the model uses a gene, which a model that was fitted to noise does too: nearly every gene passes, and it calls
    none. ``held_out`` asks whether that use is right: how often the held-out targets are at least as likely with the gene permuted as
    with the gene itself. Genes are called by :mod:`cellfate.transition.genes.refits` alone.

    Raises InputError when the smallest attainable p, 1 / (permutations + 1), could not pass the correction even for one gene.
    """
    check_draws(permutations, len(genes), level)
    n, rows = len(phenotypes), moving(cells, len(phenotypes))
    changes = np.stack([knockout_effects(model, cells, zero, [[g] for g in range(len(genes))], n) for model in models])
    tests = [_against_permutations(*pair, cells, rows, permutations, seed) for pair in zip(models, changes, strict=True)]
    mean = changes.mean(axis=0)
    at = [strongest(change, rows) for change in mean]
    own = np.array([changes[:, g, i, j] for g, (i, j) in enumerate(at)])
    columns = {
        "gene": list(genes),
        "statistic": largest(mean, rows),
        "source": [phenotypes[i] for i, _ in at],
        "target": [phenotypes[j] for _, j in at],
        "change": own.mean(axis=1),
        "change_min": own.min(axis=1),
        "change_max": own.max(axis=1),
        "null_95": np.mean([test.null_95 for test in tests], axis=0),
    }
    for kind, p in (("use", [test.use_p for test in tests]), ("held_out", [test.held_out_p for test in tests])):
        columns[f"{kind}_p_value"] = agreed(p)
        columns[f"{kind}_q_value"] = q_values(columns[f"{kind}_p_value"])
    return GeneKnockouts(pd.DataFrame(columns), changes, np.stack([test.edge_p for test in tests]), rows, list(phenotypes))


@dataclass(frozen=True)
class _Tests:
    """The tests of the m genes in one network: (m,) each, and those of edges (m, n, n)."""

    null_95: np.ndarray
    use_p: np.ndarray
    held_out_p: np.ndarray
    edge_p: np.ndarray


def _against_permutations(model: Model, changes: np.ndarray, cells: Cells, rows: list[int], permutations: int, seed: int) -> _Tests:
    n, rng = changes.shape[1], np.random.default_rng(seed)
    found = []
    for g, change in enumerate(progress(list(changes), "knockout null")):
        null, likelihoods = permuted(model, cells, g, n, permutations, rng)
        most = largest(null, rows)
        edge_p = [[p_value(np.abs(null[:, i, j]), abs(change[i, j])) for j in range(n)] for i in range(n)]
        p = p_value(most, float(largest(change, rows))), p_value(likelihoods[:-1], likelihoods[-1])
        found.append((np.quantile(most, 0.95), *p, edge_p))
    return _Tests(*(np.array(parts) for parts in zip(*found, strict=True)))


def knock_out_genes(
    file: PreparedFile, networks: Sequence[nn.Module], *, cells_each: int, permutations: int, level: float, seed: int
) -> GeneKnockouts:
    """:func:`genes_against_null` of a network, trained with several seeds, on at most ``cells_each`` held-out cells of each phenotype.

    Raises InputError for static labels, which are no transitions, and for too few permutations.
    """
    check_transitions(file.targets)
    models = [transition_function(network) for network in networks]
    null = {"permutations": permutations, "level": level, "seed": seed}
    return genes_against_null(
        models, some_held_out(file, cells_each), file.prepared.zero, list(file.prepared.genes), file.phenotypes, **null
    )


def some_held_out(file: PreparedFile, cells_each: int) -> Cells:
    """At most ``cells_each`` held-out cells of each phenotype."""
    prepared, cells = file.cells()
    held = cells.take(prepared.held_out)
    return held.take(some_of_each(held.phenotype, cells_each))


def with_refits(genes: pd.DataFrame, refits: Sequence[pd.DataFrame], level: float) -> pd.DataFrame:
    """The genes of :class:`GeneKnockouts` with what the test by refitting says: refit_p_value, refit_q_value, seeds_calling, significant.

    ``refits`` are its tables, one of each seed. p is the largest of the seeds, so that a significant gene (q up to ``level``) is one in
    each of them; ``seeds_calling`` counts those that would call it alone. Without refits nothing is called.
    """
    if not refits:
        return genes.assign(refit_p_value=np.nan, refit_q_value=np.nan, seeds_calling=0, significant=False)
    tables = [table.set_index("gene").loc[list(genes["gene"])] for table in refits]
    p = agreed([table["refit_p_value"] for table in tables])
    calling = np.sum([table["refit_q_value"] <= level for table in tables], axis=0)
    q = q_values(p)
    return genes.assign(refit_p_value=p, refit_q_value=q, seeds_calling=calling, significant=q <= level)


def some_of_each(phenotype: np.ndarray, n: int) -> np.ndarray:
    """Places of the first ``n`` cells of each phenotype, in order."""
    return np.sort(np.concatenate([np.flatnonzero(phenotype == code)[:n] for code in np.unique(phenotype)]))
