"""In-silico knockouts of genes and gene sets: an association of the model, not a causal effect.

A model is a function q(expression (N, m), embedding (N, d), phenotype (N,)) -> (N, n), the distribution over next phenotypes. A
knockout sets expression to zero counts (``zero`` (m,) on the model's scale) and holds everything else, the observed present
phenotype and the embedding among it. P_ij is the mean of q_j over the cells of phenotype i, held-out cells only.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control
from torch import nn

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.transition.files import PreparedFile
from cellfate.transition.metrics import mean_by_phenotype
from cellfate.transition.network.training import Cells, Model, transition_function
from cellfate.transition.targets.observed import check_transitions

SMALLEST = 1e-6  # probabilities are kept above this in likelihoods
PASS = 1024  # cells of a pass at most, where a pass holds more than one knockout
GRID = 7  # expression values per gene at which the response of each cell is computed; between them it is interpolated
SET_COLUMNS = ["gene_set", "n_genes", "source", "target", "change", "statistic", "null_median", "null_95", "own_edge_random", "ratio"]
SET_COLUMNS += ["p_value", "q_value"]
DRAW_COLUMNS = ["gene_set", "draw", "statistic", "change"]
STRATA = 4  # of mean expression, within which random sets are matched


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
    changes = np.empty((permutations, n_phenotypes, n_phenotypes))
    likelihoods = np.zeros(permutations + 1)
    for i in range(n_phenotypes):
        members = np.flatnonzero(cells.phenotype == i)
        columns = np.arange(len(members))
        low, part = place[members], share[members][:, None, None]
        # [c', c]: q of cell c with the expression of cell c', and its log-likelihood
        table = (1 - part) * curves[low][:, members] + part * curves[low + 1][:, members]
        fits = (np.log(np.clip(table, SMALLEST, 1)) * np.nan_to_num(cells.targets[members])).sum(axis=2)
        orders = np.stack([rng.permutation(len(members)) for _ in range(permutations)])
        changes[:, i] = table[orders, columns].mean(axis=1) - table[columns, columns].mean(axis=0)
        likelihoods += np.append(fits[orders, columns].sum(axis=1), fits[columns, columns].sum()) / len(cells)
    return changes, likelihoods


def genes_against_null(
    model: Model,
    cells: Cells,
    zero: np.ndarray,
    genes: Sequence[str],
    phenotypes: Sequence[str],
    *,
    permutations: int,
    level: float,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Knock each gene out and compare with ``permutations`` of the gene among the cells of its phenotype.

    The statistic of a gene is its largest |change of P| over all edges, so there is one test per gene; Benjamini-Hochberg over
    genes. Edges are tested only within significant genes, and corrected within each. Returns the genes (gene, statistic, source,
    target, change, null_95, p_value, q_value, significant, held_out_p_value, held_out_q_value) and the edges (gene, source, target,
    change, p_value, q_value).

    This asks whether the model uses a gene, and a model that was fitted to noise uses noise. ``held_out_p_value`` asks whether that
    use is right: how often the held-out targets are at least as likely with the gene permuted as with the gene itself.

    Raises InputError when the smallest attainable p, 1 / (permutations + 1), could not pass the correction even for one gene.
    """
    check_draws(permutations, len(genes), level)
    n = len(phenotypes)
    effects = knockout_effects(model, cells, zero, [[g] for g in range(len(genes))], n)
    rng = np.random.default_rng(seed)
    rows, edge_p = [], []
    for g, name in enumerate(progress(list(genes), "knockout null")):
        changes, likelihoods = permuted(model, cells, g, n, permutations, rng)
        null = np.abs(changes)
        statistic = np.abs(effects[g]).max()
        largest = null.max(axis=(1, 2))
        i, j = np.unravel_index(np.abs(effects[g]).argmax(), (n, n))
        rows.append(
            (
                name,
                statistic,
                phenotypes[i],
                phenotypes[j],
                effects[g, i, j],
                np.quantile(largest, 0.95),
                p_value(largest, statistic),
                p_value(likelihoods[:-1], likelihoods[-1]),
            )
        )
        edge_p.append(np.array([[p_value(null[:, a, b], abs(effects[g, a, b])) for b in range(n)] for a in range(n)]))
    table = pd.DataFrame(rows, columns=["gene", "statistic", "source", "target", "change", "null_95", "p_value", "held_out_p_value"])
    for kind in ("", "held_out_"):
        table[f"{kind}q_value"] = false_discovery_control(table[f"{kind}p_value"])
    table["significant"] = table["q_value"] <= level
    edges = [_edges(genes[g], effects[g], edge_p[g], phenotypes) for g in np.flatnonzero(table["significant"])]
    columns = ["gene", "source", "target", "change", "p_value", "q_value"]
    return table, pd.concat(edges, ignore_index=True) if edges else pd.DataFrame(columns=columns)


def knock_out_genes(
    file: PreparedFile, network: nn.Module, *, cells_each: int, permutations: int, level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`genes_against_null` of a trained network on at most ``cells_each`` held-out cells of each phenotype.

    Raises InputError for static labels, which are no transitions, and for too few permutations.
    """
    check_transitions(file.targets)
    genes, model = list(file.prepared.genes), transition_function(network)
    null = {"permutations": permutations, "level": level, "seed": seed}
    return genes_against_null(model, _some_held_out(file, cells_each), file.prepared.zero, genes, file.phenotypes, **null)


def _some_held_out(file: PreparedFile, cells_each: int) -> Cells:
    prepared, cells = file.cells()
    held = cells.take(prepared.held_out)
    return held.take(some_of_each(held.phenotype, cells_each))


def report(q_values: pd.Series, level: float, draws: int, what: str) -> str:
    """How many tests pass at ``level``, and the smallest p that ``draws`` can give beside the one that a lone ``what`` needs."""
    passed = f"{int((q_values <= level).sum())} of {len(q_values)} {what}s"
    return f"{passed}; smallest attainable p {smallest_p(draws):.2g}, a lone {what} needs {level / max(len(q_values), 1):.2g}"


def smallest_p(draws: int) -> float:
    """The smallest p-value that ``draws`` random draws can give."""
    return 1 / (draws + 1)


def with_refits(genes: pd.DataFrame, refits: pd.DataFrame | None) -> pd.DataFrame:
    """The genes of :func:`genes_against_null` with refit_p_value and refit_q_value beside them, NaN where nothing was refitted."""
    if refits is None:
        return genes.assign(refit_p_value=np.nan, refit_q_value=np.nan)
    return genes.merge(refits[["gene", "refit_p_value", "refit_q_value"]], on="gene", validate="one_to_one")


def check_draws(permutations: int, n_genes: int, level: float) -> None:
    """Raises InputError when the smallest attainable p could not pass the correction even for one gene of ``n_genes``."""
    if smallest_p(permutations) > level / n_genes:
        needed = int(np.ceil(n_genes / level))
        raise InputError(
            f"transition.knockouts.permutations is {permutations}: a lone gene could never be found among {n_genes}; {needed} are needed"
        )


def p_value(null: np.ndarray, statistic: float) -> float:
    return float((1 + (null >= statistic - 1e-12).sum()) / (len(null) + 1))


def _edges(gene: str, change: np.ndarray, p: np.ndarray, phenotypes: Sequence[str]) -> pd.DataFrame:
    source, target = np.meshgrid(phenotypes, phenotypes, indexing="ij")
    table = pd.DataFrame({"gene": gene, "source": source.ravel(), "target": target.ravel(), "change": change.ravel(), "p_value": p.ravel()})
    return table.assign(q_value=false_discovery_control(table["p_value"]))


def matched_sets(genes: Sequence[int], mean_expression: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """``draws`` random sets (draws, K) of other genes, one for each of ``genes`` from its quarter of mean expression.

    A quarter with too few other genes is filled from its neighbours. Raises InputError when there are fewer other genes than set genes.
    """
    genes = np.asarray(genes)
    others = np.setdiff1d(np.arange(len(mean_expression)), genes)
    if len(others) < len(genes):
        raise InputError(f"gene set of {len(genes)}: only {len(others)} other genes to draw random sets from")
    edges = np.quantile(mean_expression, np.linspace(0, 1, STRATA + 1)[1:-1])
    stratum = np.searchsorted(edges, mean_expression)
    found = np.empty((draws, len(genes)), int)
    for draw in range(draws):
        free = set(others.tolist())
        for place, gene in enumerate(genes):
            options = np.array(sorted(free))
            away = np.abs(stratum[options] - stratum[gene])
            options = options[away == away.min()]
            found[draw, place] = rng.choice(options)
            free.discard(int(found[draw, place]))
    return found


def sets_against_null(
    model: Model,
    cells: Cells,
    zero: np.ndarray,
    genes: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    mean_expression: np.ndarray,
    phenotypes: Sequence[str],
    *,
    set_draws: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Knock out each named set and compare with ``set_draws`` random sets of the same size and mean expression.

    The statistic is the largest |change of P|; Benjamini-Hochberg over sets. Returns the sets (gene_set, n_genes, source, target,
    change, statistic, null_median, null_95, own_edge_random, ratio, p_value, q_value) and every draw (gene_set, draw, statistic,
    change). ``change`` of a draw is that of the set's own strongest edge, ``own_edge_random`` its mean size and ``ratio`` how many
    times more the set does there.

    Raises InputError for a gene that is not there, naming the set.
    """
    places = {name: place for place, name in enumerate(genes)}
    rng = np.random.default_rng(seed)
    rows, tables = [], []
    for name, members in sets.items():
        absent = [gene for gene in members if gene not in places]
        if absent:
            raise InputError(f"gene set {name}: gene {absent[0]!r} is not among the {len(genes)} genes of the analysis")
        own = [places[gene] for gene in members]
        effect = knockout_effects(model, cells, zero, [own], len(phenotypes))[0]
        random = matched_sets(own, mean_expression, set_draws, rng)
        null = knockout_effects(model, cells, zero, random, len(phenotypes), f"random sets for {name}")
        row, table = _set_against_draws(effect, null, phenotypes)
        rows.append({"gene_set": name, "n_genes": len(own)} | row)
        tables.append(table.assign(gene_set=name))
    if not rows:
        return pd.DataFrame(columns=SET_COLUMNS), pd.DataFrame(columns=DRAW_COLUMNS)
    table = pd.DataFrame(rows)
    table["q_value"] = false_discovery_control(table["p_value"])
    return table[SET_COLUMNS], pd.concat(tables, ignore_index=True)[DRAW_COLUMNS]


def knock_out_gene_sets(
    file: PreparedFile, network: nn.Module, sets: Mapping[str, Sequence[str]], *, cells_each: int, set_draws: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`sets_against_null` of a trained network on at most ``cells_each`` held-out cells of each phenotype.

    Raises InputError for static labels, which are no transitions, and for a gene that is not there.
    """
    check_transitions(file.targets)
    prepared, cells = file.prepared, _some_held_out(file, cells_each)
    genes, means = list(prepared.genes), prepared.log_expression.mean(axis=0)
    model = transition_function(network)
    return sets_against_null(model, cells, prepared.zero, genes, sets, means, file.phenotypes, set_draws=set_draws, seed=seed)


def _set_against_draws(effect: np.ndarray, null: np.ndarray, phenotypes: Sequence[str]) -> tuple[dict[str, object], pd.DataFrame]:
    """A set's change of P (n, n) beside those of its random sets (R, n, n): the set's row without its name, and the draws."""
    i, j = np.unravel_index(np.abs(effect).argmax(), effect.shape)
    statistic, largest = float(np.abs(effect).max()), np.abs(null).max(axis=(1, 2))
    random = float(np.abs(null[:, i, j]).mean())
    row = {
        "source": phenotypes[i],
        "target": phenotypes[j],
        "change": effect[i, j],
        "statistic": statistic,
        "null_median": float(np.median(largest)),
        "null_95": float(np.quantile(largest, 0.95)),
        "own_edge_random": random,
        "ratio": statistic / max(random, 1e-12),
        "p_value": p_value(largest, statistic),
    }
    return row, pd.DataFrame({"draw": np.arange(len(null)), "statistic": largest, "change": null[:, i, j]})


def some_of_each(phenotype: np.ndarray, n: int) -> np.ndarray:
    """Places of the first ``n`` cells of each phenotype, in order."""
    return np.sort(np.concatenate([np.flatnonzero(phenotype == code)[:n] for code in np.unique(phenotype)]))
