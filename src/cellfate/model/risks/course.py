"""How brightness went in the last hours of a track, frame by frame: what a single frame does not show.

A recurrent network could find these numbers in the rings, but of the recordings that a lab has it learns neither how often a level
pulses nor that it was raised and fell again (docs/risks.md).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

FOLLOWED = "-ring0-mean"  # the innermost ring of each channel
STATISTICS = ("mean", "highest", "spread", "step", "peaks")


def course_columns(columns: Sequence[str], windows: Sequence[float]) -> list[str]:
    """The names of what :func:`course_of` makes of the ``columns`` that are followed."""
    return [f"{name} {statistic} of {hours:g} h" for hours in windows for statistic in STATISTICS for name in columns]


def course_of(values: np.ndarray, interval_h: float, windows: Sequence[float]) -> np.ndarray:
    """Of each column of ``values`` (T, K) in the last ``windows`` hours up to each frame: (T, windows x STATISTICS x K) float32.

    The mean, the highest value, the standard deviation, the mean absolute step from frame to frame, and the share of frames that lie above
    both neighbours; of the frames since the track began where it is younger than that. Nothing of a frame depends on later ones.
    """
    table = pd.DataFrame(values.astype(np.float64))
    before, after = table.shift(1), table.shift(-1)
    steps = (table - before).abs()
    peaks = ((table > before) & (table > after)).astype(float).shift(1)  # that a frame was one is known a frame later
    found = []
    for hours in windows:
        frames = max(1, round(hours / interval_h))
        level = table.rolling(frames, min_periods=1)
        parts = [level.mean(), level.max(), level.std(ddof=0), *(one.rolling(frames, min_periods=1).mean() for one in (steps, peaks))]
        found.extend(parts)
    return np.concatenate([np.nan_to_num(part.to_numpy()) for part in found], axis=1).astype(np.float32)
