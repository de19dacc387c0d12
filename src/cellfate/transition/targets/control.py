"""What transport over time points rests on: P without growth, what growth alone would give, and how fast types would have to grow.

The control without switching: later cells are drawn from one half of the earlier ones, type by type, so that nothing switched and
types only grew; the other half is transported to them with the same settings. What that P has off its diagonal, the proportions
alone give.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.transition.targets.growth import MEASURED, Growth
from cellfate.transition.targets.transport import Pair, transport_pair

DRAWS = 9  # of the control, of which the highest is looked at
CELLS = 600  # of a time point at most, in the control
SHOWN = 0.05  # probabilities of switching below are not called


def mean_rows(rows: np.ndarray, labels: np.ndarray, n_phenotypes: int, weights: np.ndarray) -> np.ndarray:
    """P (n, n): the mean of the ``rows`` (A, n) of each phenotype by ``weights`` (A,); NaN where a phenotype has no cell."""
    present = np.eye(n_phenotypes)[labels] * weights[:, None]
    totals = present.sum(axis=0)[:, None]
    return np.divide(present.T @ rows, totals, out=np.full((n_phenotypes, rows.shape[1]), np.nan), where=totals > 0)


def pair_tables(
    space: np.ndarray,
    labels: np.ndarray,
    times: np.ndarray,
    names: Sequence[str],
    pair: Pair,
    growth: Growth,
    settings: Mapping[str, object],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables transition_pairs (P under each assumption) and transition_growth (rates of each phenotype) of one pair.

    ``settings`` are those of :func:`cellfate.transition.targets.transport.transport_pair`.
    """
    n = len(names)
    first = labels[pair.first]
    used = mean_rows(pair.rows, first, n, np.ones(len(first)))
    descendants = mean_rows(pair.rows, first, n, pair.mass)
    steady = transport_pair(space, labels, times, n, (pair.early, pair.late), growth=Growth("none", None, None), **settings)
    controls = _controls(space, labels, names, pair, growth, settings)
    sizes = np.bincount(first, minlength=n)
    columns = {
        "early": pair.early,
        "late": pair.late,
        "source": np.repeat(list(names), n),
        "target": np.tile(list(names), n),
        "n_cells": np.repeat(sizes, n),
        "probability": used.ravel(),
        "per_descendant": descendants.ravel(),
        "without_growth": mean_rows(steady.rows, first, n, np.ones(len(first))).ravel(),
        "control": controls.mean(axis=0).ravel(),
        "control_high": controls.max(axis=0).ravel(),
    }
    table = pd.DataFrame(columns).query("n_cells > 0")
    table = table.assign(explained=(table["source"] != table["target"]) & (table["probability"] <= table["control_high"]))
    return table, _growth_table(labels, names, pair)


def _controls(
    space: np.ndarray, labels: np.ndarray, names: Sequence[str], pair: Pair, growth: Growth, settings: Mapping[str, object]
) -> np.ndarray:
    """P (DRAWS, n, n) where no cell switches; NaN for phenotypes with fewer than two earlier cells.

    All NaN where no phenotype is there at both times: then cells must have switched.
    """
    n, found = len(names), []
    first = labels[pair.first]
    shares = _control_shares(first, labels[pair.second], n, growth, pair)
    for draw in range(DRAWS):
        rng = np.random.default_rng(draw)
        half, other = _halves(first, rng)
        mothers = pair.first[half]
        own = labels[pair.first[other]]
        weights = np.divide(shares, np.bincount(own, minlength=n), out=np.zeros(n), where=np.bincount(own, minlength=n) > 0)[own]
        if weights.sum() == 0:
            return np.full((DRAWS, n, n), np.nan)
        drawn = rng.choice(pair.first[other], min(CELLS, len(pair.second)), p=weights / weights.sum())
        chosen = np.concatenate([mothers, drawn])
        when = np.repeat([pair.early, pair.late], [len(mothers), len(drawn)])
        moved = transport_pair(space[chosen], labels[chosen], when, n, (pair.early, pair.late), growth=growth.take(chosen), **settings)
        found.append(mean_rows(moved.rows, labels[mothers], n, np.ones(len(mothers))))
    return np.stack(found)


def _control_shares(first: np.ndarray, second: np.ndarray, n: int, growth: Growth, pair: Pair) -> np.ndarray:
    """The proportions (n,) of the later cells in the control: as the given rates make them, else as they were seen."""
    if growth.source in MEASURED:
        return np.bincount(first, growth.take(pair.first).weights(pair.days), minlength=n)
    return np.bincount(second, minlength=n) / len(second)


def _halves(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places of two halves of the cells, each phenotype halved, at most CELLS in the first."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    first, second = np.sort(order[::2]), np.sort(order[1::2])
    return (first if len(first) <= CELLS else np.sort(rng.choice(first, CELLS, replace=False))), second


def _growth_table(labels: np.ndarray, names: Sequence[str], pair: Pair) -> pd.DataFrame:
    """Net growth of each phenotype per day, over that of all cells: as the transport has it, and as no switching at all would need."""
    n = len(names)
    early, late = (np.bincount(labels[places], minlength=n) for places in (pair.first, pair.second))
    used = np.bincount(labels[pair.first], pair.mass, minlength=n)
    shares = early / early.sum(), late / late.sum()
    table = pd.DataFrame({"early": pair.early, "late": pair.late, "phenotype": list(names), "n_early": early, "n_late": late})
    table["share_early"], table["share_late"] = shares
    table["rate_used"] = _rate(shares[0], used, pair.days)
    table["rate_without_switching"] = _rate(*shares, pair.days)
    return table


def _rate(before: np.ndarray, after: np.ndarray, days: float) -> np.ndarray:
    known = (before > 0) & (after > 0)
    return np.where(known, np.log(np.where(known, after, 1.0) / np.where(known, before, 1.0)) / days, np.nan)


def warnings_of(pairs: pd.DataFrame, growth: pd.DataFrame, *, measured: bool) -> list[str]:
    """What a reader must know of one pair of time points, a sentence each: switching that growth alone would give, and the range of P.

    There is no such range with ``measured`` rates.
    """
    found = []
    steps = f"from time {pairs['early'].iloc[0]:g} to {pairs['late'].iloc[0]:g}"
    switching = pairs[(pairs["source"] != pairs["target"]) & (pairs["probability"] >= SHOWN)]
    explained = switching[switching["explained"]]
    if len(explained):
        named = ", ".join(f"{row.source} > {row.target} {row.probability:.2f}" for row in explained.itertuples())
        rates = growth["rate_without_switching"].dropna()
        found.append(
            f"WARNING {steps}: growth alone could explain {named}: with no switching at all the same transport gives as much "
            f"(net growth would have to differ by {rates.max() - rates.min():.2f} per day)"
        )
    off = pairs[pairs["source"] != pairs["target"]]
    apart = (off["without_growth"] - off["probability"]).abs()
    if not measured and len(apart) and apart.max() >= SHOWN:
        row = off.loc[apart.idxmax()]
        found.append(
            f"WARNING {steps}: P({row['source']} > {row['target']}) is {row['probability']:.2f}, and {row['without_growth']:.2f} if all "
            "cells grew alike; snapshots cannot tell growth from switching, measured growth rates can"
        )
    return found
