"""Simple predictors of fate that a network has to beat: what the base rate, the length, the dose, the brightness or one frame tell.

Each is a regularised logistic regression on a few numbers per trajectory, fitted on the training recordings of a fold and scored
on its held-out recordings. Outcomes weigh the same in the fit, as in the network's sampler.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.crops.crop_file import CropFile
from cellfate.crops.crop_set import CropSet
from cellfate.statistics.bootstrap import bootstrap_counts
from cellfate.trajectories.folds import fold_trajectories

BASELINES = ("majority", "length", "dose", "mean_intensity", "last_frame_pixels", "last_frame_rings")
STRENGTHS = tuple(10.0**power for power in range(-5, 3))  # C of the logistic regression; the smallest shrinks most
INNER_FOLDS = 4  # groups of training recordings that choose C
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


def ring_profile(crop: np.ndarray, width: int = RING) -> np.ndarray:
    """Mean and standard deviation of each channel of a crop (C, S, S) in rings around its centre, flat (C x rings x 2).

    They hold size, brightness and roughness of the central cell, whichever way it is turned.
    """
    size = crop.shape[-1]
    offset = np.arange(size) - (size - 1) / 2
    ring = (np.hypot(offset[:, None], offset[None, :]) // width).astype(int)
    rings = range(size // 2 // width)
    values = [[(channel[ring == r].mean(), channel[ring == r].std()) for r in rings] for channel in crop.astype(float)]
    return np.array(values).ravel()


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
        found["last_frame_rings"].append(ring_profile(last))
    cropset.close()
    return {name: np.array(values) for name, values in found.items()}


def _background(path: Path) -> np.ndarray:
    with CropFile(path) as file:
        return file.background


def fit_baseline(values: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> Pipeline | GridSearchCV:
    """A logistic regression on standardised ``values`` (N, F); its regularisation is chosen by balanced accuracy.

    The choice is a cross-validation inside the training data that keeps ``groups`` (recordings) whole. Raises InputError when
    ``labels`` have one class only or fewer than two groups.
    """
    classes, recordings = np.unique(labels).tolist(), len(np.unique(groups))
    if len(classes) < 2 or recordings < 2:
        raise InputError(f"baseline: the training part has classes {classes} in {recordings} recordings, two of each are needed")
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=5000))
    folds = StratifiedGroupKFold(min(INNER_FOLDS, recordings), shuffle=True, random_state=seed)
    search = GridSearchCV(model, {"logisticregression__C": STRENGTHS}, scoring="balanced_accuracy", cv=folds)
    return search.fit(values, labels, groups=groups)


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
            probability = fit_baseline(values[train], labels[train], groups[train], seed).predict_proba(values[test])[:, 1]
        tables.append(known.assign(method=name, probability=probability, predicted=(probability > 0.5).astype(int)))
    return pd.concat(tables, ignore_index=True)


def shortened(rows: pd.DataFrame, dropped: int) -> pd.DataFrame:
    """Rows of the trajectories table without their last ``dropped`` frames, those with no frame left out."""
    rows = rows[rows["n_frames"] > dropped]
    return rows.assign(last_frame=rows["last_frame"] - dropped, n_frames=rows["n_frames"] - dropped)


def balanced_accuracy_draws(rows: pd.DataFrame, resamples: int, seed: int) -> tuple[float, np.ndarray]:
    """Balanced accuracy of ``rows`` (recording, label, predicted) and of ``resamples`` bootstraps of whole recordings.

    With the same recordings and seed, two methods get the same draws, so that their difference can be taken draw by draw.
    A draw without one of the outcomes is NaN.
    """
    recordings, codes = np.unique(rows["recording"].to_numpy(), return_inverse=True)
    counts = np.zeros((len(recordings), 4))
    np.add.at(counts, (codes, 2 * rows["label"].to_numpy(int) + rows["predicted"].to_numpy(int)), 1)
    weights = bootstrap_counts(len(recordings), resamples, np.random.default_rng(seed))
    sums = np.vstack([np.ones((1, len(recordings))), weights]) @ counts
    with np.errstate(invalid="ignore"):
        values = (sums[:, 0] / sums[:, :2].sum(axis=1) + sums[:, 3] / sums[:, 2:].sum(axis=1)) / 2
    return float(values[0]), values[1:]


def mean_over_runs(runs: Mapping[int, pd.DataFrame], *, resamples: int) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Balanced accuracy over repeated runs: mean, standard deviation, the value of each run, and draws of the mean.

    ``runs`` are the predictions of each seed. A draw resamples the recordings of every run; the spread between runs is in the
    standard deviation alone (NaN for a single run).
    """
    found = [balanced_accuracy_draws(rows, resamples, seed) for seed, rows in runs.items()]
    values = np.array([value for value, _ in found])
    spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return float(values.mean()), spread, values, np.mean([draws for _, draws in found], axis=0)


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of draws, NaN left out."""
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return float(low), float(high)
