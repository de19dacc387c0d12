"""How many hours lie between a frame of a track and its last one: by the frames' numbers, for frames may be missing in between."""

import pandas as pd

from cellfate.trajectories.lengths import ALIKE


def hours_left(prefixes: pd.DataFrame, intervals: pd.Series) -> pd.DataFrame:
    """The table prefixes with ``n``, how many frames of the trajectory come after, and ``hours``, those to its last frame.

    ``intervals`` are the minutes between frames of each trajectory, of its own recording. The longest prefix is the whole trajectory.
    """
    ends = prefixes.groupby("trajectory")[["n_frames", "frame"]].transform("max")
    hour = prefixes["trajectory"].map(intervals).astype(float) / 60
    return prefixes.assign(n=ends["n_frames"] - prefixes["n_frames"], hours=(ends["frame"] - prefixes["frame"]) * hour)


def shared_hours(hours: pd.Series) -> tuple[float | None, float]:
    """The hours that most of ``hours`` (N,) are, and the share of these; None where it is below ALIKE: one odd track takes none away."""
    alike = hours.round(6)
    shares = alike.value_counts(normalize=True)
    most, share = shares.index[0], float(shares.iloc[0])
    return (float(hours[alike == most].iloc[0]) if share >= ALIKE else None), share


def why_differ(hours: pd.Series, n: int) -> str:
    """Why no hours are given n frames before the end."""
    span = f"{hours.min():.3g} to {hours.max():.3g} h"
    return f"no hours: {n} frames before the end are {span} in different tracks, as frames are missing or frame intervals differ"
