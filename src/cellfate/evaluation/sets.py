"""Sets of outcomes for held-out cells: how often they hold the true one, how many cells they decide, and which could be called at which error.

Each recording (group, where groups are held out) is judged by the limits that the other held-out ones give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.evaluation.tables import SETS, TRIAGE
from cellfate.statistics.conformal import BandedLimits, fit_banded, score_sets, triage_curve
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


def held_out_sets(rows: pd.DataFrame, level: float) -> np.ndarray:
    """The sets (N, 2) of each unit's prefixes by the limits of the other units; where there is one unit alone they hold both outcomes."""
    sets = np.ones((len(rows), 2), bool)
    units = rows["unit"].to_numpy()
    for unit in np.unique(units):
        out = units == unit
        if not out.all():
            own = rows[out]
            sets[out] = _fit(rows[~out], level).sets(own["probability"].to_numpy(), own["n_frames"].to_numpy())
    return sets


def tabulate_sets(rows: pd.DataFrame, limits: BandedLimits | None, steps: Sequence[int], settings: SetSettings) -> pd.DataFrame:
    """The sets table: at each of ``steps`` frames before the end, and in each band of frames seen, for the cells of each outcome."""
    if limits is None:
        return pd.DataFrame(columns=list(SETS.columns))
    sets = held_out_sets(rows, settings.level)
    bands = limits.bands(rows["n_frames"].to_numpy())
    where = [(BEFORE_END, int(n), (rows["before_end"] == n).to_numpy()) for n in steps]
    where += [(SEEN, first, bands == band) for band, first in enumerate(limits.first_frames)]
    found = [row for scope, n, chosen in where for row in _set_rows(rows[chosen], sets[chosen], (scope, n), settings)]
    return pd.DataFrame(found).assign(**_promises(found, limits))[list(SETS.columns)]


def _promises(found: list[dict], limits: BandedLimits) -> dict[str, list]:
    """The level that is promised for each row and why there is none; before the end, the least of the bands."""
    columns: dict[str, list] = {"promised": [], "reason": []}
    for row in found:
        bands = limits.limits if row["scope"] == BEFORE_END else [limits.limits[limits.first_frames.index(row["n"])]]
        own = [band[row["label"]] for band in bands]
        reasons = [limit.reason for limit in own if limit.reason]
        columns["reason"].append(reasons[0] if reasons else None)
        columns["promised"].append(np.nan if reasons else min(limit.level for limit in own))
    return columns


def _set_rows(rows: pd.DataFrame, sets: np.ndarray, key: tuple[str, int], settings: SetSettings) -> list[dict]:
    labels, units = rows["label"].to_numpy(), rows["unit"].to_numpy()
    scores = score_sets(sets, labels, units)
    found = []
    for label, (name, score) in enumerate(zip(settings.names, scores, strict=True)):
        limits = score_interval(_coverage(sets, labels, units, label), units, names=[name], unit=settings.unit)
        found.append(
            {
                "scope": key[0],
                "n": key[1],
                "outcome": name,
                "label": label,
                "coverage": score.coverage,
                "ci_low": limits.low,
                "ci_high": limits.high,
                "decided": score.decided,
                "wrong": score.wrong,
                "n_units": score.n_units,
                "n_trajectories": int(rows.loc[rows["label"] == label, "trajectory"].nunique()),
            }
        )
    return found


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
