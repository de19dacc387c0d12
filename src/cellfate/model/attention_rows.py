"""Attention of the [cls] token to each frame of a trajectory, as rows of a table."""

import numpy as np
import pandas as pd


def scaled_attention(weights: np.ndarray) -> np.ndarray:
    """Weights (T,) scaled by their minimum and maximum to 0..1; all 0 where every weight is the same."""
    weights = np.asarray(weights, float)
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low) if high > low else np.zeros_like(weights)


def attention_rows(
    trajectory: str, frames: np.ndarray, weights: np.ndarray, fold: int, split: str, occlusion: np.ndarray | None = None
) -> pd.DataFrame:
    """Rows of the attention table for one trajectory; ``frames`` (T,) rise, ``weights`` (T,) are those of the last layer.

    ``occlusion`` (T,) is that of :func:`cellfate.model.occlusion.occlusion`; null without it.
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
