"""Alarms: a risk exceeds what few cells without an event ever reach. How many events have one, how early, and how often it is false."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.base.causes import counted
from cellfate.evaluation.risks.forecasts import Forecasts
from cellfate.evaluation.risks.scores import OUTCOMES
from cellfate.evaluation.risks.tables import RISK_ALARMS
from cellfate.evaluation.scoring import Units
from cellfate.statistics.scores import COUNTS, Score

COLUMN = "risk"


def tabulate_alarms(validation: Forecasts, test: Forecasts, horizons: Sequence[float], alarm_share: float, units: Units) -> pd.DataFrame:
    """The risk_alarms table: a threshold is what ``alarm_share`` of the validation cells without an event ever exceed.

    Each fold has its own; one with fewer such cells than :func:`fewest_quiet` has none and is left out.
    """
    found = []
    for number, hours in enumerate(horizons):
        for method in test.risks:
            for outcome, name in enumerate(OUTCOMES):
                told, seen = (part.table.assign(**{COLUMN: part.risks[method][:, number, outcome]}) for part in (validation, test))
                key = {"method": method, "horizon_hours": hours, "outcome": name, "alarm_share": alarm_share}
                found.append(key | _alarms(told, seen, outcome, hours, alarm_share, units))
    return pd.DataFrame(found, columns=list(RISK_ALARMS.columns))


def _alarms(validation: pd.DataFrame, test: pd.DataFrame, outcome: int, hours: float, share: float, units: Units) -> dict:
    limits = {fold: own for fold, rows in validation.groupby("fold") if (own := threshold(rows, share)) is not None}
    quiet = validation.loc[validation["ended"].astype(int) < 0, "trajectory"].nunique()
    judged = test[test["fold"].isin(list(limits))]
    cells = first_alarms(judged, judged["fold"].map(limits).to_numpy(float))
    events, calm = cells[cells["ended"] == outcome], cells[cells["ended"] < 0]
    sizes = {"n_events": len(events), "n_quiet": len(calm), "n_validation": quiet}
    sizes |= {"units_events": events[units.unit].nunique(), "units_quiet": calm[units.unit].nunique()}
    if test[COLUMN].isna().all():
        return sizes | {"reason": no_risks(hours)}
    if not limits:
        calmest = validation[validation["ended"].astype(int) < 0].groupby("fold")["trajectory"].nunique()
        most = int(calmest.max()) if len(calmest) else 0
        where = " in the fold that has most of them" if validation["fold"].nunique() > 1 else ""
        few = f"{counted(most, 'validation cell')} {'has' if most == 1 else 'have'} no event{where}"
        few += f", at least {fewest_quiet(share)} are needed for a threshold that {100 * share:g} % of them exceed"
        return sizes | {"reason": f"{few} (split.fractions, evaluation.alarm_share)"}
    ahead = events["ahead"].dropna()
    quartiles = np.quantile(ahead, [0.25, 0.5, 0.75]) if len(ahead) else [np.nan] * 3
    found = dict(zip(("ahead_q25", "ahead", "ahead_q75"), quartiles, strict=True))
    found |= _share("found", events["ahead"].notna(), events, units)
    found |= _share("false_alarms", calm["ahead"].notna(), calm, units)
    return sizes | found | _share("above_half", calm["last"] > 0.5, calm, units)


def no_risks(hours: float) -> str:
    """The reason where nothing is said of so many hours ahead."""
    return f"there are no risks for {hours:g} hours (risks.horizons_hours)"


def fewest_quiet(alarm_share: float) -> int:
    """How many cells without an event are needed so that the share of them is one cell."""
    return math.ceil(1 / alarm_share - 1e-9)


def threshold(rows: pd.DataFrame, alarm_share: float) -> float | None:
    """The risk that the share of the cells without an event exceed at some frame; None where there are too few, or none has a risk."""
    quiet = rows[rows["ended"].astype(int) < 0]
    highest = quiet.groupby("trajectory")[COLUMN].max().dropna().to_numpy()
    return float(np.quantile(highest, 1 - alarm_share, method="higher")) if len(highest) >= fewest_quiet(alarm_share) else None


def first_alarms(rows: pd.DataFrame, limits: np.ndarray) -> pd.DataFrame:
    """A row for each cell: its recording, group, ended, ``ahead`` (hours from its first alarm to its end, NaN: none), ``last`` risk."""
    rows = rows.assign(alarm=rows[COLUMN].to_numpy() > limits)
    cells = rows.groupby("trajectory", sort=False).agg({"recording": "first", "group": "first", "ended": "first", COLUMN: "last"})
    first = rows[rows["alarm"]].drop_duplicates("trajectory").set_index("trajectory")["left"]
    cells["ahead"] = first.reindex(cells.index)
    return cells.rename(columns={COLUMN: "last"}).astype({"ended": int})


def _share(name: str, hits: pd.Series, cells: pd.DataFrame, units: Units) -> dict:
    if not len(cells):
        return {f"{name}_reason": "no held-out cell"}
    labels = (cells["ended"].to_numpy() == 1).astype(int)
    score = Score(hits.to_numpy(float)[None], np.ones((1, len(cells))), np.ones(1), labels, COUNTS)
    return units.named(name, score, cells)
