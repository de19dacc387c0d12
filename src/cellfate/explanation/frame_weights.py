"""What each frame counts: its attention, or what the prediction loses without the frames around it."""

import pandas as pd

from cellfate.base.errors import InputError


def own_occlusion(attention: pd.DataFrame, trajectories: pd.DataFrame) -> pd.Series:
    """The column ``occlusion`` as log-odds of each trajectory's own outcome; null for trajectories without a label."""
    label = attention["trajectory"].map(trajectories.set_index("trajectory")["label"]).astype(float)
    return attention["occlusion"] * (2 * label - 1)


def weigh_frames(attention: pd.DataFrame, trajectories: pd.DataFrame, frames: str) -> pd.DataFrame:
    """The attention table with the ``weight`` that decides which frames are high: ``frames`` is attention or occlusion."""
    if frames == "attention":
        return attention
    if frames != "occlusion":
        raise InputError(f"statistics.frames is {frames!r}; attention or occlusion is needed")
    if attention["occlusion"].isna().any():
        raise InputError("attention: occlusion was not computed; statistics.frames: occlusion needs attention.occlusion_window")
    return attention.assign(weight=own_occlusion(attention, trajectories))
