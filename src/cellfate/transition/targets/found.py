"""The targets of all cells by the settings, with what they rest on as tables and in words."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import Table
from cellfate.statistics.chains.checks import LEVEL, NOT_JUDGED, misplaced
from cellfate.statistics.chains.generators import generator
from cellfate.statistics.chains.markov import chapman_kolmogorov
from cellfate.transition.expression import column_of, log_normalised, principal_components, standardised
from cellfate.transition.h5ad import Expression
from cellfate.transition.tables import TARGET_FACTS, TRANSITION_CHECKS, TRANSITION_GROWTH, TRANSITION_PAIRS, TRANSITION_RATES
from cellfate.transition.targets.cells import numbers
from cellfate.transition.targets.control import mean_rows, pair_tables, warnings_of
from cellfate.transition.targets.growth import HOURS, MEASURED, Growth, growth_of
from cellfate.transition.targets.lineage import clone_targets, distributed_targets, listed_targets
from cellfate.transition.targets.observed import observed_targets, static_targets
from cellfate.transition.targets.pseudotime import Directed, pseudotime_graph
from cellfate.transition.targets.transport import Pair, targets_of, time_points, transport_pair, transport_pairs

PAIRS, GROWTH, RATES, CHECKS = (table.name for table in (TRANSITION_PAIRS, TRANSITION_GROWTH, TRANSITION_RATES, TRANSITION_CHECKS))
FOUND_TABLES = (TARGET_FACTS, TRANSITION_PAIRS, TRANSITION_GROWTH, TRANSITION_RATES, TRANSITION_CHECKS)
ALL = "all"  # the condition of cells that have none
MEANINGS = {
    "observed": "P is per cell: the share of the cells of a phenotype whose observed descendant has another one",
    "optimal_transport": "P is per cell: where a cell's descendants are at the next time point, the mean over the cells of a phenotype; "
    "per_descendant in transition_pairs.csv counts each descendant once",
    "distribution": "P is per cell: the mean over the cells of a phenotype of the given shares of next phenotypes",
    "clones": "P is per cell: the mean over the cells of a phenotype of the shares of phenotypes in their clones at the next time; "
    "which cell of a clone became which is not seen, and cells that died are not counted",
    "pseudotime": "P is per cell and step of the neighbour graph, which is no unit of time",
}
LINEAGES = ("distribution", "clones")


@dataclass(frozen=True)
class Found:
    """Targets (N, n), NaN rows for cells without one; ``tables`` by the names of their declarations; ``lines`` to print.

    ``lost`` (N,) counts each cell's observed next phenotypes that were left out; None where none was.
    """

    targets: np.ndarray
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    facts: list[tuple[str, float, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    lost: np.ndarray | None = None

    def table(self, declared: Table) -> pd.DataFrame:
        """The rows of one of FOUND_TABLES; none where this kind of targets has no such table."""
        if declared is TARGET_FACTS:
            return pd.DataFrame(self.facts, columns=list(declared.columns))
        return self.tables.get(declared.name, pd.DataFrame(columns=list(declared.columns)))


def find_targets(
    expression: Expression,
    labels: np.ndarray,
    names: Sequence[str],
    settings: Mapping[str, object],
    *,
    components: int,
    label: str,
    conditions: np.ndarray | None = None,
    left_out: Collection[str] = (),
    gone: Expression | None = None,
) -> Found:
    """What the cells of ``expression``, of phenotypes ``labels`` (N,) named ``names``, become by the ``settings`` of their targets.

    Transport and neighbours are found within each of the ``conditions`` (N,), where there are any. An observed next phenotype that is one
    of those ``left_out``, or in a clone that of a cell that is ``gone``, counts as unknown, and a line says how often. Raises InputError
    for settings, columns and values that cannot be right, and for static labels.
    """
    kind, n = str(settings["kind"]), len(names)
    if kind == "static":
        return Found(static_targets(len(labels), n))
    if kind in LINEAGES:
        return _of_lineage(expression, labels, names, settings, left_out, gone)
    key = "time" if kind == "optimal_transport" else "column"
    column = needed(settings, key)
    values = column_of(expression, column, f"transition.targets.{key}")
    where = f"{expression.source}: column {column!r}"
    if kind == "observed":
        if column == label:
            raise InputError(
                f"{where} is the label itself: static labels are refused as transitions; say kind: static for a classification"
            )
        if separator := settings.get("separator"):
            rows, lost = listed_targets(values, str(separator), names, left_out, where)
            return _with_lost(_observed(rows, labels, names, settings), lost)
        gone = np.isin(values.astype(str), list(left_out))
        found = _observed(observed_targets(np.where(gone, None, values), labels, names, where), labels, names, settings)
        return _with_lost(found, gone.astype(int))
    logs = log_normalised(expression)
    space = principal_components(standardised(logs) if expression.kind == "features" else logs, components)
    parts = (
        {ALL: np.arange(len(labels))} if conditions is None else {str(c): np.flatnonzero(conditions == c) for c in np.unique(conditions)}
    )
    if kind == "optimal_transport":
        growth = growth_of(expression, logs, needed(settings, "growth"))
        return _transported(space, labels, names, time_points(values, where), growth, settings, parts, where)
    graph = {name: needed(settings, name) for name in ("neighbours", "bias")}
    return _along_pseudotime(space, labels, names, values, graph, settings, parts, where)


def needed(settings: Mapping[str, object], key: str) -> object:
    """The value of ``key`` in the settings of the targets; an InputError where it is missing or null."""
    if settings.get(key) is None:
        raise InputError(f"transition.targets.{key} is missing: kind {settings['kind']} needs it")
    return settings[key]


def _observed(targets: np.ndarray, labels: np.ndarray, names: Sequence[str], settings: Mapping[str, object]) -> Found:
    known = ~np.isnan(targets).any(axis=1)
    P = mean_rows(targets[known], labels[known], len(names), np.ones(known.sum()))
    step, tables, lines = settings.get("step"), {}, []
    if step is not None:
        rows, lines = _rates(P, names, float(step) * HOURS[str(settings["time_unit"])] / 24, ALL, "observed")
        tables = {RATES: rows}
    return Found(targets, tables, [_meaning("observed")], [MEANINGS["observed"], *lines])


def _with_lost(found: Found, lost: np.ndarray) -> Found:
    """``found`` with how many next phenotypes of each cell were left out, and a line that says so, where some were."""
    line = f"the next phenotype of {(lost > 0).sum()} cells is one that was left out, and counts as unknown: P is of the others"
    return replace(found, lines=[*found.lines, line], lost=lost) if lost.any() else found


def _of_lineage(
    expression: Expression,
    labels: np.ndarray,
    names: Sequence[str],
    settings: Mapping[str, object],
    left_out: Collection[str],
    gone: Expression | None,
) -> Found:
    """Targets from columns of shares, or from the later cells of each clone."""
    kind, source = str(settings["kind"]), expression.source
    if kind == "distribution":
        prefix = str(needed(settings, "column"))
        known = expression.columns.columns
        where = f"{source}: transition.targets.column"
        rows, lost = distributed_targets(expression.columns.__getitem__, prefix, names, known, left_out, where)
    else:
        parts = [expression] if gone is None else [expression, gone]
        clones, times = (
            np.concatenate([column_of(part, str(needed(settings, key)), f"transition.targets.{key}") for part in parts])
            for key in ("clone", "time")
        )
        codes = np.append(labels, np.full(len(clones) - len(labels), -1))
        found = clone_targets(clones, numbers(times, f"{source}: transition.targets.time"), codes, names, f"{source}: clones")
        rows, lost = (part[: len(labels)] for part in found)
    return _with_lost(replace(_observed(rows, labels, names, settings), facts=[_meaning(kind)], lines=[MEANINGS[kind]]), lost)


def _meaning(kind: str) -> tuple[str, float, str]:
    return ("meaning of P", np.nan, MEANINGS[kind])


def _transported(
    space: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    times: np.ndarray,
    growth: Growth,
    settings: Mapping[str, object],
    parts: Mapping[str, np.ndarray],
    where: str,
) -> Found:
    n = len(names)
    plan = {key: needed(settings, key) for key in ("epsilon", "time_unit", "plan_cells")}
    targets = np.full((len(labels), n), np.nan)
    tables: dict[str, list[pd.DataFrame]] = {}
    lines = [f"transport over time points: {growth.in_words()}", MEANINGS["optimal_transport"]]
    for condition, places in parts.items():
        _all_times(times, places, condition, where)
        own = (space[places], labels[places], times[places])
        pairs = transport_pairs(*own, n, growth=growth.take(places), **plan)
        targets[places] = targets_of(pairs, len(places), n)
        said = "" if condition == ALL else f"{condition}: "
        for pair in pairs:
            found, grown = pair_tables(*own, names, pair, growth.take(places), plan)
            rates, words = _rates(_of(pair, own[1], n), names, pair.days, condition, f"{pair.early:g} to {pair.late:g}")
            lines += [f"{said}{pair.in_words()}"] if pair.in_words() else []
            for name, table in ((PAIRS, found), (GROWTH, grown), (RATES, rates)):
                tables.setdefault(name, []).append(_labelled(table, condition))
            lines += [f"{said}{line}" for line in [*warnings_of(found, grown, measured=growth.source in MEASURED), *words]]
        checks = _time_checks(own, n, pairs, growth.take(places), plan)
        tables.setdefault(CHECKS, []).append(_labelled(checks, condition))
        lines += [f"{said}{line}" for line in _check_lines(checks)]
    merged = {name: pd.concat(rows, ignore_index=True) for name, rows in tables.items()}
    return Found(targets, merged, [_meaning("optimal_transport"), ("growth", np.nan, growth.in_words())], lines)


def _labelled(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    return table if "condition" in table else table.assign(condition=condition)


def _all_times(times: np.ndarray, places: np.ndarray, condition: str, where: str) -> None:
    """InputError when a condition has no cell at one of the times: its cells would have nothing to come from, or to go to."""
    absent = sorted(set(times.tolist()) - set(times[places].tolist()))
    if absent:
        raise InputError(
            f"{where}: condition {condition!r} has no cell at time {absent[0]:g}; transport is made within conditions, "
            "so each needs cells at every time point (transition.condition)"
        )


def _of(pair: Pair, labels: np.ndarray, n: int) -> np.ndarray:
    return mean_rows(pair.rows, labels[pair.first], n, np.ones(len(pair.first)))


def _closed(P: np.ndarray) -> np.ndarray:
    """P with phenotypes of which no cell is there to leave as absorbing ones."""
    unknown = np.isnan(P).any(axis=1)
    return np.where(unknown[:, None], np.eye(len(P)), P)


def _rates(P: np.ndarray, names: Sequence[str], days: float, condition: str, step: str) -> tuple[pd.DataFrame, list[str]]:
    """Rates per day of one step (table transition_rates), and a line about them; null for phenotypes of which no cell is there."""
    n, found = len(names), generator(_closed(P), days)
    rates = np.where(np.isnan(P).any(axis=1)[:, None], np.nan, found.rates)
    columns = {"condition": condition, "step": step, "days": days, "source": np.repeat(list(names), n), "target": np.tile(list(names), n)}
    columns |= {"rate_per_day": rates.ravel(), "method": found.method, "embeddable": found.embeddable, "error": found.error}
    line = f"rates per day, {step}: by {found.method}, exp(Q t) is off by at most {found.error:.3f}"
    return pd.DataFrame(columns), [line + (f" (P is not embeddable: {found.reason})" if found.reason else "")]


def _time_checks(own: tuple[np.ndarray, ...], n: int, pairs: list[Pair], growth: Growth, plan: Mapping[str, object]) -> pd.DataFrame:
    """Chapman-Kolmogorov over neighbouring steps: the product of their P against transport over both at once."""
    rows = []
    for first, second in itertools.pairwise(pairs):
        both = transport_pair(*own, n, (first.early, second.late), growth=growth, **plan)
        product = _of(first, own[1], n) @ _closed(_of(second, own[1], n))
        rows.append(_check(product, _of(both, own[1], n), own[1][both.first], 2, f"{first.early:g} to {second.late:g}"))
    return pd.DataFrame(rows, columns=[*_check(np.eye(2), np.eye(2), np.array([0]), 1, "")])


def _check(predicted: np.ndarray, seen: np.ndarray, labels: np.ndarray, steps: int, what: str) -> dict[str, object]:
    """A row of transition_checks; not judged, as transport and neighbours of the same cells share their errors."""
    sizes = np.bincount(labels, minlength=len(seen))
    difference = np.where(sizes[:, None] > 0, predicted - seen, 0.0)
    row = {"what": what, "steps": steps, "misplaced": min(1.0, misplaced(difference, sizes / sizes.sum())), "sampling_95": np.nan}
    return row | {"p_value": np.nan, "level": LEVEL, "verdict": NOT_JUDGED, "n_transitions": int(sizes.sum()), "n_units": 0}


def _check_lines(checks: pd.DataFrame) -> list[str]:
    return [
        f"Chapman-Kolmogorov, {row.what}: {row.steps} steps of P misplace {100 * row.misplaced:.1f} % of the cells (not judged)"
        for row in checks.itertuples()
    ]


def _along_pseudotime(
    space: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    values: np.ndarray,
    graph: Mapping[str, object],
    settings: Mapping[str, object],
    parts: Mapping[str, np.ndarray],
    where: str,
) -> Found:
    n, values = len(names), numbers(values, f"{where}.pseudotime")
    targets = np.full((len(labels), n), np.nan)
    facts, checks, lines = [_meaning("pseudotime")], [], [MEANINGS["pseudotime"]]
    for condition, places in parts.items():
        found = pseudotime_graph(space[places], labels[places], values[places], n, **graph, where=where)
        targets[places] = found.rows
        own, line = _direction(found, condition)
        table = _graph_checks(found, labels[places], n, settings.get("check_steps") or ())
        facts += own
        checks.append(_labelled(table, condition))
        lines += [line, *_check_lines(table)]
    return Found(targets, {CHECKS: pd.concat(checks, ignore_index=True)}, facts, lines)


def _direction(found: Directed, condition: str) -> tuple[list[tuple[str, float, str]], str]:
    """How directed the chain is, as facts and a line."""
    said = "" if condition == ALL else f", {condition}"
    words = "1: the chain only goes ahead in pseudotime, 0: it has no direction"
    facts = [
        (f"net forward flux{said}", found.net, words),
        (f"forward flux{said}", found.forward, "share of steps to a neighbour ahead in pseudotime"),
        (f"net forward flux without bias{said}", found.net_undirected, "the same neighbours, none held down"),
    ]
    line = f"how directed the chain is{said}: net forward flux {found.net:.2f} ({found.forward:.2f} ahead, {found.backward:.2f} back; "
    return facts, line + f"{found.net_undirected:.2f} net without bias)"


def _graph_checks(found: Directed, labels: np.ndarray, n: int, steps: Sequence[int]) -> pd.DataFrame:
    """Chapman-Kolmogorov: powers of P of the phenotypes against as many steps of the graph of the cells."""
    P = mean_rows(found.rows, labels, n, np.ones(len(labels)))
    rows, moved, done = [], found.rows, 1
    for k in sorted(steps):
        for _ in range(k - done):
            moved = found.graph @ moved
        done = k
        seen = mean_rows(moved, labels, n, np.ones(len(labels)))
        rows.append(_check(chapman_kolmogorov(_closed(P), _closed(seen), k) + _closed(seen), seen, labels, k, "neighbour graph"))
    return pd.DataFrame(rows, columns=[*_check(np.eye(2), np.eye(2), np.array([0]), 1, "")])
