"""Settings that follow the trajectories' lengths: what `auto` stands for, from the table of trajectories alone.

Everything follows from two lengths of the usable trajectories of the treatment that is analysed: the *common* length, which three
quarters of them have (their lower quartile), and the median. ``null`` stays off, numbers stay what they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError

AUTO = "auto"
MOST_STEPS = 12  # of a curve
STEPS = (1, 2, 5)  # and their tenfold, hundredfold ...
LARGEST_WINDOW = 11  # frames; the window of long trajectories
MOST_NEEDED = 50  # frames; what the statistics ask of long trajectories, as published
SHORTEST_WINDOW = 2  # frames, of windows in which outcomes are compared
ALIKE = 0.95  # share of trajectories from which a time is said of all of them
MIN_HIGH = 2  # frames that are high, with fewer nothing is compared

Steps = str | Sequence[int] | None  # a setting: auto, numbers, or off


@dataclass(frozen=True)
class Lengths:
    """The numbers of frames (N,), at least one, of the trajectories that are analysed."""

    n_frames: np.ndarray

    @classmethod
    def of(cls, trajectories: pd.DataFrame, treatment: str | None) -> "Lengths":
        """The lengths of the usable trajectories in recordings of ``treatment``; of all where it is None or has none."""
        usable = trajectories[trajectories["usable"]]
        treated = usable if treatment is None else usable[usable["treatment"] == treatment]
        found = (treated if len(treated) else usable)["n_frames"].to_numpy(int)
        if len(found) == 0:
            raise InputError("trajectories: none is usable, so no setting can follow their lengths")
        return cls(found)

    @property
    def common(self) -> int:
        """The length that three quarters of the trajectories have at least."""
        return int(np.percentile(self.n_frames, 25, method="lower"))

    @property
    def longest(self) -> int:
        return int(self.n_frames.max())

    @property
    def step(self) -> int:
        """The smallest of 1, 2, 5, 10, 20 ... that divides the common length into at most ``MOST_STEPS``."""
        sizes = (size * 10**power for power in range(9) for size in STEPS)
        return next(size for size in sizes if self.common <= size * MOST_STEPS)

    def truncation(self, setting: Steps) -> list[int]:
        """How many last frames are left out. Auto: 0 and every step below the common length, so that a frame is left."""
        return _numbers(setting, range(0, self.common, self.step))

    def last_k(self, setting: Steps) -> list[int]:
        """How many last frames are seen alone. Auto: every step up to the common length."""
        return _numbers(setting, range(self.step, self.common + 1, self.step))

    def occlusion_window(self, setting: str | int | None) -> int | None:
        """How many frames are hidden at once. Auto: the odd number next to a sixth of the median length, 3 to ``LARGEST_WINDOW``.

        Raises InputError for a number that no trajectory is longer than: everything would be hidden.
        """
        if setting is None or setting == AUTO:
            sixth = 2 * int(np.median(self.n_frames) / 12) + 1
            window = None if setting is None else int(np.clip(sixth, 3, LARGEST_WINDOW))
            return 1 if window is not None and window >= self.longest else window
        if setting >= self.longest:
            raise InputError(
                f"attention.occlusion_window is {setting}, but the longest trajectory has {self.longest} frames: all of them would be "
                f"hidden at once; an odd number well below is needed, or auto, which is {self.occlusion_window(AUTO)} here"
            )
        return int(setting)

    def windows(self, setting: str | Sequence[float] | None, steps: np.ndarray) -> list[float]:
        """The edges of windows in hours before the end; none where it is off. ``steps`` are hours from frame to frame, of each cell.

        Auto: an eighth, a quarter, a half and the whole of the common length, each window at least ``SHORTEST_WINDOW`` frames.
        """
        if setting is None or len(steps) == 0:
            return []
        if setting != AUTO:
            return [float(edge) for edge in setting]
        edges = [0]
        for part in (8, 4, 2, 1):
            if self.common // part - edges[-1] >= SHORTEST_WINDOW:
                edges.append(self.common // part)
        edges = edges if len(edges) > 1 else [0, max(self.common, 1)]
        return [round(edge * float(np.median(steps)), 6) for edge in edges]

    def statistics_min_frames(self, setting: str | int | None, high_percentile: float) -> int:
        """How many frames figures 5 and 6 ask for; 0: no such limit.

        Auto: the common length, at most ``MOST_NEEDED``, and at least so many that ``MIN_HIGH`` frames are above ``high_percentile``.
        """
        if setting is None:
            return 0
        if setting != AUTO:
            return int(setting)
        return max(min(self.common, MOST_NEEDED), frames_for_high(high_percentile))


def minutes_per_frame(trajectories: pd.DataFrame) -> float | None:
    """Minutes from frame to frame for an axis that counts frames of the usable trajectories; None where n frames are no common time.

    At least ``ALIKE`` of them share the frame interval of their recording and have all frames from their first to their last one.
    """
    rows = trajectories[trajectories["usable"]]
    whole = rows["last_frame"] - rows["first_frame"] + 1 == rows["n_frames"]
    shares = rows.loc[whole, "frame_interval_min"].value_counts() / max(len(rows), 1)
    return float(shares.index[0]) if len(shares) and shares.iloc[0] >= ALIKE else None


def frames_for_high(high_percentile: float) -> int:
    """How many frames a trajectory needs so that ``MIN_HIGH`` of them are at or above the percentile, where all weights differ."""
    below = high_percentile / 100
    return int(np.ceil(round((MIN_HIGH - below) / (1 - below), 6)))


def _numbers(setting: Steps, auto: range) -> list[int]:
    if setting is None:
        return []
    return list(auto) if setting == AUTO else [int(n) for n in setting]
