"""Drift of the field of view: how far the scene has moved in each frame, from the images alone."""

from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.base.tables import read_table, write_table
from cellfate.frames.reader import Frames
from cellfate.frames.tables import DRIFT

EDGE = 0.1  # fraction of the height and width in which the images fade out, both sides together
PASSES = 2  # the second compares what both frames show, so that what left the field no longer counts


def estimate_drift(frames: Frames, channel: str, *, upsampling: int) -> np.ndarray:
    """The shift (T, 2) in y and x, pixels, of the scene in each frame against frame 0: registered position = position - shift.

    Consecutive frames of ``channel`` are compared by cross-correlation (scikit-image's ``phase_cross_correlation``, Guizar-Sicairos
    et al. 2008) to 1 / ``upsampling`` pixel, and their shifts added up. Of the counts above the darkest pixel the square root is
    taken, so that the few brightest cells do not decide alone. The correlation is not normalised: normalised, it takes the noise
    of fluorescence images for the scene and finds no shift at all. Two frames are in memory. Raises InputError for a channel
    that is not there, for an image without any structure, and when not a single shift is found.
    """
    if channel not in frames.channels:
        raise InputError(f"{frames.path}: registration.channel is {channel!r}, the channels are {', '.join(frames.channels)}")
    index = frames.channels.index(channel)
    steps = np.zeros((frames.n_frames, 2))
    before = None
    for t in progress(range(frames.n_frames), f"register_drift {frames.path.name}", unit="frame"):
        image = frames.read(t)[index].astype(np.float32)
        if image.min() == image.max():
            raise InputError(f"{frames.path}: frame {t} of channel {channel} is {image.min():g} everywhere: there is nothing to register")
        image = np.sqrt(image - image.min())
        if before is not None:
            steps[t] = _step(before, image, upsampling)
        before = image
    if frames.n_frames > 1 and not steps.any():
        raise InputError(
            f"{frames.path}: all shifts of channel {channel} are exactly zero: its images are copies of one another, or something that "
            "does not move, such as dirt on the camera, outshines the cells. Choose another registration.channel, or "
            "registration.method: none"
        )
    return np.cumsum(steps, axis=0)


def _step(before: np.ndarray, after: np.ndarray, upsampling: int) -> np.ndarray:
    """The shift (2,) of the scene from one image (H, W) to the next, pixels."""
    from scipy.signal.windows import tukey
    from skimage.registration import phase_cross_correlation

    shift = np.zeros(2)
    for _ in range(PASSES):
        coarse = np.round(shift).astype(int)
        first, second = _shared_part(before, after, coarse)
        taper = np.outer(*(tukey(length, EDGE) for length in first.shape)).astype(np.float32)  # opposite edges do not meet in the scene
        back, _, _ = phase_cross_correlation(
            (first - first.mean()) * taper, (second - second.mean()) * taper, upsample_factor=upsampling, normalization=None
        )
        shift = coarse - back
    return shift


def _shared_part(before: np.ndarray, after: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What both images show when the scene moved by whole pixels ``shift`` (2,) in between."""
    early, late = [], []
    for step, length in zip(shift, before.shape, strict=True):
        early.append(slice(max(-step, 0), length - max(step, 0)))
        late.append(slice(max(step, 0), length - max(-step, 0)))
    return before[tuple(early)], after[tuple(late)]


def write_drift(shifts: np.ndarray, path: str | Path) -> None:
    """Write shifts (T, 2) as the declared table ``drift``."""
    table = pd.DataFrame({"frame": range(len(shifts)), "dy": shifts[:, 0].round(4), "dx": shifts[:, 1].round(4)})
    write_table(table, path, DRIFT)


def read_drift(path: str | Path | None) -> np.ndarray | None:
    """The shifts (T, 2) in y and x, pixels, of every frame from 0 on; None for None, a recording that is not registered.

    Raises InputError when a frame is missing.
    """
    if path is None:
        return None
    table = read_table(path, DRIFT).sort_values("frame")
    missing = np.flatnonzero(table["frame"].to_numpy() != np.arange(len(table)))
    if missing.size:
        raise InputError(f"{path}: frame {missing[0]} is missing; every frame from 0 on is needed")
    return table[["dy", "dx"]].to_numpy(float)
