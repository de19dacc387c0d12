"""P of each condition, such as treated or not, and whether it differs from the control's."""

from math import comb

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.statistics.permutation import benjamini_hochberg
from cellfate.transition.fates.chain import INTERVAL, resampled_matrices
from cellfate.transition.files import PreparedFile
from cellfate.transition.metrics import mean_by_phenotype

ALL = "all"  # the source of the test over all phenotypes


def condition_tables(
    file: PreparedFile, control: str | None, *, permutations: int, bootstrap: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables condition_matrices (P of each condition) and condition_tests (each against the ``control``).

    What is tested is the share of the cells that have another next phenotype, 1/2 sum_ij pi_i |P_ij - P'_ij| over all phenotypes, and
    the same for each, against exchanges of the condition among groups (donors), within groups that have both conditions, or, where no
    group is named, among the cells of a phenotype. Raises InputError for a control that is no condition, and for fewer than two.
    """
    conditions = file.conditions.astype(str)
    names = sorted(set(conditions))
    if len(names) < 2:
        raise InputError(f"transition.condition.column: all cells with a next phenotype are {names[0]!r}; two conditions are needed")
    if control not in names:
        raise InputError(f"transition.condition.control is {control!r}; the conditions are {', '.join(names)}")
    tests = [
        _tests(file, conditions, name, control, permutations, np.random.default_rng([seed, place]))
        for place, name in enumerate(names)
        if name != control
    ]
    return pd.concat([_matrix(file, conditions, name, bootstrap, seed) for name in names], ignore_index=True), pd.concat(
        tests, ignore_index=True
    )


def _matrix(file: PreparedFile, conditions: np.ndarray, name: str, bootstrap: int, seed: int) -> pd.DataFrame:
    own, n = conditions == name, len(file.phenotypes)
    targets, phenotype = file.targets[own], file.phenotype[own]
    groups = None if file.groups is None else file.groups[own]
    drawn = resampled_matrices(targets, phenotype, groups, n, bootstrap=bootstrap, seed=seed)
    low, high = np.percentile(drawn, INTERVAL, axis=0) if len(drawn) else np.full((2, n, n), np.nan)
    columns = {"condition": name, "source": np.repeat(file.phenotypes, n), "target": np.tile(file.phenotypes, n)}
    columns |= {"probability": mean_by_phenotype(targets, phenotype, n).ravel(), "ci_low": low.ravel(), "ci_high": high.ravel()}
    return pd.DataFrame(columns | {"n_cells": np.repeat(np.bincount(phenotype, minlength=n), n)})


def _tests(
    file: PreparedFile, conditions: np.ndarray, name: str, control: str, permutations: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of one condition against the control: each phenotype, then all of them."""
    chosen = np.flatnonzero(np.isin(conditions, [name, control]))
    n, treated = len(file.phenotypes), conditions[chosen] == name
    phenotype = file.phenotype[chosen]
    units, kind = _units(file, chosen, treated)
    totals = np.zeros((units.max() + 1, 2, n, n + 1))  # of each unit, by condition: sums of targets, and numbers of cells
    np.add.at(totals, (units, treated.astype(int), phenotype), np.column_stack([file.targets[chosen], np.ones(len(chosen))]))
    shares = np.bincount(phenotype, minlength=n) / len(chosen)
    observed = _changed(totals.sum(axis=0), shares)
    draws = (
        np.stack([_changed(_exchanged_cells(file.targets[chosen], phenotype, treated, n, rng), shares) for _ in range(permutations)])
        if kind == "cells"
        else np.stack([_changed(_exchanged_units(totals, kind, rng), shares) for _ in range(permutations)])
    )
    known = ~np.isnan(draws)  # an exchange may leave a phenotype without a cell on one side
    p_values = (1 + (known & (draws >= observed - 1e-12)).sum(axis=0)) / (known.sum(axis=0) + 1)
    p_values = np.where(np.isnan(observed), np.nan, p_values)
    columns = {"condition": name, "control": control, "source": [*file.phenotypes, ALL], "changed": observed}
    null = [np.percentile(own[~np.isnan(own)], 95) if (~np.isnan(own)).any() else np.nan for own in draws.T]
    columns |= {"null_95": null, "p_value": p_values}
    columns |= {"q_value": [*benjamini_hochberg(p_values[:-1]), np.nan], "smallest_p": _smallest(totals, kind, permutations)}
    return pd.DataFrame(columns | {"units": kind, "n_units": len(totals) if kind != "cells" else len(chosen)})


def _units(file: PreparedFile, chosen: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, str]:
    """What is exchanged, as numbers of the cells, and its name: whole groups, conditions within groups, or cells."""
    if file.groups is None:
        return np.zeros(len(chosen), int), "cells"
    codes = np.unique(file.groups[chosen].astype(str), return_inverse=True)[1]
    sides = np.array([[(treated[codes == code] == side).any() for side in (False, True)] for code in range(codes.max() + 1)])
    if sides.all():
        return codes, "conditions within groups"
    if (sides.sum(axis=1) == 1).all():
        return codes, "groups"
    raise InputError(
        "transition.condition: some groups have both conditions and others have one; name a group that is one thing or the other throughout"
    )


def _changed(totals: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The share of the cells of each phenotype with another next one, then of all, (n + 1,); NaN where a condition has none."""
    n = totals.shape[1]
    sizes = totals[..., n:]
    P = np.divide(totals[..., :n], sizes, out=np.full(totals[..., :n].shape, np.nan), where=sizes > 0)
    each = 0.5 * np.abs(P[1] - P[0]).sum(axis=1)
    known = ~np.isnan(each)
    overall = float((shares[known] * each[known]).sum() / shares[known].sum()) if known.any() else np.nan
    return np.append(each, overall)


def _exchanged_cells(targets: np.ndarray, phenotype: np.ndarray, treated: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The sums by condition with the condition permuted among the cells of each phenotype, (2, n, n + 1)."""
    order = np.argsort(phenotype + rng.random(len(phenotype)), kind="stable")
    side = np.empty(len(treated), int)
    side[order] = treated[np.argsort(phenotype, kind="stable")]
    totals = np.zeros((2, n, n + 1))
    np.add.at(totals, (side, phenotype), np.column_stack([targets, np.ones(len(targets))]))
    return totals


def _exchanged_units(totals: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """The sums by condition with it exchanged among groups, or swapped within some of them, (2, n, n + 1)."""
    if kind == "groups":
        treated = totals[:, 1, :, -1].sum(axis=1) > 0
        whole, side = totals.sum(axis=1), rng.permutation(treated)
        return np.stack([whole[~side].sum(axis=0), whole[side].sum(axis=0)])
    swapped = np.where(rng.random(len(totals))[:, None, None, None] < 0.5, totals[:, ::-1], totals)
    return swapped.sum(axis=0)


def _smallest(totals: np.ndarray, kind: str, permutations: int) -> float:
    """The smallest p-value that can be had: by the number of exchanges that differ, and by how many are drawn."""
    drawn = 1 / (permutations + 1)
    if kind == "cells":
        return drawn
    if kind == "groups":
        treated = int((totals[:, 1, :, -1].sum(axis=1) > 0).sum())
        return max(drawn, (2 if 2 * treated == len(totals) else 1) / comb(len(totals), treated))  # halves exchanged differ as much
    return max(drawn, 2 / 2 ** len(totals))  # all groups swapped differ as much


def findings(tests: pd.DataFrame) -> list[str]:
    """A line for each condition, which says what was exchanged."""
    words = {
        "cells": "cells were exchanged, as no group is named (transition.group): a difference between donors is read as one of conditions",
        "groups": "whole groups were exchanged",
        "conditions within groups": "conditions were exchanged within groups",
    }
    return [
        f"{row.condition} against {row.control}: {100 * row.changed:.1f} % of the cells have another next phenotype, p = {row.p_value:.2g} "
        f"(the smallest possible: {row.smallest_p:.2g}); {words[row.units]}"
        for row in tests[tests["source"] == ALL].itertuples()
    ]
