"""The held-out trajectories of a fold, predicted by its network with a part of the input hidden."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from cellfate.base.progress import progress
from cellfate.crops.crop_set import CropSet
from cellfate.evaluation.ablations.inputs import Cells, FoldFiles, chosen, image_variants, rearranged
from cellfate.evaluation.ablations.names import CELL, CHANNELS, FRAMES
from cellfate.evaluation.ablations.tables import ABLATED
from cellfate.model.calibration import Calibration
from cellfate.model.embedding import embed_prepared, fast_model
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import classify_sequences
from cellfate.model.inputs import downsample, prepare
from cellfate.model.network import FateModel
from cellfate.model.scaling import Scaling, training_input
from cellfate.trajectories.folds import fold_trajectories


@dataclass(frozen=True)
class Ablations:
    """``kinds`` of evaluation.ablations; of those of the image at most ``trajectories`` of each outcome are predicted (None: all).

    ``radius`` (pixels), ``region`` and ``min_area`` say where the cell is (:class:`Cells`); the rest is as for the embedding.
    """

    kinds: Sequence[str]
    trajectories: int | None
    radius: float
    region: str
    min_area: int
    seed: int
    batch_size: int
    precision: str
    channels_last: bool


def predict_ablations(
    model: FateModel, embeddings: EmbeddingFile, scaling: Scaling, calibration: Calibration, fold: FoldFiles, settings: Ablations
) -> pd.DataFrame:
    """The ablated table of one fold, of its test trajectories with a label.

    Ablations of frames are made of ``embeddings``; those of the image run the ResNet over each crop once more, which is said on standard
    error with its cost. A trajectory's ``logit`` of shuffled frames is the mean of several.
    """
    rows = fold_trajectories(fold.trajectories, fold.split, fold.fold, ["test"])
    rows = rows[rows["label"].notna()]
    tables = []
    if FRAMES in settings.kinds:
        tables.append(_of_frames(model, embeddings, rows["trajectory"], settings.seed))
    if {CELL, CHANNELS} & set(settings.kinds):
        tables.append(_of_image(model, chosen(rows, settings.trajectories, settings.seed), scaling, fold, settings))
    columns = ["ablation", "trajectory", "logit", "n_frames", "n_regions"]
    found = pd.concat(tables, ignore_index=True) if any(map(len, tables)) else pd.DataFrame(columns=columns).astype({"logit": float})
    probability = calibration.probability(found["logit"].to_numpy(), found["n_frames"].to_numpy(float))
    return found.assign(fold=fold.fold, probability=probability)[list(ABLATED.columns)]


def _of_frames(model: FateModel, embeddings: EmbeddingFile, trajectories: pd.Series, seed: int) -> pd.DataFrame:
    tables = [
        _logits(model, name, rearranged(model, embeddings.read(name)[1], name, seed), 0)
        for name in progress(trajectories.tolist(), "ablations of frames", unit="trajectory")
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _of_image(model: FateModel, rows: pd.DataFrame, scaling: Scaling, fold: FoldFiles, settings: Ablations) -> pd.DataFrame:
    cropset = CropSet(list(fold.crops))
    fill = training_input(list(fold.crops), fold.trajectories, fold.split, fold.fold, scaling)
    model = fast_model(model, settings.channels_last, compile=False)
    tables, n_crops, start = [], 0, time.perf_counter()
    masks = fold.masks if CELL in settings.kinds else ()
    with Cells(masks, cropset.crop_size, radius=settings.radius, rule=settings.region, min_area=settings.min_area) as cells:
        variants = image_variants(settings.kinds, cropset.channels, cells.disc, fill)
        for row in progress(list(rows.itertuples()), "ablations of the image", unit="trajectory"):
            frames, crops = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
            where, n_regions = cells.of(row.recording, row.track_id, frames)
            changed = variants(prepare(downsample(crops, model.settings.input_size), scaling.of(row.recording)), where)
            tables.append(_logits(model, row.trajectory, _embedded(model, changed, settings), n_regions))
            n_crops += len(frames)
    cropset.close()
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if len(found):
        _say_cost(found["ablation"].nunique(), n_crops, time.perf_counter() - start)
    return found


def _embedded(model: FateModel, changed: Iterator, settings: Ablations) -> Iterator[tuple[str, np.ndarray]]:
    how = {"batch_size": settings.batch_size, "precision": settings.precision, "channels_last": settings.channels_last}
    return ((ablation, embed_prepared(model, frames, **how)) for ablation, frames in changed)


def _logits(model: FateModel, trajectory: str, sequences: Iterator[tuple[str, np.ndarray]], n_regions: int) -> pd.DataFrame:
    """The mean logit of one trajectory's sequences (T, D) under each name; ``n_regions`` stands beside those that use them."""
    names, vectors = [], []
    for name, one in sequences:
        names.append(name)
        vectors.append(np.ascontiguousarray(one))
    found = pd.DataFrame({"ablation": names, "logit": classify_sequences(model, vectors)[0], "n_frames": [len(one) for one in vectors]})
    found = found.groupby("ablation", sort=False, as_index=False).mean().astype({"n_frames": int})
    regions = found["ablation"].isin(["cell_hidden", "surroundings_hidden"])
    return found.assign(trajectory=trajectory, n_regions=pd.Series(n_regions, found.index, "Int64").where(regions))


def _say_cost(n_ablations: int, n_crops: int, seconds: float) -> None:
    each = 1000 * seconds / (n_ablations * n_crops)
    threads = f"{torch.get_num_threads()} threads"
    print(f"ablations of the image: {n_ablations} of {n_crops} crops in {seconds:.0f} s, {each:.2f} ms each, {threads}", file=sys.stderr)
