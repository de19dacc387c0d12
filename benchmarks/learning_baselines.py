"""The baselines of the learning benchmark, from the crops: what the base rate, the length, the dose, the brightness or one frame tell.

Each is a regularised logistic regression on a few numbers per trajectory, fitted on the training recordings of a fold and scored
on its held-out recordings. Outcomes weigh the same in the fit, as in the network's sampler.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from learning_draws import balanced_accuracy_draws

from cellfate.base.progress import progress
from cellfate.crops.crop_file import CropFile
from cellfate.crops.crop_set import CropSet
from cellfate.crops.rings import ring_numbers, ring_statistics
from cellfate.evaluation.baselines.fits import fit_logistic
from cellfate.trajectories.folds import fold_trajectories

BASELINES = ("majority", "length", "dose", "mean_intensity", "last_frame_pixels", "last_frame_rings")
CENTRE = 16  # pixels, side of the square whose mean is a cell's central intensity
BLOCK = 8  # pixels, side of the blocks that the last frame is averaged over
RING = 4  # pixels, width of the rings around the crop's centre


def central_intensity(crops: np.ndarray, background: np.ndarray, side: int = CENTRE) -> np.ndarray:
    """Mean counts above ``background`` (T, C) in the central square of the crops (T, C, S, S), over all frames, (C,)."""
    first = (crops.shape[-1] - side) // 2
    centre = crops[:, :, first : first + side, first : first + side].mean(axis=(2, 3))
    return (centre - background).mean(axis=0)


def pooled_pixels(crop: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """Means of ``block`` x ``block`` pixels of a crop (C, S, S), flat; the pixels that fill no block are left out."""
    channels, size = crop.shape[0], crop.shape[-1] // block
    whole = crop[:, : size * block, : size * block].astype(float)
    return whole.reshape(channels, size, block, size, block).mean(axis=(2, 4)).ravel()


def describe(crops: Sequence[str | Path], rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """The numbers (N, F) of every baseline for the N trajectories of ``rows``; nothing after ``last_frame`` is read.

    ``rows`` are of the trajectories table. Raises InputError when a trajectory has no crops.
    """
    length = rows["n_frames"].to_numpy(float)[:, None]
    dose = pd.get_dummies(rows["dose"].fillna("")).to_numpy(float)
    return {"majority": np.zeros((len(rows), 1)), "length": length, "dose": dose} | _describe_images(CropSet(list(crops)), rows)


def _describe_images(cropset: CropSet, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    names = sorted(set(rows["recording"]))
    backgrounds = dict(zip(names, map(_background, cropset.paths(names)), strict=True))
    found: dict[str, list] = {name: [] for name in ("mean_intensity", "last_frame_pixels", "last_frame_rings")}
    for row in progress(list(rows.itertuples()), "describe trajectories"):
        frames, images = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        background = backgrounds[row.recording][frames]
        last = images[-1] - background[-1][:, None, None]
        found["mean_intensity"].append(central_intensity(images, background))
        found["last_frame_pixels"].append(pooled_pixels(last))
        found["last_frame_rings"].append(ring_statistics(last[None], ring_numbers(last.shape[-1], RING), percentile=50)[..., :2].ravel())
    cropset.close()
    return {name: np.array(values) for name, values in found.items()}


def _background(path: Path) -> np.ndarray:
    with CropFile(path) as file:
        return file.background


def predict_baselines(
    crops: Sequence[str | Path], trajectories: pd.DataFrame, split: pd.DataFrame, *, fold: int, seed: int, dropped: int = 0
) -> pd.DataFrame:
    """Predictions of every baseline for the test trajectories of a fold.

    Columns: method, dropped, trajectory, recording, treatment, label, probability (of label 1), predicted. ``majority`` has the
    base rate of the training trajectories as its probability. With ``dropped`` both fit and predictions do without the last
    ``dropped`` frames of the trajectories; those that have no frame left are not there.
    """
    rows = shortened(fold_trajectories(trajectories, split, fold, ["train", "test"]), dropped)
    train, test = (rows["split"] == part for part in ("train", "test"))
    labels, groups = rows["label"].to_numpy(int), rows["recording"].to_numpy()
    known = rows.loc[test, ["trajectory", "recording", "treatment", "label"]].astype({"label": int}).assign(dropped=dropped)
    tables = []
    for name, values in describe(crops, rows).items():
        if name == "majority":
            probability = np.full(int(test.sum()), labels[train].mean())
        else:
            probability = fit_logistic(values[train], labels[train], groups[train], seed).predict_proba(values[test])[:, 1]
        tables.append(known.assign(method=name, probability=probability, predicted=(probability > 0.5).astype(int)))
    return pd.concat(tables, ignore_index=True)


def shortened(rows: pd.DataFrame, dropped: int) -> pd.DataFrame:
    """Rows of the trajectories table without their last ``dropped`` frames, those with no frame left out."""
    rows = rows[rows["n_frames"] > dropped]
    return rows.assign(last_frame=rows["last_frame"] - dropped, n_frames=rows["n_frames"] - dropped)


def mean_over_runs(runs: Mapping[int, pd.DataFrame], *, resamples: int) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Balanced accuracy over repeated runs: mean, standard deviation, the value of each run, and draws of the mean.

    ``runs`` are the predictions of each seed. A draw resamples the recordings of every run; the spread between runs is in the
    standard deviation alone (NaN for a single run).
    """
    found = [balanced_accuracy_draws(rows.assign(unit=rows["recording"]), resamples, seed) for seed, rows in runs.items()]
    values = np.array([value for value, _ in found])
    spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return float(values.mean()), spread, values, np.mean([draws for _, draws in found], axis=0)
