"""An embedding of each tracked cell in each frame of a recording, by a model that was trained elsewhere; no crop is kept."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from cellfate.base.files import sha256
from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.progress import progress
from cellfate.crops.appearance import Appearance, sampled
from cellfate.crops.cutting import background_level, cut, inside, validate_positions
from cellfate.crops.digests import recording_digest
from cellfate.crops.extraction import BACKGROUND_PERCENTILE
from cellfate.frames.pixels import PixelNotes
from cellfate.frames.reader import Frames
from cellfate.model.embedding import embed_crops, fast_model
from cellfate.model.embedding_file import dataset_of, write_trajectories
from cellfate.model.network import FateModel, device_for
from cellfate.model.saved.exported import check_channels, check_interval, check_lengths, crop_size, read_settings
from cellfate.model.saved.folder import load_model
from cellfate.model.saved.members import WEIGHTS, Member, choose_members, read_members
from cellfate.model.scaling import Scaling
from cellfate.prediction.levels import Recording, check_first_frames, scaling_here

# how folders of cellfate 0.1 are used, which do not say how their frames were embedded in training
FORMERLY = {"batch_size": 16, "precision": "32-true", "channels_last": True}


@dataclass(frozen=True)
class _Network:
    """One member of the model, ready to embed."""

    name: str
    model: FateModel
    scaling: Scaling


@dataclass(frozen=True)
class Embedded:
    """What was found on the way: the :class:`~cellfate.crops.appearance.Appearance` of the crops in words, and which members predict."""

    appearance: Sequence[Mapping[str, float]]
    members: Sequence[Member]


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
) -> Embedded:
    """Embed every frame of every track with at least ``min_frames`` frames, by each member of the model that did not see the recording.

    ``tracks`` is the declared table, ``model_folder`` an exported model; which members predict is said on standard error
    (:func:`cellfate.model.saved.members.choose_members`). Each frame is decoded once and each crop passes each of these backbones once; no
    crop is kept. The file is read by :class:`cellfate.model.embedding_file.EmbeddingFile`, member by member; a trajectory is
    ``<recording>/<track_id>``. Crops have the size in micrometres that the model was trained with, where both pixel sizes are known.
    What the crops look like is measured on the way and returned, for :func:`cellfate.prediction.shift.write_shift`.
    Raises InputError for positions outside the frames, for channels, a frame interval or a pixel size that the model cannot be used with,
    and where no track is long enough.
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
    digest = recording_digest(frames)
    choice = choose_members(read_members(model_folder), digest, recording)
    print(choice.line, file=sys.stderr, flush=True)
    torch.set_num_threads(threads)
    how = settings.get("embedding", FORMERLY)
    networks = _networks(choice.members, how["channels_last"], device_for(accelerator))
    networks = _scaled(networks, Recording(frames, tracks, order, size, recording, digest), min_frames)
    appearance = Appearance(size, int(settings["crop_size"]))
    described = {"recording": recording, "content_digest": digest, "seen_in_training": choice.seen}
    with writing_hdf5(path) as file:
        names, weights = [one.name for one in choice.members], [sha256(one.folder / WEIGHTS) for one in choice.members]
        file.attrs.update(**described, members=json.dumps(names), model_sha256=json.dumps(weights))
        blocks = _blocks(frames, rows, order, appearance, size, how["batch_size"], f"embed_recording {recording}")
        _write_embeddings(file, blocks, len(rows), networks, how)
        tracks_of_rows = rows.groupby("track_id", sort=True)["frame"]
        write_trajectories(file, [f"{recording}/{track}" for track, _ in tracks_of_rows], [own.to_numpy() for _, own in tracks_of_rows])
    return Embedded(appearance.summary(), choice.members)


def _networks(members: Sequence[Member], channels_last: bool, device: str) -> list[_Network]:
    found = []
    for member in members:
        model, settings = load_model(member.folder)
        found.append(_Network(member.name, fast_model(model.to(device), channels_last, compile=False), Scaling(**settings["scaling"])))
    return found


def _scaled(networks: Sequence[_Network], recording: Recording, min_frames: int) -> list[_Network]:
    """The networks with the scaling of this recording's counts; a warning where its level is known too late for the first values."""
    if warning := check_first_frames(networks[0].scaling, min_frames, recording.name):
        print(f"WARNING: {warning}", file=sys.stderr, flush=True)
    return [replace(one, scaling=scaling_here(one.scaling, recording)) for one in networks]


def _write_embeddings(
    file: h5py.File, blocks: Iterator[tuple[np.ndarray, np.ndarray]], n_rows: int, networks: Sequence[_Network], how: Mapping
) -> None:
    """Embed the blocks (indices, crops) by each network into a dataset (N, D) of its own."""
    shapes = {one.name: (n_rows, one.model.settings.features) for one in networks}
    datasets = {name: file.create_dataset(dataset_of(name), shape, "float32") for name, shape in shapes.items()}
    for places, crops in blocks:
        ascending = np.argsort(places)  # as HDF5 wants them
        for one in networks:
            found = embed_crops(one.model, crops, one.scaling, precision=how["precision"], channels_last=how["channels_last"])
            datasets[one.name][places[ascending]] = found[: len(places)][ascending]


def _blocks(
    frames: Frames, rows: pd.DataFrame, order: list[int], appearance: Appearance, size: int, length: int, what: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices (up to ``length``) of ``rows`` and their crops (length, C, S, S), frame after frame; the last block is filled up.

    What a sample of the crops looks like is added to ``appearance``.
    """
    measured = set(sampled(len(rows)).tolist())
    crops, places = np.zeros((length, len(order), size, size), frames.dtype), []
    pixels = PixelNotes(frames)
    for frame, cells in progress(list(rows.groupby("frame", sort=True)), what, unit="frame"):
        image = frames.read(int(frame))
        pixels.note(int(frame), image)
        image = image[order]
        background = background_level(image, BACKGROUND_PERCENTILE)
        for row, y, x in zip(cells.index, cells["y"], cells["x"], strict=True):
            crop = cut(image, y, x, size, out=crops[len(places)])
            if row in measured:
                appearance.add(crop, inside(y, x, size, frames.shape), background)
            places.append(row)
            if len(places) == length:
                yield np.array(places), crops
                crops, places = np.zeros_like(crops), []
    pixels.note_without(rows)
    pixels.warn(rows)
    if places:
        yield np.array(places), crops
