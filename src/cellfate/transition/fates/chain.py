"""Where a chain of phenotypes ends, and when: terminal phenotypes, the probability of each from each, expected times, powers of P."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.statistics.bootstrap import bootstrap_counts
from cellfate.statistics.chains.markov import (
    absorption_probabilities,
    absorption_times,
    powers,
    stable_states,
    stationary_shares,
    times_to_fates,
)
from cellfate.transition.files import PreparedFile
from cellfate.transition.metrics import mean_by_phenotype

TARGETS = "targets"  # the group of the chain that the cells' own targets make, without any network
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Terminal:
    """The phenotypes in which chains end, by their places; ``how`` they were found, in words."""

    places: list[int]
    how: str


def terminal_phenotypes(P: np.ndarray, names: Sequence[str], given: Sequence[str] | None, stability: float) -> Terminal:
    """The ``given`` ones, else those that stay what they are with a probability of at least ``stability``; and all that never change.

    Raises InputError for a given name that is no phenotype, when all phenotypes would be terminal, and when some reach no terminal one.
    """
    if given:
        unknown = [name for name in given if name not in names]
        if unknown:
            raise InputError(f"transition.terminal names {unknown[0]!r}; the phenotypes are {', '.join(names)}")
        places, how = [list(names).index(name) for name in given], "given (transition.terminal)"
    else:
        places = stable_states(P, stability)
        how = f"found: they stay what they are with a probability of at least {stability:g} (transition.fates.stability)"
    never = [place for place in stable_states(P, 1.0) if place not in places]
    if never:
        places, how = [*places, *never], f"{how}; and {', '.join(names[place] for place in never)}, of which no cell becomes another"
    _check_reached(P, names, places)
    if len(places) == len(names):
        raise InputError(f"transition: all phenotypes are terminal, {how}; nothing is left to have a fate")
    return Terminal(places, how)


def _check_reached(P: np.ndarray, names: Sequence[str], places: list[int]) -> None:
    """InputError naming the phenotypes from which no ``places`` can be reached, where there are places at all."""
    reached = np.isin(np.arange(len(P)), places)
    for _ in range(len(P)):
        reached = reached | (P[:, reached] > 0).any(axis=1)
    if places and not reached.all():
        lost = ", ".join(name for name, there in zip(names, reached, strict=True) if not there)
        raise InputError(f"transition.terminal: from {lost} no terminal phenotype is ever reached; name one of these too")


def with_exits(P: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """P of some of the cells; a phenotype that none of them leaves has the row of ``whole``, that of all cells."""
    return np.where((np.diag(P) >= 1)[:, None], whole, P)


def own_matrix(file: PreparedFile, chosen: np.ndarray | None = None) -> np.ndarray:
    """P (n, n) by the cells' own targets, of those ``chosen`` (places) where given; a phenotype without any stays what it is."""
    cells = np.arange(len(file.phenotype)) if chosen is None else chosen
    return closed(mean_by_phenotype(file.targets[cells], file.phenotype[cells], len(file.phenotypes)))


def closed(P: np.ndarray) -> np.ndarray:
    """P with phenotypes of which nothing is known, rows of NaN, as absorbing ones."""
    return np.where(np.isnan(P).any(axis=1)[:, None], np.eye(len(P)), P)


def ending(P: np.ndarray, terminal: Sequence[int]) -> np.ndarray:
    """P in which the ``terminal`` phenotypes absorb."""
    found = np.array(P, float)
    found[list(terminal)] = np.eye(len(P))[list(terminal)]
    return found


def fate_tables(
    matrices: dict[str, np.ndarray], file: PreparedFile, terminal: Terminal, *, days: float, bootstrap: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables transition_fates and fate_times of each chain in ``matrices``, by its name; a step takes ``days``, NaN: unknown.

    The intervals of the chain of the targets are percentiles over ``bootstrap`` draws of cells, of groups where they are named; other
    chains have none, as the error of their training is not in any resampling of predictions.
    """
    fates, times = [], []
    for name, P in matrices.items():
        units = (file.targets, file.phenotype, file.groups, len(file.phenotypes))
        draws = resampled_matrices(*units, bootstrap=bootstrap, seed=seed) if name == TARGETS else []
        own, waited = _chain(P, terminal.places), [_chain_of_draw(drawn, P, terminal.places) for drawn in draws]
        fates += _fate_rows(name, own, waited, file, terminal)
        times += _time_rows(name, own, waited, file, terminal, days)
    return pd.DataFrame(fates), pd.DataFrame(times)


def _chain(P: np.ndarray, terminal: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ends = ending(P, terminal)
    return absorption_probabilities(ends, terminal), times_to_fates(ends, terminal), absorption_times(ends, terminal)


def _chain_of_draw(drawn: np.ndarray, P: np.ndarray, terminal: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of resampled cells; NaN in the rare draw from which some phenotypes reach no terminal one."""
    try:
        return _chain(with_exits(drawn, P), terminal)
    except InputError:
        shape = (len(P), len(terminal))
        return np.full(shape, np.nan), np.full(shape, np.nan), np.full(len(P), np.nan)


def resampled_matrices(
    targets: np.ndarray, phenotype: np.ndarray, groups: np.ndarray | None, n_phenotypes: int, *, bootstrap: int, seed: int
) -> np.ndarray:
    """P (R, n, n) of resampled cells, or whole groups where they are named; none of one unit, (0, n, n).

    A phenotype that a draw lacks keeps the row that it has in all cells, and stays what it is where it has none.
    """
    units = np.arange(len(phenotype)) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    totals = np.zeros((units.max() + 1, n_phenotypes, n_phenotypes + 1))
    np.add.at(totals, (units, phenotype), np.column_stack([targets, np.ones(len(units))]))
    if len(totals) < 2:
        return np.zeros((0, n_phenotypes, n_phenotypes))
    P = closed(mean_by_phenotype(targets, phenotype, n_phenotypes))
    counts = bootstrap_counts(len(totals), bootstrap, np.random.default_rng(seed))
    drawn = np.tensordot(counts, totals, axes=1)
    sizes = drawn[..., n_phenotypes:]
    return np.where(sizes > 0, drawn[..., :n_phenotypes] / np.where(sizes > 0, sizes, 1), P)


def _limits(values: list[np.ndarray], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    if not values:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    low, high = np.nanpercentile(np.stack(values), INTERVAL, axis=0)
    return low, high


def _fate_rows(name: str, own: tuple, drawn: list[tuple], file: PreparedFile, terminal: Terminal) -> list[dict]:
    ends, steps, _ = own
    low, high = _limits([chain[0] for chain in drawn], ends.shape)
    rows = []
    for i, source in enumerate(file.phenotypes):
        for a, place in enumerate(terminal.places):
            fate = file.phenotypes[place]
            row = {"group": name, "source": source, "fate": fate, "n_cells": int((file.phenotype == i).sum()), "probability": ends[i, a]}
            rows.append(row | {"ci_low": low[i, a], "ci_high": high[i, a], "mean_steps": steps[i, a]})
    return rows


def _time_rows(name: str, own: tuple, drawn: list[tuple], file: PreparedFile, terminal: Terminal, days: float) -> list[dict]:
    low, high = _limits([chain[2] for chain in drawn], own[2].shape)
    return [
        {"group": name, "source": source, "terminal": i in terminal.places, "mean_steps": own[2][i], "ci_low": low[i], "ci_high": high[i]}
        | {"mean_days": own[2][i] * days}
        for i, source in enumerate(file.phenotypes)
    ]


def step_days(rates: pd.DataFrame) -> float:
    """How many days a step takes, by the table transition_rates; NaN where it is not known or steps differ."""
    days = rates["days"].unique()
    return float(days[0]) if len(days) == 1 else np.nan


def power_table(matrices: dict[str, np.ndarray], names: Sequence[str], steps: Sequence[int]) -> pd.DataFrame:
    """The table matrix_powers: P^k of each chain for each k of ``steps``."""
    rows = []
    for name, P in matrices.items():
        for k, power in powers(P, steps).items():
            columns = {
                "source": np.repeat(list(names), len(names)),
                "target": np.tile(list(names), len(names)),
                "probability": np.clip(power, 0, 1).ravel(),
            }
            rows.append(pd.DataFrame({"group": name, "steps": k} | columns))
    return pd.concat(rows, ignore_index=True)


def findings(matrices: dict[str, np.ndarray], names: Sequence[str], terminal: Terminal) -> list[str]:
    """What a run prints: the terminal phenotypes, or where the chain stays in the long run if there are none."""
    if terminal.places:
        return [f"terminal phenotypes: {', '.join(names[place] for place in terminal.places)}; {terminal.how}"]
    lines = ["terminal phenotypes: none; name them in transition.terminal, or lower transition.fates.stability"]
    for name, P in matrices.items():
        try:
            shares = ", ".join(f"{phenotype} {share:.2f}" for phenotype, share in zip(names, stationary_shares(P), strict=True))
        except InputError as error:
            shares = str(error)
        lines.append(f"shares in the long run, {name}: {shares}")
    return lines
