"""P of another place, such as of films, beside this run's: what its file must be, and both entry by entry."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import STR, UNIT, UNIT_NULL, Column, Table, check_table, read_table
from cellfate.transition.tables import COMPARED_MATRICES, GIVEN_MATRIX, TRANSITION_MATRIX

ENDINGS = (".csv", ".tsv", ".parquet")
NEEDED = {"source": STR, "target": STR, "probability": UNIT}
OPTIONAL = {"lower": UNIT_NULL, "upper": UNIT_NULL, "n": Column("int", nullable=True, low=0)}
NAMES = {"lower": "ci_low", "upper": "ci_high", "n": "n_cells"}  # of the columns of a plain table, in a run's
SUM = 0.015  # a row may be so far from 1: three numbers rounded to two decimals
SAME_STEP = 0.01  # relative difference of two steps that count as one length
LISTED = 5  # entries that a line names
COUNTED = "counted"


def read_given(settings: Mapping) -> pd.DataFrame:
    """The matrix that ``settings`` (the section ``transition.compare``) names, in this run's names: a table ``given_matrix``.

    The file is a ``matrices.csv`` or ``matrix.csv`` of a run, or a table source, target, probability with lower, upper and n where these
    are known. Raises InputError with file, line and value for unknown columns, entries or phenotypes that are missing, limits that do not
    hold the probability, rows that do not add up to 1, and names that are not there.
    """
    path, variant = settings["matrix"], settings["variant"]
    if Path(path).suffix not in ENDINGS:
        raise InputError(f"transition.compare.matrix is {path!r}: a table is needed ({', '.join(ENDINGS)})")
    table = read_table(path, Table("transition matrix", NEEDED, open=True))
    if "variant" in table:
        table = _of_variant(check_table(table, TRANSITION_MATRIX, path), variant, path)
    elif variant is not None:
        raise InputError(f"transition.compare.variant is {variant!r}, and {path} has no column variant: null is needed")
    else:
        table = _plain(table, path)
    _check_whole(table, path)
    table["source_there"], table["target_there"] = table["source"], table["target"]
    names = _renamed(list(dict.fromkeys(table["source"])), settings["names"], path)
    table["source"], table["target"] = table["source_there"].map(names), table["target_there"].map(names)
    return table[list(GIVEN_MATRIX.columns)].reset_index(drop=True)


def _of_variant(table: pd.DataFrame, variant: str | None, path: str | Path) -> pd.DataFrame:
    there = list(dict.fromkeys(table["variant"]))
    if not there:
        raise InputError(f"{path}: the table has no row")
    if variant is None:
        variant = COUNTED if COUNTED in there else there[0]
    if variant not in there:
        raise InputError(f"transition.compare.variant is {variant!r}, and {path} has {', '.join(there)}")
    own = table[table["variant"] == variant].copy()
    if (own["kind"] != "transition").any():
        raise InputError(f"{path}: it is a confusion of static labels, no transitions, so there is no P to compare with")
    return own


def _plain(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    known = NEEDED | OPTIONAL
    if unknown := [str(name) for name in table if name not in known]:
        more = "; or all those of a run's matrices.csv" if {"interval", "ci_low", "kind"} & set(unknown) else ""
        columns = "columns" if len(unknown) > 1 else "column"
        raise InputError(f"{path}: unknown {columns} {', '.join(unknown)}; allowed are {', '.join(known)}{more}")
    there = {name: kind for name, kind in known.items() if name in table}
    table = check_table(table, Table("transition matrix", there, key=("source", "target")), path)
    if table.empty:
        raise InputError(f"{path}: the table has no row")
    for name, kind in OPTIONAL.items():
        if name not in table:
            table[name] = pd.array([pd.NA] * len(table), dtype="Int64") if kind.kind == "int" else np.nan
    return table.rename(columns=NAMES)


def _check_whole(table: pd.DataFrame, path: str | Path) -> None:
    """Limits hold their probability, every phenotype has an entry to every phenotype, and rows add up to 1."""
    for row in table.itertuples():
        one, limits = row.probability, (row.ci_low, row.ci_high)
        if np.isnan(limits).sum() == 1 or limits[0] > one or limits[1] < one:
            raise InputError(
                f"{path}: line {row.Index + 2}: the limits of {row.source} to {row.target} are {limits[0]:g} and {limits[1]:g}, the "
                f"probability is {one:g}: two limits around it are needed, or none"
            )
    names = list(dict.fromkeys([*table["source"], *table["target"]]))
    square = table.pivot(index="source", columns="target", values="probability").reindex(index=names, columns=names)
    if without := [name for name in names if square.loc[name].isna().all()]:
        raise InputError(
            f"{path}: phenotype {without[0]!r} is a target and never a source: its row is needed, with 1 to itself where nothing leaves it"
        )
    for source, row in square.iterrows():
        if row.isna().any():
            raise InputError(f"{path}: no entry for {source!r} to {row.index[row.isna()][0]!r}: one is needed, 0 where nothing goes there")
        if abs(row.sum() - 1) > SUM:
            raise InputError(f"{path}: the probabilities of source {source!r} add up to {row.sum():.4g}, 1 is needed")


def _renamed(there: Sequence[str], given: Mapping, path: str | Path) -> dict[str, str]:
    """This run's name of each phenotype ``there``: as ``given``, else its own."""
    given = {str(old): str(new) for old, new in given.items()}
    if unknown := [old for old in given if old not in there]:
        raise InputError(f"transition.compare.names has {unknown[0]!r}, which is no phenotype of {path}; these are {', '.join(there)}")
    names = {old: given.get(old, old) for old in there}
    found: dict[str, str] = {}
    for old, new in names.items():
        if new in found:
            raise InputError(
                f"transition.compare.names: {found[new]!r} and {old!r} of {path} would both be {new!r}: phenotypes are not put together"
            )
        found[new] = old
    return names


def check_shared(given: pd.DataFrame, phenotypes: Sequence[str], path: str | Path) -> None:
    """Raise InputError where no phenotype of the ``given`` matrix is one of the run's ``phenotypes``."""
    there = list(dict.fromkeys(given["source"]))
    if not set(there) & set(phenotypes):
        raise InputError(
            f"{path}: none of its phenotypes ({', '.join(there)}) is one of this run ({', '.join(phenotypes)}); "
            "transition.compare.names says which is which, {name there: name here}"
        )


def own_rows(matrices: pd.DataFrame, own: str) -> pd.DataFrame:
    """The rows of a table of all matrices, the network first, that are ``counted`` or of the ``network``."""
    return matrices[matrices["variant"] == (COUNTED if own == COUNTED else matrices["variant"].iloc[0])]


def compare_matrices(own: pd.DataFrame, given: pd.DataFrame, *, step_days: float, step_h: float | None, per: str | None) -> pd.DataFrame:
    """This run's P (``own``, rows of one variant) beside the ``given`` one, entry by entry: a table ``compared_matrices``.

    A step takes ``step_days`` here, NaN where that is not known, and ``step_h`` hours there. Phenotypes of one matrix alone keep their
    entries, marked so, and have no difference.
    """
    keys = ["source", "target"]
    here = own[[*keys, "probability", "ci_low", "ci_high", "interval", "n_cells"]]
    there = given.rename(columns={name: f"{name}_there" for name in ("probability", "ci_low", "ci_high", "n_cells")})
    order = list(dict.fromkeys([*own["source"], *given["source"]]))
    table = here.merge(there, on=keys, how="outer", indicator="where")
    table["where"] = table["where"].map({"both": "both", "left_only": "here only", "right_only": "there only"}).astype(object)
    table = table.sort_values(keys, key=lambda names: names.map(order.index), ignore_index=True)
    table["difference"] = table["probability"] - table["probability_there"]
    known = table[["ci_low", "ci_low_there"]].notna().all(axis=1)
    apart = (table["ci_low"] > table["ci_high_there"]) | (table["ci_high"] < table["ci_low_there"])
    table["intervals"] = np.select([~known, apart], ["none", "apart"], "overlap")
    for name in ("n_cells", "n_cells_there"):
        table[name] = table[name].astype("Int64")
    facts = {"step_days": step_days, "step_days_there": np.nan if step_h is None else step_h / 24, "per_there": per or "not said"}
    return table.assign(variant=own["variant"].iloc[0], **facts)[list(COMPARED_MATRICES.columns)]


def compared_lines(table: pd.DataFrame | None) -> list[str]:
    """What a person should know of a table ``compared_matrices``: how far both are apart, what is in one only, what a step and P mean."""
    if table is None:
        return []
    both = table[table["where"] == "both"]
    return [_apart_line(both), *_only_lines(table), _step_line(table.iloc[0]), _per_line(table["per_there"].iloc[0])]


def _apart_line(both: pd.DataFrame) -> str:
    known, apart = both[both["intervals"] != "none"], both[both["intervals"] == "apart"]
    shared = len(both["source"].unique())
    line = f"P of transition.compare beside this run's ({both['variant'].iloc[0]}), {shared} shared phenotypes: "
    line += f"of {len(both)} entries {len(known)} have an interval in both, and {len(apart)} of these leave each other out"
    named = apart if len(apart) else both
    named = named.reindex(named["difference"].abs().sort_values(ascending=False, kind="stable").index)[: LISTED if len(apart) else 1]
    words = [f"{row.source} to {row.target} {row.probability:.3f} here, {row.probability_there:.3f} there" for row in named.itertuples()]
    more = f", and {len(apart) - LISTED} more" if len(apart) > LISTED else ""
    return f"{line}{': ' if len(apart) else '; the largest difference is '}{'; '.join(words)}{more}."


def _only_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    shared = set(table.loc[table["where"] == "both", "source"])
    for where, column, what, other in (
        ("here only", "probability", "this run", "the other lacks"),
        ("there only", "probability_there", "the other matrix", "this run lacks"),
    ):
        own = table[table["where"] == where]
        names = [name for name in dict.fromkeys(own["source"]) if name not in shared]
        if not names:
            continue
        gone = own[own["source"].isin(shared)].groupby("source", sort=False)[column].sum()
        shares = "; ".join(f"{source} {share:.3f}" for source, share in gone.items())
        lines.append(f"Phenotypes of {what} alone: {', '.join(names)}. What goes to phenotypes that {other}: {shares}.")
    return lines


def _step_line(row: pd.Series) -> str:
    here, there = row["step_days"] * 24, row["step_days_there"] * 24
    if math.isnan(here) or math.isnan(there):
        one = "not known, or of several lengths (transition_rates.csv)" if math.isnan(here) else f"{here:.4g} h"
        other = "not said (transition.compare.step_h)" if math.isnan(there) else f"{there:.4g} h"
        return f"Warning: a step here is {one}, there {other}: P of steps that differ in length differs for that alone."
    if abs(here - there) > SAME_STEP * max(here, there):
        return (
            f"Warning: a step is {here:.4g} h here and {there:.4g} h there. P of the longer step is further from staying: such differences "
            "say nothing of the cells."
        )
    return f"A step is {here:.4g} h in both."


def _per_line(per: str) -> str:
    if per == "cell":
        return "Both P are per cell: each cell counts once, however many descendants it has."
    if per == "descendant":
        return (
            "Warning: this run's P is per cell, the other per descendant, where cells with many descendants count more: they differ where "
            "these become something else than others do."
        )
    return "Warning: this run's P is per cell; whether the other is per cell or per descendant is not said (transition.compare.per)."
