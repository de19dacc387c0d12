"""Scores of risks over time: skill over a clock at all frames, the outcome some hours before the event, and cells without one."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from cellfate.evaluation.risks.calibration import tabulate_calibration
from cellfate.evaluation.risks.fates import tabulate_fates
from cellfate.evaluation.risks.forecasts import LEADS, RISKS, Forecasts, Sources, at_lead, forecasts_of_folds, joined
from cellfate.evaluation.risks.scores import ALL, Landmarks, tabulate_scores
from cellfate.evaluation.scoring import Units
from cellfate.statistics.scores import balanced_accuracy, difference

NAMES = ("apoptosis", "mitosis")
UNITS = Units("recording", NAMES)
BINS = 10
NO_PREFIXES = pd.DataFrame({"trajectory": pd.Series(dtype=str), "fold": 0, "frame": pd.Series(dtype=int), "probability": 0.5})
SHOWN = [
    "n_landmarks",
    "n_tracks",
    "brier",
    "skill",
    "skill_low",
    "skill_high",
    "lead",
    "lead_low",
    "lead_high",
    "auc_negative",
    "auc_positive",
]


def held_out(sources: Mapping[str, Sources], seed: int) -> dict[str, Forecasts]:
    """What each variant of the networks, and clocks and baselines beside it, say of the test part of all folds."""
    return {name: forecasts_of_folds(own, seed)[1] for name, own in sources.items()}


def named(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A table whose recordings and trajectories are told apart from those of other seeds."""
    columns = [name for name in ("recording", "trajectory") if name in table]
    return table.assign(**{name: f"{seed}-" + table[name].astype(str) for name in columns})


def together(tests: Mapping[int, Forecasts]) -> Forecasts:
    """The held-out landmarks of several seeds as one part."""
    return joined([replace(test, table=named(test.table, seed)) for seed, test in tests.items()])


def landmark_table(forecasts: Mapping[str, Forecasts], horizons: list[float]) -> pd.DataFrame:
    """The table risk_scores at all frames, with the calibration errors of the risks."""
    found = []
    for name, test in forecasts.items():
        every = Landmarks(ALL, 0.0, np.arange(len(test.table)), len(test.table))
        scores = tabulate_scores(test, [every], horizons, UNITS).set_index(["horizon_hours", "method"])[SHOWN]
        bins = tabulate_calibration(test, horizons, BINS, UNITS).drop_duplicates(["horizon_hours", "method", "outcome"])
        errors = bins.pivot(index=["horizon_hours", "method"], columns="outcome", values="ece").add_prefix("ECE ")
        found.append(scores.join(errors).reset_index().assign(model=name))
    return pd.concat(found, ignore_index=True)


def fate_table(forecasts: Mapping[str, Forecasts]) -> pd.DataFrame:
    """The table fate_before of each variant: the outcome so many hours before the event, with paired differences of log-loss."""
    shown = ["hours_before", "method", "n_trajectories", "log_loss", "lead", "lead_low", "lead_high", "balanced_accuracy", "log_loss_base"]
    tables = [tabulate_fates(test, UNITS)[shown].assign(model=name) for name, test in forecasts.items()]
    return pd.concat(tables, ignore_index=True).query("log_loss.notna()")


def accuracy_table(forecasts: Mapping[str, Forecasts]) -> pd.DataFrame:
    """Balanced accuracy of the outcome so many hours before the event, of the risks less each baseline's, with intervals by recording."""
    found = []
    for name, test in forecasts.items():
        for lead in LEADS:
            cells = test.of(at_lead(test.table, lead))
            rows = cells.table.assign(label=cells.table["ended"].astype(int))
            labels = rows["label"].to_numpy(int)
            own = {method: balanced_accuracy(labels, (odds > cells.base).astype(int)) for method, odds in cells.fate.items()}
            for method in [method for method in own if method != RISKS and not np.isnan(cells.fate[method]).any()]:
                less = difference(own[RISKS], own[method])
                limits = UNITS.interval(less, rows)
                found.append(
                    {"model": name, "hours_before": lead, "method": method, "less": less.value, "low": limits.low, "high": limits.high}
                )
    return pd.DataFrame(found)


def quiet_table(fates: Mapping[str, pd.DataFrame], trajectories: pd.DataFrame) -> pd.DataFrame:
    """Of test tracks without an event the share (%) whose last frame has more than one half for an outcome within 10 hours."""
    quiet = trajectories[trajectories["label"].isna()].set_index("trajectory")["last_frame"]
    found = []
    for name, table in fates.items():
        rows = table[(table["horizon_hours"] == 10.0) & (table["frame"] == table["trajectory"].map(quiet))]
        above = zip(("negative", "positive"), NAMES, strict=True)
        shares = {f"{what} above one half, %": 100 * (rows[column] > 0.5).mean() for column, what in above}
        found.append({"model": name, "tracks": len(rows), **shares})
    return pd.DataFrame(found)
