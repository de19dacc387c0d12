"""Moments at which cells are looked at, none of which knows how their tracks go on: so many hours after a start.

Two clocks: from each track's first frame, and from the drug (from the recording's first frame, where no recording says when its drug came).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.trajectories.lengths import Lengths

TRACK, DRUG, RECORDING = "track", "drug", "recording"
EPSILON = 1e-9


@dataclass(frozen=True)
class Clocks:
    """The clocks of a run, the same for all of its folds.

    ``drug`` has the hours at which each recording got its drug, and is empty where no recording of the run has such an hour; ``hours``
    are those after a start at which cells are looked at.
    """

    drug: Mapping[str, float]
    hours: np.ndarray

    @classmethod
    def of(cls, trajectories: pd.DataFrame, drug: Mapping[str, float | None]) -> "Clocks":
        """Those of all ``trajectories`` of a run; ``drug`` has the sheet's hours, None where nobody says."""
        there = set(trajectories["recording"])
        return cls({name: hours for name, hours in drug.items() if hours is not None and name in there}, landmark_hours(trajectories))

    def starts(self, trajectories: pd.DataFrame) -> dict[str, pd.Series]:
        """For each clock the hours (N,), since its recording's first frame, at which it starts for ``trajectories``; NaN: never.

        A recording without a treatment has no hour of its drug.
        """
        clocks = {TRACK: trajectories["first_frame"] * trajectories["frame_interval_min"] / 60}
        if self.drug:
            return clocks | {DRUG: trajectories["recording"].map(self.drug).astype(float)}
        return clocks | {RECORDING: pd.Series(0.0, trajectories.index)}


def landmark_hours(trajectories: pd.DataFrame) -> np.ndarray:
    """The hours after a start at which cells are looked at: every :attr:`Lengths.step` frames, to the longest track that is usable.

    A track is as long as it is followed: frames that are missing in between count.
    """
    interval = float(trajectories["frame_interval_min"].median()) / 60
    lengths = Lengths.of(trajectories.assign(n_frames=trajectories["last_frame"] - trajectories["first_frame"] + 1), None)
    return np.arange(0, lengths.longest, lengths.step) * interval


def landmarks(trajectories: pd.DataFrame, clocks: Clocks) -> pd.DataFrame:
    """Rows clock, hours, trajectory, at_frame: every track at every moment at which it is followed and undecided.

    ``at_frame`` is the recording's frame of that moment. A track is followed from its first to its last frame; its event comes later.
    """
    tables = []
    interval = trajectories["frame_interval_min"] / 60
    for clock, start in clocks.starts(trajectories).items():
        for hours in clocks.hours:
            at = np.floor((start + hours) / interval + EPSILON)
            followed = (at >= trajectories["first_frame"]) & (at <= trajectories["last_frame"])
            rows = trajectories.loc[followed, ["trajectory"]]
            tables.append(rows.assign(clock=clock, hours=float(hours), at_frame=at[followed].astype(int)))
    return pd.concat(tables, ignore_index=True)[["clock", "hours", "trajectory", "at_frame"]]


def censoring_survival(entry: np.ndarray, end: np.ndarray, censored: np.ndarray, times: np.ndarray, since: float) -> np.ndarray:
    """P(not censored before each of ``times``, given not before ``since``), (M,), by Kaplan and Meier.

    From tracks (N,) that are followed from ``entry`` to ``end``; ``censored`` says whether the end is a loss and not an event. Tracks that
    enter late count from then on (left truncation), so that early on few are at risk: losses before ``since`` are not looked at, as one of
    them could end the curve.
    """
    entry, end, censored = np.asarray(entry, float), np.asarray(end, float), np.asarray(censored, bool)
    losses, counts = np.unique(end[censored & (end >= since)], return_counts=True)
    at_risk = np.array([((entry <= loss) & (end >= loss)).sum() for loss in losses])
    factors = 1 - counts / at_risk
    survival = np.concatenate([[1.0], np.cumprod(factors)])
    return survival[np.searchsorted(losses, np.asarray(times, float), side="left")]
