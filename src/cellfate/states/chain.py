"""What follows from the counts: transition matrices, absorption, entropy, and whether they are a Markov chain."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.states.counting import Counted
from cellfate.states.tables import CHAIN_TABLES
from cellfate.statistics.bootstrap import bootstrap_counts
from cellfate.statistics.chains.checks import FAILS, NOT_JUDGED, UNITS, check_chain
from cellfate.statistics.chains.markov import absorption_probabilities, chapman_kolmogorov, overall_entropy, row_entropy

INTERVAL = (2.5, 97.5)  # percentiles
ALL = "all"


def tabulate_states(
    groups: Sequence[Counted], lag: int, steps: Sequence[int], *, smoothing: float, bootstrap: int, seed: int
) -> dict[str, pd.DataFrame]:
    """The tables state_transitions, state_absorption, state_entropy, state_checks and state_check_entries of all groups.

    Intervals are 95 % percentile bootstrap intervals over recordings (lineages where there is one recording), null with one.
    Values of a state that a group never leaves, and absorption where the group saw no fate, are null.
    """
    tables: dict[str, list[pd.DataFrame]] = {}
    for counted in groups:
        draws = bootstrap_counts(len(counted.counts[lag]), bootstrap, np.random.default_rng(seed))
        for name, rows in {**_chain_rows(counted, lag, smoothing, draws), **_check_rows(counted, lag, steps, smoothing, draws)}.items():
            tables.setdefault(name, []).append(pd.DataFrame(rows, columns=list(CHAIN_TABLES[name].columns)))
    return {name: pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True) for name, parts in tables.items()}


def _chain_rows(counted: Counted, lag: int, smoothing: float, draws: np.ndarray) -> dict[str, list[dict]]:
    n, names = counted.n_states, counted.names()
    counts = counted.counts[lag].sum(axis=0)
    sources = counts[:n].sum(axis=1)
    P = counted.matrix(counts, smoothing)
    drawn = np.tensordot(draws, counted.counts[lag], axes=1)
    matrices = np.stack([counted.matrix(own, smoothing) for own in drawn])
    entropies = np.column_stack([row_entropy(matrices[:, :n]), [_overall(own, P_) for own, P_ in zip(drawn[:, :n], matrices, strict=True)]])
    entropy = [*row_entropy(P[:n]), overall_entropy(P[:n], sources)]
    P_low, P_high = _limits(matrices, draws)
    H_low, H_high = _limits(entropies, draws)
    known = [*(sources > 0), True]
    transitions, absorption = [], []
    for i in range(n):
        for j, target in enumerate(names):
            row = {"group": counted.group, "lag": lag, "source": names[i], "target": target, "kind": "state" if j < n else "fate"}
            row |= {"count": int(counts[i, j])} | _estimate("probability", P[i, j], P_low[i, j], P_high[i, j], known[i])
            transitions.append(row)
    if counted.fates:
        absorbing = list(range(n, len(names)))
        B = absorption_probabilities(P, absorbing)
        B_low, B_high = _limits(np.stack([absorption_probabilities(own, absorbing) for own in matrices]), draws)
        for i in range(n):
            for a, fate in enumerate(counted.fates):
                row = {"group": counted.group, "source": names[i], "fate": fate, "n_cells": counted.absorbed[fate]}
                absorption.append(row | _estimate("probability", B[i, a], B_low[i, a], B_high[i, a], known[i]))
    shared = {"group": counted.group, "n_cells": counted.n_cells, "n_units": draws.shape[1]}
    rows = zip([*names[:n], ALL], [*sources, sources.sum()], entropy, H_low, H_high, known, strict=True)
    entropy_rows = [shared | {"source": s, "n_transitions": int(c)} | _estimate("entropy", *rest) for s, c, *rest in rows]
    return {"state_transitions": transitions, "state_absorption": absorption, "state_entropy": entropy_rows}


def _overall(counts: np.ndarray, P: np.ndarray) -> float:
    return overall_entropy(P[: len(counts)], counts.sum(axis=1))


def _estimate(name: str, value: float, low: float, high: float, known: bool = True) -> dict[str, float]:
    return {name: value, "ci_low": low, "ci_high": high} if known else {name: np.nan, "ci_low": np.nan, "ci_high": np.nan}


def _limits(values: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % limits over the first axis; NaN where there is one unit to draw."""
    if draws.shape[1] < 2:
        return np.full(values.shape[1:], np.nan), np.full(values.shape[1:], np.nan)
    low, high = np.percentile(values, INTERVAL, axis=0)
    return low, high


def _check_rows(counted: Counted, lag: int, steps: Sequence[int], smoothing: float, draws: np.ndarray) -> dict[str, list[dict]]:
    """P(lag)^k against P counted at k lags: :func:`cellfate.statistics.chains.checks.check_chain`."""
    n, names, checks, entries = counted.n_states, counted.names(), [], []
    one, drawn_one = counted.counts[lag], np.tensordot(draws, counted.counts[lag], axes=1)
    P, n_units = counted.matrix(one.sum(axis=0), smoothing), draws.shape[1]
    one_steps = [counted.matrix(own, smoothing) for own in drawn_one]
    for k in steps:
        many = counted.counts[k * lag]
        counts = many.sum(axis=0)
        sources = counts[:n].sum(axis=1)
        if sources.sum() == 0:
            continue
        counted_far = counted.matrix(counts, smoothing)
        difference = chapman_kolmogorov(P, counted_far, k)
        resampled = [
            chapman_kolmogorov(P_, counted.matrix(own, smoothing), k)
            for P_, own in zip(one_steps, np.tensordot(draws, many, axes=1), strict=True)
        ]
        found = check_chain(difference, np.stack(resampled), sources / sources.sum(), n_units=n_units, n_checks=len(steps))
        shared = {"group": counted.group, "steps": k, "lag": k * lag}
        checks.append(shared | found.columns() | {"n_transitions": int(sources.sum()), "n_units": n_units})
        low, high = _limits(difference + found.noise, draws)
        for i in np.flatnonzero(sources):
            for j, target in enumerate(names):
                row = shared | {"source": names[i], "target": target, "predicted": np.clip(counted_far[i, j] + difference[i, j], 0, 1)}
                entries.append(row | {"counted": counted_far[i, j]} | _estimate("difference", difference[i, j], low[i, j], high[i, j]))
    return {"state_checks": checks, "state_check_entries": entries}


def verdict_in_words(checks: pd.DataFrame, group: str) -> str:
    """One sentence about the Chapman-Kolmogorov check of a group: the worst of its steps, by its p-value, then its size."""
    own = checks[checks["group"] == group]
    if own.empty:
        return "Chapman-Kolmogorov not checked: no track is long enough"
    if (own["verdict"] == NOT_JUDGED).all():
        return f"Chapman-Kolmogorov not judged: fewer than {UNITS} recordings or lineages"
    worst = own.sort_values(["p_value", "misplaced"], ascending=[True, False]).iloc[0]
    verdict = "FAILS" if (own["verdict"] == FAILS).any() else "holds"
    found = f"P^{worst['steps']} misplaces {100 * worst['misplaced']:.1f} % of the cells"
    return f"Chapman-Kolmogorov {verdict}: {found} (sampling error {100 * worst['sampling_95']:.1f} %, p = {worst['p_value']:.2g})"


def findings(groups: Sequence[Counted], checks: pd.DataFrame) -> str:
    """A line for each group: its cells, how many reached which fate, and the verdict of the check."""
    lines = []
    for counted in groups:
        fates = ", ".join(f"{n} to {fate}" for fate, n in counted.absorbed.items()) or "none to a fate"
        lines.append(f"tabulate_states {counted.group}: {counted.n_cells} cells, {fates}. {verdict_in_words(checks, counted.group)}")
    return "\n".join(lines)
