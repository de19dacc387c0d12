"""Attention of the [cls] token to each frame of a trajectory, beside what the prediction loses without the frames around it."""

import numpy as np
import pandas as pd

from cellfate.errors import InputError


def scaled_attention(weights: np.ndarray) -> np.ndarray:
    """Weights (T,) scaled by their minimum and maximum to 0..1; all 0 where every weight is the same."""
    weights = np.asarray(weights, float)
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low) if high > low else np.zeros_like(weights)


def attention_rows(
    trajectory: str, frames: np.ndarray, weights: np.ndarray, fold: int, split: str, occlusion: np.ndarray | None = None
) -> pd.DataFrame:
    """Rows of the attention table for one trajectory; ``frames`` (T,) rise, ``weights`` (T,) are those of the last layer.

    ``occlusion`` (T,) is that of :func:`cellfate.occlusion.occlusion`; null without it.
    """
    return pd.DataFrame(
        {
            "trajectory": trajectory,
            "recording": trajectory.rsplit("/", 1)[0],
            "fold": fold,
            "split": split,
            "frame": frames,
            "frames_before_end": frames[-1] - frames,
            "weight": weights,
            "scaled": scaled_attention(weights),
            "occlusion": np.full(len(frames), np.nan) if occlusion is None else occlusion,
        }
    )


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
