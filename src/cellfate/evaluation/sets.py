"""Sets of outcomes for held-out cells: how often they hold the true one, how many they decide, and at which error cells could be called.

Each recording (group, where groups are held out) is judged by the limits that the other held-out ones give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.evaluation.tables import SETS, TRIAGE
from cellfate.statistics.conformal import FEWEST_UNITS, BandedLimits, fit_banded, score_sets, triage_curve
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import COUNTS, Score

BEFORE_END, SEEN = "before the end", "seen"


@dataclass(frozen=True)
class SetSettings:
    """The level that is asked for, the outcomes {"negative": name, "positive": name}, and what is exchangeable: recording or group."""

    level: float
    outcomes: Mapping[str, str]
    unit: str

    @property
    def names(self) -> tuple[str, str]:
        return self.outcomes["negative"], self.outcomes["positive"]


def labelled_prefixes(prefixes: pd.DataFrame, trajectories: pd.DataFrame, unit: str) -> pd.DataFrame:
    """The test prefixes (tables prefixes, trajectories) of cells with a known outcome, of all folds.

    Adds ``unit`` and ``before_end``, the number of frames from the last one seen to the trajectory's last.
    """
    rows = prefixes[(prefixes["split"] == "test") & prefixes["label"].notna()]
    known = trajectories.set_index("trajectory")
    column = "group" if unit == "group" else "recording"
    before_end = rows["trajectory"].map(known["n_frames"]).astype(int) - rows["n_frames"]
    return rows.assign(label=rows["label"].astype(int), unit=rows["trajectory"].map(known[column]).astype(str), before_end=before_end)


def fit_run_sets(rows: pd.DataFrame, level: float) -> BandedLimits | None:
    """The limits for new recordings, from all of :func:`labelled_prefixes`; None where there is no prefix."""
    return _fit(rows, level) if len(rows) else None


def _fit(rows: pd.DataFrame, level: float) -> BandedLimits:
    columns = (rows[name].to_numpy() for name in ("probability", "label", "unit", "n_frames"))
    return fit_banded(*columns, level=level)


@dataclass(frozen=True)
class HeldOutSets:
    """The sets of prefixes by the limits of the other units: which classes they hold, bool (N, 2), and the level that is promised, (N, 2).

    The level is NaN where the other units are too few; those sets hold the class.
    """

    holds: np.ndarray
    promised: np.ndarray

    def of(self, chosen: np.ndarray) -> "HeldOutSets":
        return HeldOutSets(self.holds[chosen], self.promised[chosen])


def held_out_sets(rows: pd.DataFrame, level: float) -> HeldOutSets:
    """The sets of each unit's prefixes by the limits that the other units give."""
    found = HeldOutSets(np.ones((len(rows), 2), bool), np.full((len(rows), 2), np.nan))
    units = rows["unit"].to_numpy()
    for unit in np.unique(units):
        out = units == unit
        if out.all():
            break
        limits = _fit(rows[~out], level)
        own = rows[out]
        found.holds[out] = limits.sets(own["probability"].to_numpy(), own["n_frames"].to_numpy())
        levels = np.array([[limit.level for limit in band] for band in limits.limits])
        found.promised[out] = levels[limits.bands(own["n_frames"].to_numpy())]
    return found


def tabulate_sets(rows: pd.DataFrame, limits: BandedLimits | None, steps: Sequence[int], settings: SetSettings) -> pd.DataFrame:
    """The sets table: at each of ``steps`` frames before the end, and in each band of frames seen, for the cells of each outcome.

    ``limits`` are those of :func:`fit_run_sets`, for their bands. ``promised`` is what the other units promise, the least of all units.
    """
    if limits is None:
        return pd.DataFrame(columns=list(SETS.columns))
    sets = held_out_sets(rows, settings.level)
    bands = limits.bands(rows["n_frames"].to_numpy())
    where = [(BEFORE_END, int(n), (rows["before_end"] == n).to_numpy()) for n in steps]
    where += [(SEEN, first, bands == band) for band, first in enumerate(limits.first_frames)]
    found = [row for scope, n, chosen in where for row in _set_rows(rows[chosen], sets.of(chosen), (scope, n), settings)]
    return pd.DataFrame(found)[list(SETS.columns)]


def _set_rows(rows: pd.DataFrame, sets: HeldOutSets, key: tuple[str, int], settings: SetSettings) -> list[dict]:
    labels, units = rows["label"].to_numpy(), rows["unit"].to_numpy()
    scores = score_sets(sets.holds, labels, units)
    found = []
    for label, (name, score) in enumerate(zip(settings.names, scores, strict=True)):
        promised = float(sets.promised[labels == label, label].min(initial=1.0)) if score.n_cells else np.nan
        limits = score_interval(_coverage(sets.holds, labels, units, label), units, names=[name], unit=settings.unit)
        known = not np.isnan(promised)
        found.append(
            {
                "scope": key[0],
                "n": key[1],
                "outcome": name,
                "promised": promised,
                "coverage": score.coverage,
                "ci_low": limits.low if known else np.nan,
                "ci_high": limits.high if known else np.nan,
                "decided": score.decided,
                "wrong": score.wrong,
                "n_units": score.n_units,
                "n_trajectories": int(rows.loc[rows["label"] == label, "trajectory"].nunique()),
                "reason": None if known else _reason(score.n_units, settings.unit),
            }
        )
    return found


def _reason(n_units: int, unit: str) -> str:
    """Why nothing is promised for a class that ``n_units`` have."""
    if n_units == 0:
        return f"no {unit} has it here"
    others = max(n_units - 1, 0)
    return f"each {unit} is judged by the others; {others} other{'s have' if others != 1 else ' has'} it, {FEWEST_UNITS} are needed"


def _coverage(sets: np.ndarray, labels: np.ndarray, units: np.ndarray, label: int) -> Score:
    """The share of sets that hold ``label`` among its cells, every unit with the same weight, as :func:`score_sets` has it."""
    own = labels == label
    sizes = pd.Series(own.astype(float)).groupby(units).transform("sum").to_numpy()
    weights = np.divide(own, sizes, out=np.zeros(len(own)), where=own)
    return Score(sets[:, label].astype(float)[None], weights[None], np.ones(1), labels, COUNTS)


def tabulate_triage(rows: pd.DataFrame, steps: Sequence[int]) -> pd.DataFrame:
    """The triage table: at each of ``steps`` frames before the end, the share of wrong calls as the surest cells are called first.

    A cell is called as its likelier outcome by the calibrated probability, and is as sure as that is probable. ``always`` is the share of
    wrong calls if every cell were called as the outcome that most cells have.
    """
    tables = []
    for n in steps:
        own = rows[rows["before_end"] == n]
        called, wrong = triage_curve(own["probability"].to_numpy(), own["label"].to_numpy())
        positive = float(own["label"].mean()) if len(own) else np.nan
        tables.append(
            pd.DataFrame({"n": int(n), "called": called, "wrong": wrong}).assign(
                always=min(positive, 1 - positive), n_trajectories=len(own)
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(TRIAGE.columns))


def sets_lines(sets: pd.DataFrame) -> list[str]:
    """What the report says of the sets at the end of the trajectories: how many cells are decided, or why nothing is promised."""
    rows = sets[(sets["scope"] == BEFORE_END) & (sets["n"] == 0)]
    none = rows[rows["promised"].isna()]
    if len(none):
        first = none.iloc[0]
        return [f"No set of outcomes is promised for “{first['outcome']}”: {first['reason']}."]
    return [
        f"Sets of outcomes of “{row.outcome}” with all frames seen: the true outcome is in {100 * row.coverage:.0f} % "
        f"({100 * row.promised:.0f} % are promised), {100 * row.decided:.0f} % of the cells are decided, {100 * row.wrong:.0f} % wrongly."
        for row in rows.itertuples()
    ]
