"""Fates of single cells: the probability of each from a cell's own next phenotypes on, its trends, and the genes that go with it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from cellfate.statistics.bootstrap import bootstrap_counts
from cellfate.statistics.chains.markov import absorption_probabilities
from cellfate.statistics.permutation import benjamini_hochberg
from cellfate.transition.fates.chain import ending, own_matrix, with_exits
from cellfate.transition.files import PreparedFile
from cellfate.transition.tables import FATE_DRIVERS

INTERVAL = (2.5, 97.5)  # percentiles
FEWEST = 10  # cells of a bin of a trend, and of a phenotype whose genes are looked at


def cell_fates(file: PreparedFile, P: np.ndarray, terminal: Sequence[int]) -> np.ndarray:
    """The probability of each ``terminal`` phenotype for each cell (N, A): one step by its own target, then the chain ``P``."""
    closed = ending(P, terminal)
    ends = absorption_probabilities(closed, list(terminal))
    found = file.targets @ ends
    inside = np.isin(file.phenotype, list(terminal))
    found[inside] = ends[file.phenotype[inside]]  # a terminal cell has its fate
    return found


def cell_table(file: PreparedFile, fates: np.ndarray, terminal: Sequence[int]) -> pd.DataFrame:
    """The table cell_fates: phenotype, what trends follow, and ``f_<fate>`` of each cell."""
    names = np.array(file.phenotypes, dtype=object)
    table = pd.DataFrame({"cell": file.prepared.cells, "phenotype": names[file.phenotype]})
    table["along"] = np.nan if file.along is None else file.along
    return table.assign(**{f"f_{names[place]}": np.clip(fates[:, a], 0, 1) for a, place in enumerate(terminal)})


def fate_trends(file: PreparedFile, fates: np.ndarray, terminal: Sequence[int], *, bins: int, bootstrap: int, seed: int) -> pd.DataFrame:
    """The table fate_trends: the mean probability of each fate over cells that are not terminal, in ``bins`` of equal numbers of cells.

    Bins follow ``file.along``; equal values stay together, so there may be fewer. Intervals are percentiles over draws of cells, of groups
    where they are named. Bins with fewer than FEWEST cells are left out.
    """
    chosen = np.flatnonzero(~np.isin(file.phenotype, list(terminal)))
    along = file.along[chosen]
    edges = np.unique(np.quantile(along, np.linspace(0, 1, bins + 1)))
    edges = edges if len(edges) > 1 else np.array([edges[0], edges[0]])
    place = np.clip(np.searchsorted(edges, along, side="right") - 1, 0, len(edges) - 2)
    rows = []
    for number in np.unique(place):
        members = chosen[place == number]
        if len(members) < FEWEST:
            continue
        low, high = _mean_limits(fates[members], None if file.groups is None else file.groups[members], bootstrap, seed)
        shared = {"bin": int(number), "low": edges[number], "high": edges[number + 1], "middle": float(np.median(file.along[members]))}
        for a, terminal_place in enumerate(terminal):
            row = {"fate": file.phenotypes[terminal_place], "probability": float(fates[members, a].mean())}
            rows.append(shared | row | {"ci_low": low[a], "ci_high": high[a], "n_cells": len(members)})
    return pd.DataFrame(rows)


def _mean_limits(values: np.ndarray, groups: np.ndarray | None, bootstrap: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """95 % limits of the mean over cells (N, A) -> (A,); NaN with one group."""
    units = np.arange(len(values)) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    totals = np.zeros((units.max() + 1, values.shape[1] + 1))
    np.add.at(totals, units, np.column_stack([values, np.ones(len(values))]))
    if len(totals) < 2:
        return np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    drawn = bootstrap_counts(len(totals), bootstrap, np.random.default_rng(seed)) @ totals
    low, high = np.percentile(drawn[:, :-1] / drawn[:, -1:], INTERVAL, axis=0)
    return low, high


def fate_drivers(file: PreparedFile, terminal: Sequence[int]) -> pd.DataFrame:
    """The table fate_drivers: how each gene's log expression goes with the probability of each fate, over held-out cells.

    Cells of terminal phenotypes are left out; the chain that a cell's own next step enters is that of all other cells.
    ``correlation`` is over all such cells, so that markers of phenotypes near a fate have it too; ``within_correlation`` is over what
    expression and fate are off their means in the cell's phenotype (and group). Its p-value is that of Pearson's r; q over the genes of
    a fate. An association, no effect: genes that only go with a cause have it as well. Empty where too few cells are held out.
    """
    held = file.prepared.held_out
    others = np.setdiff1d(np.arange(len(file.phenotype)), held)
    chosen = held[~np.isin(file.phenotype[held], list(terminal))]
    strata = _strata(file, chosen)
    chosen, strata = chosen[strata >= 0], strata[strata >= 0]
    n_strata = len(np.unique(strata))
    if len(chosen) <= n_strata + 1:
        return pd.DataFrame(columns=list(FATE_DRIVERS.columns))
    chain = with_exits(own_matrix(file, others), own_matrix(file))
    fates, logs = cell_fates(file, chain, terminal)[chosen], file.prepared.log_expression[chosen]
    tables = []
    for a, place in enumerate(terminal):
        overall = _correlation(logs - logs.mean(axis=0), fates[:, a] - fates[:, a].mean())
        within = _correlation(_centred(logs, strata), _centred(fates[:, a], strata))
        p_values = _p_values(within, len(chosen) - n_strata - 1)
        columns = {"fate": file.phenotypes[place], "gene": file.prepared.genes, "correlation": overall, "within_correlation": within}
        columns |= {"p_value": p_values, "q_value": benjamini_hochberg(p_values), "n_cells": len(chosen)}
        tables.append(pd.DataFrame(columns).sort_values("p_value", kind="stable"))
    return pd.concat(tables, ignore_index=True)


def _strata(file: PreparedFile, chosen: np.ndarray) -> np.ndarray:
    """Phenotype and group of each chosen cell as a number, -1 where fewer than FEWEST cells have the same."""
    named = (
        file.phenotype[chosen].astype(str)
        if file.groups is None
        else file.phenotype[chosen].astype(str) + "\t" + file.groups[chosen].astype(str)
    )
    codes = np.unique(named, return_inverse=True)[1]
    sizes = np.bincount(codes)
    return np.where(sizes[codes] >= FEWEST, codes, -1)


def _centred(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    found = np.array(values, float)
    for code in np.unique(strata):
        found[strata == code] -= found[strata == code].mean(axis=0)
    return found


def _correlation(expression: np.ndarray, fate: np.ndarray) -> np.ndarray:
    """Pearson's r of each gene (N, m) with a fate (N,), both centred; NaN where either does not vary."""
    scale = np.sqrt((expression**2).sum(axis=0) * (fate**2).sum())
    tiny = scale <= 1e-12 * max(1.0, float(np.abs(expression).max(initial=0)))
    return np.where(tiny, np.nan, expression.T @ fate / np.where(tiny, 1, scale))


def _p_values(r: np.ndarray, freedom: int) -> np.ndarray:
    """Two-sided p-values of correlations with so many degrees of freedom; NaN where r is."""
    safe = np.clip(r, -1 + 1e-12, 1 - 1e-12)
    return 2 * student.sf(np.abs(safe) * np.sqrt(freedom / (1 - safe**2)), freedom)
