"""Brier score, skill over a clock and dynamic AUC of risks under censoring, at all frames and at landmarks; and who leads whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.causes import counted
from cellfate.evaluation.risks.forecasts import CLOCK, RISKS, Forecasts
from cellfate.evaluation.risks.tables import RISK_SCORES
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.time.clocks import Clocks, landmarks
from cellfate.statistics.competing import LOST
from cellfate.statistics.scores import LOSSES, Score, auroc, difference

FEWEST = 5  # cells with an outcome within the hours; with fewer a score would be one of chance
ALL = "all frames"
OUTCOMES = ("negative", "positive")


@dataclass(frozen=True)
class Landmarks:
    """Which landmarks are looked at together: rows (M,) of the forecasts, and how many tracks are at risk, with a prediction or without."""

    scope: str
    hours: float
    rows: np.ndarray
    n_at_risk: int


def landmark_sets(trajectories: pd.DataFrame, split: pd.DataFrame, test: Forecasts, drug: Mapping[str, float | None]) -> list[Landmarks]:
    """All frames, then those at so many hours after each start (:mod:`cellfate.evaluation.time.clocks`), of tracks held out.

    ``split`` has the parts of tracks without a fate too, ``drug`` the hours at which each recording got it, None where nobody says.
    """
    table = test.table
    every = Landmarks(ALL, 0.0, np.arange(len(table)), len(table))
    held_out = trajectories[trajectories["trajectory"].isin(split.loc[split["split"] == "test", "trajectory"])]
    places = pd.Series(np.arange(len(table)), pd.MultiIndex.from_frame(table[["trajectory", "frame"]]))
    at = landmarks(held_out, Clocks.of(trajectories, drug))
    found = [every]
    for (clock, hours), now in at.groupby(["clock", "hours"], sort=True):
        rows = places.reindex(pd.MultiIndex.from_arrays([now["trajectory"], now["at_frame"]])).dropna().to_numpy(int)
        found.append(Landmarks(str(clock), float(hours), rows, len(now)))
    return found


def tabulate_scores(test: Forecasts, sets: Sequence[Landmarks], horizons: Sequence[float], units: Units) -> pd.DataFrame:
    """The risk_scores table."""
    found = []
    for one in sets:
        chosen = test.of(one.rows)
        for number, hours in enumerate(horizons):
            key = {"scope": one.scope, "hours": one.hours, "horizon_hours": hours, "n_at_risk": one.n_at_risk}
            found += [key | row for row in _of_horizon(chosen, test, number, hours, units)]
    return pd.DataFrame(found, columns=list(RISK_SCORES.columns))


def _of_horizon(chosen: Forecasts, test: Forecasts, number: int, hours: float, units: Units) -> list[dict]:
    """A row for each method."""
    weight, came = chosen.weight[:, number], chosen.came[:, number]
    scored = weight > 0
    rows = chosen.table[scored].assign(label=came[scored])
    lost = chosen.inside[:, number] & ~scored & (chosen.table["ended"].to_numpy(int) == LOST)
    events = [rows.loc[rows["label"] == outcome, "trajectory"].nunique() for outcome in (0, 1)]
    sizes = {"n_landmarks": len(rows), "n_tracks": rows["trajectory"].nunique(), "n_negative": events[0], "n_positive": events[1]}
    sizes |= {"n_lost": int(lost.sum()), **units.counts(rows), "largest_weight": float(weight.max()) if scored.any() else None}
    reason = out_of_reach(test, number, hours) or why_none(chosen, number, hours, events)
    said = {method: values[scored, number] for method, values in chosen.risks.items()}
    if reason is not None:
        return [{"method": method, **sizes, "reason": reason} for method in said]
    judged = {method: brier(values, rows["label"].to_numpy(), weight[scored]) for method, values in said.items()}
    return [{"method": method, **sizes} | _scores(method, said, judged, rows, weight[scored], units) for method in said]


def out_of_reach(test: Forecasts, number: int, hours: float) -> str | None:
    """Why no landmark of all has risks so far ahead, or none can be judged: recordings or tracks are too short for the horizon."""
    named = f"risks.horizons_hours: {hours:g}"
    if len(test.table) and np.isnan(test.risks[RISKS][:, number]).all():
        return f"no training track was followed for so long after its first frame with a prediction ({named})"
    if len(test.table) and not test.inside[:, number].any():
        return f"no held-out film goes on for so long ({named})"
    return None


def why_none(chosen: Forecasts, number: int, hours: float, events: Sequence[int]) -> str | None:
    """Why nothing is measured at a horizon, with the setting behind it."""
    named = f"risks.horizons_hours: {hours:g}"
    if not len(chosen.table):
        return "no held-out cell has frames enough for a prediction here (crops.min_frames)"
    if beyond := out_of_reach(chosen, number, hours):
        return beyond
    if sum(events) < FEWEST:
        cells = counted(sum(events), "held-out cell")
        return f"{cells} had an outcome within these hours, at least {FEWEST} are needed ({named}, split.fractions)"
    return None


def brier(risks: np.ndarray, came: np.ndarray, weights: np.ndarray) -> Score:
    """The weighted mean of the squared errors of both outcomes' risks (N, 2), added; ``came`` (N,) is 0, 1 or -1 for neither."""
    losses = sum((risks[:, outcome] - (came == outcome)) ** 2 for outcome in (0, 1))
    return Score(losses[None], weights[None], np.ones(1), (came >= 0).astype(int), LOSSES)


def _scores(method: str, said: Mapping, judged: Mapping[str, Score], rows: pd.DataFrame, weights: np.ndarray, units: Units) -> dict:
    own = judged[method]
    if np.isnan(own.value):
        return {"reason": "fewer than 5 training cells had an outcome within these hours, so it was not fitted"}
    interval = units.interval(own, rows)
    found = {"brier": own.value, "brier_low": interval.low, "brier_high": interval.high}
    if method != CLOCK:
        clock = judged[CLOCK].value
        limits = units.interval(difference(judged[CLOCK], own), rows)
        found |= {"skill": 1 - own.value / clock, "skill_low": limits.low / clock, "skill_high": limits.high / clock}
        found["skill_reason"] = limits.reason
    if method != RISKS:
        found |= units.named("lead", difference(own, judged[RISKS]), rows)
    for outcome, name in enumerate(OUTCOMES):
        found |= _auc(f"auc_{name}", rows, said[method][:, outcome], weights, outcome, units)
    return found


def _auc(name: str, rows: pd.DataFrame, risks: np.ndarray, weights: np.ndarray, outcome: int, units: Units) -> dict:
    """Cells with the outcome within the hours against all others that are known not to have had it."""
    labels = (rows["label"] == outcome).to_numpy(int)
    cells = rows.loc[labels == 1, "trajectory"].nunique()
    if cells < FEWEST or labels.all():
        few = f"{counted(cells, 'held-out cell')} had this outcome within these hours, at least {FEWEST} are needed"
        return {f"{name}_reason": few if cells < FEWEST else "every landmark had this outcome within these hours"}
    return units.named(name, auroc(labels, risks, weights), rows)


def spoken_of(horizons: Sequence[float], known: Sequence[float]) -> float:
    """The number of hours ahead that first lines and figures are of: the middle one, of an even number the later.

    Where nothing is known so far ahead, it is the largest one below of which something is ``known``.
    """
    middle = float(sorted(horizons)[len(horizons) // 2])
    return middle if middle in known else max((float(one) for one in known if one < middle), default=middle)


def measured_horizon(scores: pd.DataFrame) -> float:
    """The number of hours ahead that is spoken of where risks have the ``scores`` of the risk_scores table."""
    own = scores[(scores["scope"] == ALL) & (scores["method"] == RISKS)]
    return spoken_of(scores["horizon_hours"].unique(), own.loc[own["brier"].notna(), "horizon_hours"].tolist())
