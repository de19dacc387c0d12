"""The masks of one simulated recording against its true regions."""

from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import cut
from cellfate.segmentation.mask_file import MaskFile
from cellfate.segmentation.scores import score_masks
from cellfate.simulation.files import read_true_masks


def score_recording(masks: str | Path, crops: str | Path, truth: str | Path, *, rule: str, min_area: int) -> pd.DataFrame:
    """The scores of all masks of a simulated recording: recording, track_id, frame and the columns of :func:`score_masks`.

    The true label images are cut at the positions of the crops; the true label of a track is its id.
    """
    with MaskFile(masks) as mask_file, CropFile(crops) as crop_file:
        if mask_file.recording != crop_file.recording:
            raise InputError(f"{masks}: masks of recording {mask_file.recording}, but {crops} has crops of {crop_file.recording}")
        size = crop_file.shape[-1]
        positions = crop_file.index().set_index(["track_id", "frame"])
        true_masks = read_true_masks(truth) if mask_file.track_ids else None
        tables = [pd.DataFrame(columns=["recording", "track_id", "frame", "iou", "found", "true_area", "area"])]
        for track_id in mask_file.track_ids:
            frames, labels = mask_file.read(track_id)
            places = positions.loc[[(track_id, frame) for frame in frames]].itertuples()
            true = np.concatenate([cut(true_masks[[frame]], place.y, place.x, size) for frame, place in zip(frames, places, strict=True)])
            scores = score_masks(labels, true, track_id, rule=rule, min_area=min_area)
            scores.insert(0, "recording", crop_file.recording)
            scores.insert(1, "track_id", track_id)
            scores.insert(2, "frame", frames[scores.index])
            tables.append(scores)
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
