"""An embedding of each tracked cell in each frame of a recording, by a model that was trained elsewhere; no crop is kept."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cellfate.base.files import sha256
from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.progress import progress
from cellfate.crops.cutting import cut, validate_positions
from cellfate.frames.constant import ConstantFrames
from cellfate.frames.reader import Frames
from cellfate.model.embedding import embed_crops, fast_model
from cellfate.model.embedding_file import write_trajectories
from cellfate.model.network import device_for
from cellfate.model.saved.exported import WEIGHTS, check_channels, check_interval, check_lengths, crop_size, read_settings
from cellfate.model.saved.folder import load_model
from cellfate.model.scaling import Scaling

BLOCK = 16  # crops in one call of the backbone, always: values do not depend on the number of cells in their last bits


def embed_recording(
    frames: Frames,
    tracks: pd.DataFrame,
    model_folder: str | Path,
    path: str | Path,
    *,
    recording: str,
    frame_interval_min: float,
    pixel_size_um: float | None,
    min_frames: int,
    allow_other_interval: bool,
    threads: int,
    accelerator: str,
) -> None:
    """Embed every frame of every track with at least ``min_frames`` frames; no crop is kept.

    ``tracks`` is the declared table, ``model_folder`` an exported model. Each frame is decoded once and each crop passes the
    backbone once. The file is that of :class:`cellfate.model.embedding_file.EmbeddingFile`, a trajectory is ``<recording>/<track_id>``.
    Crops have the size in micrometres that the model was trained with, where both pixel sizes are known. Raises InputError for
    positions outside the frames, for channels, a frame interval or a pixel size that the model cannot be used with, and where no
    track is long enough.
    """
    settings = read_settings(model_folder)
    source = f"recording {recording}"
    order = check_channels(settings, frames.channels, source)
    if warning := check_interval(settings, frame_interval_min, source, allow_other_interval):
        print(f"WARNING: {warning}", file=sys.stderr, flush=True)
    size = crop_size(settings, pixel_size_um, source)
    validate_positions(tracks, frames.n_frames, frames.shape, recording)
    check_lengths(tracks, min_frames, model_folder, recording)
    long_enough = tracks["track_id"].map(tracks["track_id"].value_counts()) >= min_frames
    rows = tracks[long_enough].sort_values(["track_id", "frame"], ignore_index=True)
    torch.set_num_threads(threads)
    model = fast_model(load_model(model_folder)[0].to(device_for(accelerator)), channels_last=True, compile=False)
    scaling = Scaling(**settings["scaling"])
    with writing_hdf5(path) as file:
        file.attrs.update(recording=recording, model_sha256=sha256(Path(model_folder) / WEIGHTS))
        embeddings = file.create_dataset("embeddings", (len(rows), model.settings.features), "float32")
        for places, crops in _blocks(frames, rows, order, size, f"embed_recording {recording}"):
            found = embed_crops(model, crops, scaling)[: len(places)]
            ascending = np.argsort(places)  # as HDF5 wants them
            embeddings[places[ascending]] = found[ascending]
        tracks_of_rows = rows.groupby("track_id", sort=True)["frame"]
        write_trajectories(file, [f"{recording}/{track}" for track, _ in tracks_of_rows], [own.to_numpy() for _, own in tracks_of_rows])


def _blocks(frames: Frames, rows: pd.DataFrame, order: list[int], size: int, what: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices (up to ``BLOCK``) of ``rows`` and their crops (BLOCK, C, S, S), frame after frame; the last block is filled up with zeros."""
    crops, places = np.zeros((BLOCK, len(order), size, size), frames.dtype), []
    constant = ConstantFrames(frames)
    for frame, cells in progress(list(rows.groupby("frame", sort=True)), what, unit="frame"):
        image = frames.read(int(frame))
        constant.note(int(frame), image)
        image = image[order]
        for row, y, x in zip(cells.index, cells["y"], cells["x"], strict=True):
            cut(image, y, x, size, out=crops[len(places)])
            places.append(row)
            if len(places) == BLOCK:
                yield np.array(places), crops
                crops, places = np.zeros_like(crops), []
    constant.note_without(rows)
    constant.warn(rows)
    if places:
        yield np.array(places), crops
