"""Fate over time, for the summary page: whether the risks beat a clock and the best baseline, in a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.plot_style import readable
from cellfate.base.tables import read_table
from cellfate.evaluation.risks.scores import ALL, measured_horizon
from cellfate.evaluation.risks.tables import FATE_BEFORE, RISK_ALARMS, RISK_CALIBRATION, RISK_SCORES
from cellfate.evaluation.risks.words import LABELS, not_measured, verdict

NOTHING = "–"
LEAD = 2.0  # hours before the event, of the sentence on the outcome


@dataclass(frozen=True)
class RiskTables:
    """The tables of :mod:`cellfate.evaluation.risks.tables` that the page has numbers of."""

    scores: pd.DataFrame
    calibration: pd.DataFrame
    alarms: pd.DataFrame
    fates: pd.DataFrame

    @classmethod
    def read(cls, scores: str | Path, calibration: str | Path, alarms: str | Path, fates: str | Path) -> "RiskTables":
        """Those of a run, from their files."""
        files = ((scores, RISK_SCORES), (calibration, RISK_CALIBRATION), (alarms, RISK_ALARMS), (fates, FATE_BEFORE))
        return cls(*(read_table(path, declared) for path, declared in files))


def risks_section(tables: RiskTables | None, names: Sequence[str]) -> dict:
    """Lines and the table of the section; no row where a run has no risks. ``names`` are those of the outcomes, negative first."""
    if tables is None:
        return {"lines": [], "hours": [], "rows": []}
    rows = tables.scores[tables.scores["scope"] == ALL]
    hours = sorted(rows["horizon_hours"].unique())
    keyed = rows.set_index(["method", "horizon_hours"])
    table = [{"label": LABELS[one], "cells": [_skill(keyed.loc[one, hour]) for hour in hours]} for one in dict.fromkeys(rows["method"])]
    horizon = measured_horizon(tables.scores)
    lines = [verdict(tables.scores), *_calibrated(tables.calibration, horizon, names), *_alarms(tables.alarms, horizon, names)]
    counts = [int(keyed.loc["risks", hour]["n_tracks"]) for hour in hours]
    return {"lines": [*lines, *_outcome(tables.fates)], "hours": [f"{hour:g}" for hour in hours], "counts": counts, "rows": table}


def missing_risks(tables: RiskTables | None, trajectories: pd.DataFrame) -> list[str]:
    """What could not be measured of the risks, and why; ``trajectories`` are all of the run."""
    if tables is None:
        return []
    hours = np.fmax(trajectories["last_frame"], trajectories["event_frame"].astype(float)) * trajectories["frame_interval_min"] / 60
    return not_measured(tables.scores, tables.fates, tables.alarms, float(hours.max()))


def _skill(row: pd.Series) -> tuple[str, str]:
    if pd.isna(row["skill"]):
        return (NOTHING, "") if pd.isna(row["brier"]) else ("0", f"Brier {row['brier']:.3f}")
    limits = f"no interval: {row['skill_reason']}" if pd.isna(row["skill_low"]) else f"{row['skill_low']:+.2f} to {row['skill_high']:+.2f}"
    return f"{row['skill']:+.2f}", limits


def _calibrated(calibration: pd.DataFrame, horizon: float, names: Sequence[str]) -> list[str]:
    own = calibration[(calibration["method"] == "risks") & (calibration["horizon_hours"] == horizon) & calibration["ece"].notna()]
    found = own.drop_duplicates("outcome").set_index("outcome")["ece"]
    if found.empty:
        return []
    each = " and ".join(f"{found[role]:.3f} for {readable(name)}" for role, name in zip(("negative", "positive"), names, strict=True))
    return [f"Risks within {horizon:g} h are off by {each} on average (expected calibration error)."]


def _alarms(alarms: pd.DataFrame, horizon: float, names: Sequence[str]) -> list[str]:
    own = alarms[(alarms["method"] == "risks") & (alarms["horizon_hours"] == horizon) & alarms["found"].notna()].set_index("outcome")
    found, share = [], alarms["alarm_share"].max()
    for role, name in zip(("negative", "positive"), names, strict=True):
        if role in own.index:
            row = own.loc[role]
            ahead = "" if pd.isna(row["ahead"]) else f", in the median {row['ahead']:g} h ahead"
            told = f"{readable(name)}: {_share(row['found'])} of {row['n_events']}{_interval_of_found(row)}{ahead}"
            found.append(f"{told} (false in {_share(row['false_alarms'])} of {row['n_quiet']} cells without an event)")
    what = f"Alarms that {100 * share:g} % of the validation cells without an event ever had came before"
    return [f"{what} {'; '.join(found)}."] if found else []


def _interval_of_found(row: pd.Series) -> str:
    return "" if pd.isna(row["found_low"]) else f" ({_share(row['found_low'])} to {_share(row['found_high'])})"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _outcome(fates: pd.DataFrame) -> list[str]:
    rows = fates[(fates["hours_before"] == LEAD) & fates["log_loss"].notna()].set_index("method")
    if "risks" not in rows.index:
        return []
    risks = rows.loc["risks"]
    others = rows.drop(index="risks").sort_values("log_loss", kind="stable")
    first = f"{LEAD:g} h before the event the outcome has a log-loss of {risks['log_loss']:.2f} by the risks"
    beside = [f"{row.log_loss:.2f} by {LABELS[row.Index]}" for row in others.itertuples()]
    return [f"{first} ({', '.join(beside)}; {risks['log_loss_base']:.2f} by the base rate; {risks['n_trajectories']} cells)."]
