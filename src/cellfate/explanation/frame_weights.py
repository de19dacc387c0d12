"""What each frame counts: its attention, or what the prediction loses without the frames around it."""

import pandas as pd

from cellfate.base.errors import InputError


def own_occlusion(attention: pd.DataFrame, trajectories: pd.DataFrame) -> pd.Series:
    """The column ``occlusion`` as log-odds of each trajectory's own outcome; null for trajectories without a label."""
    label = attention["trajectory"].map(trajectories.set_index("trajectory")["label"]).astype(float)
    return attention["occlusion"] * (2 * label - 1)


def weigh_frames(attention: pd.DataFrame, trajectories: pd.DataFrame, high_by: str) -> pd.DataFrame:
    """The attention table with the ``weight`` that decides which frames are high: ``high_by`` is attention or occlusion.

    It is null where a trajectory is too short for the window of the occlusion.
    """
    if high_by == "attention":
        return attention
    if high_by != "occlusion":
        raise InputError(f"statistics.high_by is {high_by!r}; attention or occlusion is needed")
    if attention["occlusion"].isna().all() and len(attention):
        raise InputError("attention: occlusion was not computed; statistics.high_by: occlusion needs attention.occlusion_window")
    return attention.assign(weight=own_occlusion(attention, trajectories))
