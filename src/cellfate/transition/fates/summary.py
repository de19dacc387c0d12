"""All tables about fates of one set of prepared cells: of the chain of their own targets, and of a network's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.tables import Table
from cellfate.transition.fates.cells import cell_fates, cell_table, fate_drivers, fate_trends
from cellfate.transition.fates.chain import TARGETS, fate_tables, findings, own_matrix, power_table, step_days, terminal_phenotypes
from cellfate.transition.files import PreparedFile
from cellfate.transition.tables import CELL_FATES, FATE_DRIVERS, FATE_TIMES, FATE_TRENDS, MATRIX_POWERS, TRANSITION_FATES

FATE_TABLES = (TRANSITION_FATES, FATE_TIMES, MATRIX_POWERS, FATE_TRENDS, FATE_DRIVERS, CELL_FATES)


@dataclass(frozen=True)
class FateSettings:
    """transition.terminal, and the keys of transition.fates."""

    terminal: Sequence[str] | None
    stability: float
    bins: int
    steps: Sequence[int]


def tabulate_fates(
    file: PreparedFile, matrix: pd.DataFrame, rates: pd.DataFrame, settings: FateSettings, *, bootstrap: int, seed: int
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The tables of FATE_TABLES by name, and lines to print.

    ``matrix`` is the transition matrix table of a network, ``rates`` the table transition_rates, which knows how long a step takes. Tables
    are empty where no phenotype is terminal, trends where nothing says what they follow.
    """
    chains = {TARGETS: own_matrix(file), str(matrix["variant"].iloc[0]): matrix_of(matrix, file.phenotypes)}
    terminal = terminal_phenotypes(chains[TARGETS], file.phenotypes, settings.terminal, settings.stability)
    tables = {declared.name: empty(declared) for declared in FATE_TABLES}
    tables[MATRIX_POWERS.name] = power_table(chains, file.phenotypes, settings.steps)
    lines = findings(chains, file.phenotypes, terminal)
    if not terminal.places:
        return tables, lines
    resampling = {"bootstrap": bootstrap, "seed": seed}
    tables[TRANSITION_FATES.name], tables[FATE_TIMES.name] = fate_tables(chains, file, terminal, days=step_days(rates), **resampling)
    fates = cell_fates(file, chains[TARGETS], terminal.places)
    tables[CELL_FATES.name] = cell_table(file, fates, terminal.places)
    if file.along is not None:
        tables[FATE_TRENDS.name] = fate_trends(file, fates, terminal.places, bins=settings.bins, **resampling)
    if len(terminal.places) > 1:  # with one fate every cell has it
        tables[FATE_DRIVERS.name] = fate_drivers(file, terminal.places)
    return tables, [*lines, *_in_words(tables)]


def _in_words(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    own = tables[TRANSITION_FATES.name]
    own = own[(own["group"] == TARGETS) & ~own["source"].isin(own["fate"])]
    lines = [
        f"from {source}: {', '.join(f'{r.fate} {r.probability:.2f}' for r in rows.itertuples())}" for source, rows in own.groupby("source")
    ]
    drivers = tables[FATE_DRIVERS.name]
    for fate, rows in drivers.groupby("fate", sort=False):
        first = ", ".join(f"{row.gene} ({row.within_correlation:+.2f}, q {row.q_value:.2g})" for row in rows.head(5).itertuples())
        lines.append(f"genes that go with {fate} within phenotypes, an association: {first}")
    return lines


def matrix_of(table: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """P (n, n) of a transition matrix table; rows add up to 1 again after their decimals."""
    P = table.pivot(index="source", columns="target", values="probability").loc[list(names), list(names)].to_numpy(float)
    return P / P.sum(axis=1, keepdims=True)


def empty(declared: Table) -> pd.DataFrame:
    """A declared table without any row."""
    return pd.DataFrame(columns=list(declared.columns))
