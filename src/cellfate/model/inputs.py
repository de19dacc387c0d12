"""From crops in camera counts to the network's input: downsampled, scaled, normalised."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cellfate.base.errors import InputError
from cellfate.model.scaling import Scaling


def downsample(crops: np.ndarray, size: int) -> np.ndarray:
    """Crops (T, C, S, S) as (T, C, size, size) by area averaging, rounded to whole counts; equal size changes nothing."""
    if size > crops.shape[-1]:
        raise InputError(f"model.input_size is {size}, the crops have {crops.shape[-1]} px: crops are never made larger")
    if size == crops.shape[-1]:
        return crops
    means = F.adaptive_avg_pool2d(torch.from_numpy(crops.astype(np.float32)), size)
    return means.round_().numpy().astype(crops.dtype)


def prepare(crops: np.ndarray | Tensor, scaling: Scaling) -> Tensor:
    """Crops (T, C, S, S) in counts -> network input of the same shape, float32: scaled, then normalised."""
    return normalise(scale(crops, scaling), scaling)


def scale(crops: np.ndarray | Tensor, scaling: Scaling) -> Tensor:
    """Counts over the divisor of the scaling, float32.

    A tensor is worked on where it lies, so that a GPU can do this to the integers that were read; an array on the CPU. Where each
    recording has a level of its own, that of the recording is needed (``Scaling.of``), else ValueError.
    """
    if scaling.mode == "recording":
        raise ValueError("counts are scaled by the level of their recording: Scaling.of(recording)")
    counts = torch.from_numpy(crops.astype(np.float32)) if isinstance(crops, np.ndarray) else crops.to(torch.float32)
    return counts / scaling.divisor


def normalise(frames: Tensor, scaling: Scaling) -> Tensor:
    """Scaled frames (T, C, S, S) less the mean of each channel, over its standard deviation."""
    mean = torch.tensor(scaling.mean, device=frames.device)[:, None, None]
    std = torch.tensor(scaling.std, device=frames.device)[:, None, None]
    return (frames - mean) / std
