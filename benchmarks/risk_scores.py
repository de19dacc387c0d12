"""Scores of risks over time: skill over a clock at landmarks, the fate some hours before the event, and cells without one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import logit

from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import LOSSES, Score, balanced_accuracy, difference, log_loss

HORIZONS = (5.0, 10.0)
LEADS = (0.5, 2.0, 5.0, 10.0)  # hours before the event
FARTHEST = 20.0  # horizon of P(positive | event)
NAMES = ("apoptosis", "mitosis")


def ends_of(trajectories: pd.DataFrame) -> pd.DataFrame:
    """end (frame of the event, or the last one) and event (-1, 0 or 1) of each trajectory."""
    event = trajectories["label"].fillna(-1).astype(int)
    end = trajectories["event_frame"].where(event >= 0, trajectories["last_frame"]).astype(int)
    return trajectories[["trajectory", "recording", "treatment", "first_frame", "frame_interval_min"]].assign(end=end, event=event)


class Clock:
    """Aalen-Johansen and the Kaplan-Meier curve of being lost, on the film's frames, from training tracks of one treatment."""

    def __init__(self, ends: pd.DataFrame, min_frames: int, n_frames: int) -> None:
        entry, end, event = (ends["first_frame"] + min_frames).to_numpy(), ends["end"].to_numpy(), ends["event"].to_numpy()
        frames = np.arange(n_frames + 1)
        at_risk = np.maximum([((entry < s) & (end >= s)).sum() for s in frames], 1)
        self.hazards = np.array([[((end == s) & (event == j) & (entry < s)).sum() for j in (0, 1)] for s in frames]) / at_risk[:, None]
        lost = np.array([((end == s) & (event < 0) & (entry < s)).sum() for s in frames]) / at_risk
        self.kept = np.cumprod(np.r_[1.0, 1 - lost])[:-1]  # not lost before frame s, so that s is seen

    def incidence(self, frame: int, steps: int) -> np.ndarray:
        """Probability (2,) of each outcome in the next ``steps`` frames after ``frame``."""
        hazards = self.hazards[frame + 1 : frame + 1 + steps]
        alive = np.cumprod(np.r_[1.0, 1 - hazards.sum(1)])[:-1]
        return (alive[:, None] * hazards).sum(0)


def landmark_rows(fates: pd.DataFrame, trajectories: pd.DataFrame, split: pd.DataFrame, min_frames: int, hours: float) -> pd.DataFrame:
    """Each landmark of test tracks whose next ``hours`` lie within the film: what came (event, or -1), weight, and the clock's risks.

    Weights are the inverse probability of not being lost until then (0: lost before ``hours`` were over).
    """
    ends = ends_of(trajectories)
    steps = round(hours * 60 / ends["frame_interval_min"].iloc[0])
    n_frames = int(ends["end"].max())
    tables = []
    for fold, rows in fates[fates["horizon_hours"] == hours].groupby("fold"):
        train = split.loc[(split["fold"] == fold) & (split["split"] == "train"), "trajectory"]
        trained = ends[ends["trajectory"].isin(train)]
        clocks = {name: Clock(own, min_frames, n_frames) for name, own in trained.groupby("treatment")}
        own = rows.drop(columns="recording").merge(ends, on="trajectory")
        own = own[own["frame"] + steps <= n_frames]
        until = np.minimum(own["end"] - own["frame"], steps)
        happened = (own["event"] >= 0) & (own["end"] - own["frame"] <= steps)
        seen = happened | (own["end"] - own["frame"] >= steps)
        kept = [clocks[t].kept[f + u] / clocks[t].kept[f] for t, f, u in zip(own["treatment"], own["frame"], until, strict=True)]
        clock = np.array([clocks[t].incidence(f, steps) for t, f in zip(own["treatment"], own["frame"], strict=True)])
        weight = np.where(seen, 1 / np.maximum(kept, 1e-3), 0.0)
        tables.append(own.assign(came=np.where(happened, own["event"], -1), weight=weight, clock0=clock[:, 0], clock1=clock[:, 1]))
    return pd.concat(tables, ignore_index=True)


def brier(rows: pd.DataFrame, risks: np.ndarray) -> Score:
    """The weighted mean of the squared errors of both outcomes' risks (N, 2), added."""
    came = rows["came"].to_numpy()
    losses = sum((risks[:, j] - (came == j)) ** 2 for j in (0, 1))
    return Score(losses[None], rows["weight"].to_numpy()[None], np.ones(1), (came >= 0).astype(int), LOSSES)


def landmark_table(fates: Mapping[str, pd.DataFrame], trajectories: pd.DataFrame, split: pd.DataFrame, min_frames: int) -> pd.DataFrame:
    """Skill 1 - Brier / Brier of the clock, with the interval of the paired difference over the clock's score, and errors of the risks."""
    found = []
    for name, table in fates.items():
        for hours in HORIZONS:
            rows = landmark_rows(table, trajectories, split, min_frames, hours)
            own, clock = (brier(rows, rows[list(pair)].to_numpy()) for pair in (("negative", "positive"), ("clock0", "clock1")))
            limits = score_interval(difference(clock, own), rows["recording"].to_numpy(), names=NAMES, unit="recording")
            low, high = limits.low / clock.value, limits.high / clock.value
            errors = [calibration_error(rows, column, j) for j, column in enumerate(("negative", "positive"))]
            counts = {"landmarks": len(rows), "with an event": int((rows["came"] >= 0).sum())}
            values = {"Brier": own.value, "clock": clock.value, "skill": 1 - own.value / clock.value, "low": low, "high": high}
            found.append({"model": name, "hours": hours, **counts, **values, "ECE death": errors[0], "ECE division": errors[1]})
    return pd.DataFrame(found)


def calibration_error(rows: pd.DataFrame, column: str, outcome: int, bins: int = 10) -> float:
    """Mean distance of risk and share in ``bins`` bins of equally many landmarks, weighted."""
    place = pd.qcut(rows[column].rank(method="first"), bins, labels=False)
    gaps, totals = [], []
    for _, own in rows.groupby(place):
        total = own["weight"].sum()
        gaps.append(abs(np.average(own[column], weights=own["weight"]) - np.average(own["came"] == outcome, weights=own["weight"])))
        totals.append(total)
    return float(np.average(gaps, weights=totals))


def fate_table(fates: Mapping[str, pd.DataFrame], logistic: pd.DataFrame, trajectories: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Balanced accuracy and log-loss of the fate so many hours before the event, on the same cells, and the paired differences."""
    usable = trajectories[trajectories["usable"]]
    shares = {
        fold: usable.loc[usable["trajectory"].isin(own.loc[own["split"] == "train", "trajectory"]), "label"].mean()
        for fold, own in split.groupby("fold")
    }
    found = []
    for lead in LEADS:
        frame = usable["event_frame"] - (lead * 60 / usable["frame_interval_min"]).round().astype(int)
        cells = usable.assign(frame=frame.astype(int))[["trajectory", "recording", "label", "frame"]]
        cells = cells.merge(logistic, on=["trajectory", "frame"])
        balanced = {"rings of any frame": logit(cells["probability"].to_numpy())}
        base = logit(cells["fold"].map(shares).to_numpy(float))
        for name, table in fates.items():
            own = table.loc[table["horizon_hours"] == FARTHEST, ["trajectory", "frame", "positive_given_event"]]
            given = cells.merge(own, on=["trajectory", "frame"], how="left", validate="one_to_one")["positive_given_event"].to_numpy()
            balanced[name] = logit(np.clip(given, 1e-6, 1 - 1e-6)) - base
        labels, units = cells["label"].to_numpy(int), cells["recording"].to_numpy()
        scores = {name: balanced_accuracy(labels, (own > 0).astype(int)) for name, own in balanced.items()}
        for name, own in balanced.items():
            limits = score_interval(scores[name], units, names=NAMES, unit="recording")
            more = difference(scores[name], scores["rings of any frame"])
            apart = score_interval(more, units, names=NAMES, unit="recording")
            row = {"hours before": lead, "model": name, "cells": len(cells), "balanced accuracy": scores[name].value}
            row |= {"low": limits.low, "high": limits.high, "more than rings": more.value, "from": apart.low, "to": apart.high}
            found.append(row | {"log-loss": log_loss(labels, own + base).value, "base rate": log_loss(labels, base).value})
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
