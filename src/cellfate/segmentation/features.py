"""Shape, intensity and neighbours of the cell in each segmented crop, named as scikit-image's ``regionprops`` names them."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.crops.crop_file import CropFile
from cellfate.segmentation.mask_file import MaskFile, scale_to_uint8
from cellfate.segmentation.regions import choose_region
from cellfate.segmentation.tables import FEATURES

SHAPE = ("area", "perimeter", "eccentricity", "equivalent_diameter_area", "solidity")


def measure_features(labels: np.ndarray, images: np.ndarray, channels: Sequence[str], *, region: str, min_area: int) -> pd.DataFrame:
    """Features of the chosen region of each crop, one row per crop that has one; the index is the crop's number.

    ``labels`` (T, S, S) are label images, ``images`` (T, C, S, S) the intensities whose means are taken, of the named
    channels. Lengths in pixels; ``circularity`` is 4 pi area / perimeter^2, null where the perimeter is 0.
    """
    rows = {}
    for index, (label_image, image) in enumerate(zip(labels, images, strict=True)):
        chosen, n_neighbors = choose_region(label_image, region, min_area)
        if chosen is not None:
            means = image[:, *chosen.coords.T].mean(axis=1, dtype=np.float64)
            rows[index] = {**_shape(chosen), "n_neighbors": n_neighbors, **dict(zip(_intensity_names(channels), means, strict=True))}
    columns = [*SHAPE, "circularity", "n_neighbors", *_intensity_names(channels)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _intensity_names(channels: Sequence[str]) -> list[str]:
    return [f"intensity_mean-{channel}" for channel in channels]


def _shape(region) -> dict[str, float]:
    measured = {name: float(region[name]) for name in SHAPE}
    perimeter = measured["perimeter"]
    return {**measured, "circularity": 4 * math.pi * measured["area"] / perimeter**2 if perimeter > 0 else math.nan}


def measure_recording(masks: str | Path, crops: str | Path, features: str | Path, *, region: str, intensity: str, min_area: int) -> None:
    """Measure every segmented crop of a recording and write the features table.

    ``intensity`` is ``counts`` (mean of the camera's counts minus the frame's background level) or ``published`` (mean of the
    trajectory's crops scaled to 0-255 jointly over frames and channels). Crops without a region have no row; a mask file
    without masks gives a table without rows. Raises InputError when masks and crops are not of the same recording and frames.
    """
    with MaskFile(masks) as mask_file, CropFile(crops) as crop_file:
        if mask_file.recording != crop_file.recording:
            raise InputError(f"{masks}: masks of recording {mask_file.recording}, but {crops} has crops of {crop_file.recording}")
        tables = [_empty_table(crop_file.channels)]
        for track_id in progress(mask_file.track_ids, f"measure_features {crop_file.recording}", unit="track"):
            tables.append(_measure_track(mask_file, crop_file, track_id, region, intensity, min_area))
    measured = [table for table in tables if len(table)] or tables[:1]
    write_table(pd.concat(measured, ignore_index=True), features, FEATURES)


def _empty_table(channels: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=[*FEATURES.columns, *_intensity_names(channels)]).astype(
        dict.fromkeys(_intensity_names(channels), "float64")
    )


def _measure_track(masks: MaskFile, crops: CropFile, track_id: int, region: str, intensity: str, min_area: int) -> pd.DataFrame:
    frames, labels = masks.read(track_id)
    crop_frames, images = crops.read(track_id, frames[0], frames[-1])
    if not np.array_equal(frames, crop_frames):
        raise InputError(f"{masks.path}: track {track_id} has masks of {len(frames)} frames and {len(crop_frames)} crops; segment again")
    if intensity == "published":
        images = scale_to_uint8(images)
    elif intensity != "counts":
        raise InputError(f"features.intensity is {intensity!r}, 'counts' or 'published' is needed")
    measured = measure_features(labels, images, crops.channels, region=region, min_area=min_area)
    used = frames[measured.index]
    if intensity == "counts":
        measured[_intensity_names(crops.channels)] -= _background(crops, used)
    measured.insert(0, "recording", crops.recording)
    measured.insert(1, "track_id", track_id)
    measured.insert(2, "frame", used)
    return measured


def _background(crops: CropFile, frames: np.ndarray) -> np.ndarray:
    levels = crops.background[frames].astype(np.float64)
    if np.isnan(levels).any():
        raise InputError(f"{crops.path}: no background level for frame {frames[np.isnan(levels).any(axis=1)][0]}")
    return levels
