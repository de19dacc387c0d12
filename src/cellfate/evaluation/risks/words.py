"""The risks over time in words: whether they beat a clock and the best baseline, and what was not measured."""

from collections.abc import Sequence

import pandas as pd

from cellfate.evaluation.risks.alarms import no_risks
from cellfate.evaluation.risks.forecasts import AGE, ANY, CLOCK, COURSE, LAST, NETWORK, PREFIX, RISKS
from cellfate.evaluation.risks.scores import ALL, measured_horizon

LABELS = {
    RISKS: "the risks",
    CLOCK: "a clock since the drug or the film's start",
    AGE: "a clock since the track's start",
    ANY: "rings and hours of any frame, logistic",
    COURSE: "rings, hours and course of any frame, logistic",
    PREFIX: "rings and hours of the whole prefix, boosting",
    LAST: "rings and hours of that frame, logistic fitted for it",
    NETWORK: "the network",
}
WINS, TIES, LOSES = "better than", "not shown to be better than", "no better than"


def of_all_frames(scores: pd.DataFrame, horizon: float) -> pd.DataFrame:
    """Rows of all frames at one number of hours ahead, by method."""
    rows = scores[(scores["scope"] == ALL) & (scores["horizon_hours"] == horizon)]
    return rows.set_index("method")


def verdict(scores: pd.DataFrame) -> str:
    """One sentence: whether the risks beat both clocks and the best baseline, at the horizon that is spoken of, or why that is not known.

    They *win* where the interval of the difference of the Brier scores lies above 0, *tie* where it holds 0 or there is none, and lose
    where the other's Brier score is not higher.
    """
    horizon = measured_horizon(scores)
    rows = of_all_frames(scores, horizon)
    risks = rows.loc[RISKS]
    within = f"Fate over time, within {horizon:g} h"
    if pd.isna(risks["brier"]):
        return f"{within}: not measured, {risks['reason']}."
    clock = min((rows.loc[name] for name in (CLOCK, AGE)), key=lambda row: row["brier"])
    others = rows.drop(index=[RISKS, CLOCK, AGE])
    fitted = others[others["brier"].notna()]
    said = f"{within}: the risks are {_standing(clock)} {LABELS[clock.name]} (Brier score {risks['brier']:.3f} against {clock['brier']:.3f}"
    said += f", skill {_skill(risks)})"
    if fitted.empty:
        return f"{said}; no baseline could be fitted."
    best = fitted.loc[fitted["brier"].idxmin()]
    return f"{said} and {_standing(best)} the best baseline, {LABELS[best.name]} (skill {_skill(best)}); {_lead(best)}."


def _standing(row: pd.Series) -> str:
    if row["lead"] <= 0:
        return LOSES
    return WINS if row["lead_low"] > 0 else TIES


def _skill(row: pd.Series) -> str:
    limits = "" if pd.isna(row["skill_low"]) else f", {row['skill_low']:+.2f} to {row['skill_high']:+.2f}"
    return f"{row['skill']:+.2f}{limits}"


def _lead(row: pd.Series) -> str:
    limits = f"no interval: {row['lead_reason']}" if pd.isna(row["lead_low"]) else f"{row['lead_low']:+.4f} to {row['lead_high']:+.4f}"
    return f"the baseline's Brier score less that of the risks is {row['lead']:+.4f} ({limits})"


def not_measured(scores: pd.DataFrame, fates: pd.DataFrame, alarms: pd.DataFrame, longest: float) -> list[str]:
    """Each reason why something of the risks is missing, once, with the hours that it is of.

    Hours that are more than the ``longest`` recording has are in one line for risks, with their alarms, and one for the outcome.
    """
    every = scores[(scores["scope"] == ALL) & (scores["method"] == RISKS) & scores["reason"].notna()]
    own = fates[(fates["method"] == RISKS) & fates["reason"].notna()]
    lacking = alarms[(alarms["method"] == RISKS) & alarms["reason"].notna()]
    short = f"the longest recording has {longest:g} h"
    found = []
    if len(far := every.loc[every["horizon_hours"] > longest, "horizon_hours"]):
        found.append(f"Not measured: risks within {_listed(far)} h; {short} (risks.horizons_hours).")
    if len(far := own.loc[own["hours_before"] > longest, "hours_before"]):
        found.append(f"Not measured: the outcome {_listed(far)} h before the event; {short}.")
    near = every[every["horizon_hours"] <= longest]
    found += [f"Not measured: risks within {row.horizon_hours:g} h; {row.reason}." for row in near.itertuples()]
    for reason, rows in own[own["hours_before"] <= longest].groupby("reason", sort=False):
        found.append(f"Not measured: the outcome {_listed(rows['hours_before'])} h before the event; {reason}.")
    said = [no_risks(hours) for hours in every["horizon_hours"]]
    for reason, rows in lacking[(lacking["horizon_hours"] <= longest) & ~lacking["reason"].isin(said)].groupby("reason", sort=False):
        found.append(f"Not measured: alarms by risks within {_listed(rows['horizon_hours'].unique())} h; {reason}.")
    return found


def _listed(hours: Sequence[float]) -> str:
    *others, last = [f"{one:g}" for one in sorted(hours)]
    return f"{', '.join(others)} and {last}" if others else last
