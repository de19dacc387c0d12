"""In-silico knockouts of gene sets, against matched random sets: an association of the model, not a causal effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import nn

from cellfate.transition.cells import Cells, Model
from cellfate.transition.files import PreparedFile
from cellfate.transition.genes.calls import agreed, p_value, q_values
from cellfate.transition.genes.knockouts import knockout_effects, largest, moving, some_held_out, strongest
from cellfate.transition.genes.variable import SHOWN, named_genes
from cellfate.transition.network.training import transition_function
from cellfate.transition.targets.observed import check_transitions

FEWEST = 2  # genes of a set that must be there; the knockout of one is that of a gene
STRATA = 4  # of mean expression, within which random sets are matched
SET_COLUMNS = ["gene_set", "n_genes", "n_absent", "absent", "left_out", "source", "target", "change", "change_min", "change_max"]
SET_COLUMNS += ["statistic", "null_median", "null_95", "own_edge_random", "ratio", "p_value", "q_value"]
DRAW_COLUMNS = ["gene_set", "draw", "statistic", "change"]


@dataclass(frozen=True)
class FoundSet:
    """A gene set among the genes of the analysis: ``places`` of its genes, those that are ``absent``, and why it is left out, or None."""

    name: str
    places: list[int]
    absent: list[str]
    left_out: str | None

    def report(self) -> str | None:
        """What a reader must know of a set that is not whole, in a line; None for a whole one."""
        if not self.absent and self.left_out is None:
            return None
        more = f" and {len(self.absent) - SHOWN} more" if len(self.absent) > SHOWN else ""
        absent = f"{len(self.absent)} of {len(self.absent) + len(self.places)} genes are not there: {', '.join(self.absent[:SHOWN])}{more}"
        end = f"; left out: {self.left_out}" if self.left_out else f"; tested with the other {len(self.places)}"
        return f"gene set {self.name}: {absent if self.absent else 'all genes are there'}{end}"


def found_sets(sets: Mapping[str, Sequence[str]], genes: Sequence[str]) -> list[FoundSet]:
    """Which genes of each set are among ``genes``; a set is left out with fewer than two, or where too few others are left to compare."""
    found = []
    for name, members in sets.items():
        own, absent = named_genes(genes, members)
        found.append(FoundSet(name, own, absent, _left_out(own, absent, genes)))
    return found


def _left_out(own: list[int], absent: list[str], genes: Sequence[str]) -> str | None:
    if len(own) < FEWEST:
        folded = {gene.upper() for gene in genes}
        alike = sum(gene.upper() in folded for gene in absent)
        case = f"; {alike} would be there but for upper and lower case" if alike else ""
        return f"{len(own)} of its genes {'is' if len(own) == 1 else 'are'} there, at least {FEWEST} are needed{case}"
    others = len(genes) - len(own)
    return f"only {others} other genes to draw random sets of {len(own)} from" if others < len(own) else None


def matched_sets(genes: Sequence[int], mean_expression: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """``draws`` random sets (draws, K) of other genes, one for each of ``genes`` from its quarter of mean expression.

    A quarter with too few other genes is filled from its neighbours; as many other genes are needed as there are in the set.
    """
    genes = np.asarray(genes)
    others = np.setdiff1d(np.arange(len(mean_expression)), genes)
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
    models: Sequence[Model],
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

    ``models`` are the same network from several seeds: changes are their mean, and p is the largest of the seeds. The statistic is the
    largest |change of P|; Benjamini-Hochberg over sets. Returns the sets (the columns SET_COLUMNS) and every draw (gene_set, draw,
    statistic, change). ``change`` of a draw is that of the set's own strongest edge, ``own_edge_random`` its mean size and ``ratio``
    how many times more the set does there. A set is tested with those of its genes that are there; one that cannot be tested has
    its reason in ``left_out``, and no numbers.
    """
    n, rows, rng = len(phenotypes), moving(cells, len(phenotypes)), np.random.default_rng(seed)
    found, tables = [], []
    for own in found_sets(sets, genes):
        row = {"gene_set": own.name, "n_genes": len(own.places), "n_absent": len(own.absent)}
        row |= {"absent": " ".join(own.absent) or None, "left_out": own.left_out}
        if own.left_out is None:
            random = matched_sets(own.places, mean_expression, set_draws, rng)
            both = [own.places, *random]
            effects = np.stack([knockout_effects(model, cells, zero, both, n, f"random sets for {own.name}") for model in models])
            numbers, draws = _set_against_draws(effects, rows, phenotypes)
            row |= numbers
            tables.append(draws.assign(gene_set=own.name))
        found.append(row)
    table = pd.DataFrame(found).reindex(columns=SET_COLUMNS)
    table["q_value"] = q_values(table["p_value"])
    return table, pd.concat(tables, ignore_index=True)[DRAW_COLUMNS] if tables else pd.DataFrame(columns=DRAW_COLUMNS)


def knock_out_gene_sets(
    file: PreparedFile, networks: Sequence[nn.Module], sets: Mapping[str, Sequence[str]], *, cells_each: int, set_draws: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`sets_against_null` of a network, trained with several seeds, on at most ``cells_each`` held-out cells of each phenotype.

    Raises InputError for static labels, which are no transitions.
    """
    check_transitions(file.targets)
    prepared, cells = file.prepared, some_held_out(file, cells_each)
    genes, means = list(prepared.genes), prepared.log_expression.mean(axis=0)
    models = [transition_function(network) for network in networks]
    return sets_against_null(models, cells, prepared.zero, genes, sets, means, file.phenotypes, set_draws=set_draws, seed=seed)


def _set_against_draws(effects: np.ndarray, rows: list[int], phenotypes: Sequence[str]) -> tuple[dict[str, object], pd.DataFrame]:
    """Changes of P (S, 1 + R, n, n) of a set and, after it, its random sets: the set's row without its name, and the draws."""
    p = [p_value(sizes[1:], sizes[0]) for sizes in largest(effects, rows)]
    mean = effects.mean(axis=0)
    i, j = strongest(mean[0], rows)
    most = largest(mean, rows)
    random = float(np.abs(mean[1:, i, j]).mean())
    row = {
        "source": phenotypes[i],
        "target": phenotypes[j],
        "change": mean[0, i, j],
        "change_min": effects[:, 0, i, j].min(),
        "change_max": effects[:, 0, i, j].max(),
        "statistic": most[0],
        "null_median": float(np.median(most[1:])),
        "null_95": float(np.quantile(most[1:], 0.95)),
        "own_edge_random": random,
        "ratio": most[0] / max(random, 1e-12),
        "p_value": float(agreed(p)),
    }
    return row, pd.DataFrame({"draw": np.arange(len(mean) - 1), "statistic": most[1:], "change": mean[1:, i, j]})
