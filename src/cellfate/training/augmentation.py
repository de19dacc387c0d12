"""The random changes that training makes to the crops of a trajectory.

One draw holds for a whole trajectory, so that its frames stay consistent.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import functional as F

from cellfate.base.errors import InputError
from cellfate.model.inputs import normalise, scale
from cellfate.model.scaling import Scaling


@dataclass(frozen=True)
class AugmentationSettings:
    """Probabilities and strengths; the names are those of the configuration's ``augmentation`` section."""

    flip: float  # probability, horizontal and vertical apart
    jitter: float  # probability
    jitter_strength: float  # largest change of brightness and contrast, as a fraction
    blur: float  # probability
    blur_kernel: tuple[int, int]  # pixels (x, y), odd
    blur_sigma: tuple[float, float]  # pixels
    end_mask: float  # probability that frames at the end are dropped
    end_mask_fraction: tuple[float, float]
    start_mask: float  # probability that frames at the start are dropped
    start_mask_fraction: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("blur_kernel", "blur_sigma", "end_mask_fraction", "start_mask_fraction"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if any(size % 2 == 0 for size in self.blur_kernel):
            raise InputError(f"augmentation.blur_kernel is {list(self.blur_kernel)}, odd numbers of pixels are needed")
        for name in ("end_mask_fraction", "start_mask_fraction"):
            if getattr(self, name)[1] >= 1:
                raise InputError(f"augmentation.{name} is {list(getattr(self, name))}, less than 1 is needed")


def prepare_augmented(crops: np.ndarray | Tensor, scaling: Scaling, settings: AugmentationSettings, seed: tuple[int, ...]) -> Tensor:
    """Crops (T, C, S, S) in counts -> network input (T', C, S, S), float32; T' < T when frames at either end are dropped.

    The order is scale, end mask, start mask, flips, jitter, blur, normalise. ``seed`` fixes the draw: the same numbers give the same
    result, whatever was drawn before.
    """
    return normalise(augment(scale(crops, scaling), settings, np.random.default_rng(seed)), scaling)


def augment(frames: Tensor, settings: AugmentationSettings, rng: np.random.Generator) -> Tensor:
    """End mask, start mask, flips, jitter and blur of scaled frames (T, C, S, S), each with its probability."""
    if rng.random() < settings.end_mask:
        frames = frames[: len(frames) - n_masked(len(frames), rng.uniform(*settings.end_mask_fraction))]
    if settings.start_mask and rng.random() < settings.start_mask:  # without it the other draws stay as they were
        frames = frames[n_masked_at_start(len(frames), rng.uniform(*settings.start_mask_fraction)) :]
    if rng.random() < settings.flip:
        frames = frames.flip(3)
    if rng.random() < settings.flip:
        frames = frames.flip(2)
    if rng.random() < settings.jitter:
        low, high = 1 - settings.jitter_strength, 1 + settings.jitter_strength
        brightness, contrast = rng.uniform(low, high, size=(2, frames.shape[1]))
        frames = jitter(frames, brightness, contrast)
    if rng.random() < settings.blur:
        frames = F.gaussian_blur(frames, list(settings.blur_kernel), [rng.uniform(*settings.blur_sigma)] * 2)
    return frames


def n_masked(n_frames: int, fraction: float) -> int:
    """How many frames at the end are dropped: the fraction, but at least 5 where the trajectory has more than 10."""
    dropped = int(fraction * n_frames)
    return max(5, dropped) if n_frames > 10 else dropped


def n_masked_at_start(n_frames: int, fraction: float) -> int:
    """How many frames at the start are dropped: the fraction, of which at least 5 frames are left where there are as many."""
    return min(int(fraction * n_frames), max(0, n_frames - 5))


def jitter(frames: Tensor, brightness: np.ndarray, contrast: np.ndarray) -> Tensor:
    """Multiply each channel by its brightness, then stretch it around its mean over the trajectory by its contrast.

    One map per channel for all frames, so that a change from frame to frame stays a change. ``brightness`` and
    ``contrast`` are (C,), 1 changes nothing.
    """
    brightness, contrast = (torch.as_tensor(v, dtype=frames.dtype, device=frames.device)[:, None, None] for v in (brightness, contrast))
    frames = frames * brightness
    mean = frames.mean(dim=(0, 2, 3), keepdim=True)
    return (frames - mean) * contrast + mean
