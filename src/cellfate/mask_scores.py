"""How good masks are, where the truth is known: the tracked cell's region in each crop against its true region."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.crops import CropFile, cut
from cellfate.errors import InputError
from cellfate.masks import MaskFile
from cellfate.regions import choose_region
from cellfate.simulation_files import read_true_masks

FOUND = 0.5  # intersection over union above which the cell counts as found


def score_masks(
    masks: np.ndarray, truth: np.ndarray, true_ids: Sequence[int] | int | None = None, *, rule: str, min_area: int
) -> pd.DataFrame:
    """Intersection over union of the chosen region with the true cell, one row per crop with a true cell (index: crop number).

    ``masks`` and ``truth`` (T, S, S) are label images. ``true_ids`` says which true label is the tracked cell, for all crops
    or for each; None takes the true label at the centre, by the rule ``centre``. Columns: iou (0 where no region was chosen),
    found (iou above 0.5), true_area and area in pixels.
    """
    identities = np.broadcast_to(0 if true_ids is None else true_ids, len(truth))
    rows = {}
    for index, (mask, true, identity) in enumerate(zip(masks, truth, identities, strict=True)):
        target = _chosen(true, "centre", 1) if true_ids is None else true == identity
        if target.any():
            found = _chosen(mask, rule, min_area)
            iou = (target & found).sum() / (target | found).sum()
            rows[index] = {"iou": iou, "found": iou > FOUND, "true_area": target.sum(), "area": found.sum()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["iou", "found", "true_area", "area"])


def _chosen(labels: np.ndarray, rule: str, min_area: int) -> np.ndarray:
    region, _ = choose_region(labels, rule, min_area)
    chosen = np.zeros(labels.shape, bool)
    if region is not None:
        chosen[tuple(region.coords.T)] = True
    return chosen


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
