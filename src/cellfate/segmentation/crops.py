"""Which crops of a recording are segmented, how they are prepared, and the mask file."""

import sys
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import sha256
from cellfate.base.progress import progress
from cellfate.base.tables import read_table
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import cut
from cellfate.frames.reader import Frames
from cellfate.segmentation.mask_file import NO_REGION, writing_masks
from cellfate.segmentation.settings import SegmentationSettings
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

OUTSIDE_PERCENTILE = 10  # of the pixels of a crop inside the frame; the level of those outside


def inside_frame(y: np.ndarray, x: np.ndarray, frame_shape: tuple[int, int], size: int) -> np.ndarray:
    """Which pixels (T, S, S) of crops of ``size`` pixels around the positions (T,) lie inside the frame (H, W)."""
    whole = np.ones((1, *frame_shape), bool)
    return np.stack([cut(whole, *place, size)[0] for place in zip(y, x, strict=True)])


def fill_outside(crops: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A copy of crops (T, C, S, S) in which pixels outside the frame, zeros, have the level of the background nearby.

    That level is the 10th percentile of the pixels ``inside`` (T, S, S), per crop and channel. Networks take the step from
    zeros to the camera's offset for the outline of a cell.
    """
    filled = crops.copy()
    for crop, part in zip(filled, inside, strict=True):
        if part.any() and not part.all():
            crop[:, ~part] = np.percentile(crop[:, part], OUTSIDE_PERCENTILE, axis=1, keepdims=True)
    return filled


def tracks_to_segment(
    trajectories: pd.DataFrame, split: pd.DataFrame, recording: str, min_frames: int, treatment: str | None
) -> pd.DataFrame:
    """The held-out tracks of a recording that the statistics can use: rows (track_id, first_frame, last_frame), sorted.

    They are usable, in the test part of any fold, have at least ``min_frames`` frames and, when ``treatment`` is not None,
    that treatment.
    """
    rows = trajectories[trajectories["recording"] == recording]
    test = rows["trajectory"].isin(split.loc[split["split"] == "test", "trajectory"])
    treated = True if treatment is None else rows["treatment"] == treatment
    chosen = rows["usable"] & test & (rows["n_frames"] >= min_frames) & treated
    return rows.loc[chosen, ["track_id", "first_frame", "last_frame"]].sort_values("track_id", ignore_index=True)


def all_tracks(crops: CropFile) -> pd.DataFrame:
    """Every track with crops, whole: rows (track_id, first_frame, last_frame)."""
    frames = crops.index().groupby("track_id")["frame"]
    return frames.agg(first_frame="min", last_frame="max").reset_index()


def segment_recording(
    crops: CropFile,
    tracks: pd.DataFrame,
    weights: str | Path,
    out_path: str | Path,
    settings: SegmentationSettings,
    *,
    device: str,
    threads: int,
    frames: Frames | None = None,
    whole_frames_from: int | None,
) -> None:
    """Segment the crops of ``tracks`` (track_id, first_frame, last_frame) and write their mask file (see MaskFile).

    Where at least ``whole_frames_from`` of these crops are of one frame, the frame of ``frames`` is segmented once, and its label
    image cut as the crops were (2 bytes a pixel of such frames are kept in memory); None: crops are segmented one by one. Without
    tracks the file is valid and empty, and no network is loaded. Raises InputError when a track has no crops.
    """
    rows = crops.index().merge(tracks, on="track_id")
    rows = rows[rows["frame"].between(rows["first_frame"], rows["last_frame"])]
    attrs = {"recording": crops.recording, "model": Path(weights).name, "model_sha256": sha256(weights)}
    described = {**_described(settings, crops.channels), "whole_frames_from": whole_frames_from}
    empty = 0
    with writing_masks(out_path, len(rows), crops.shape[-1], attrs, described) as writer:
        if len(tracks):
            from cellfate.segmentation.cellpose import load_network  # 5 s of start-up, which recordings without tracks are spared

            network = load_network(weights, device, threads)
            dense = dense_frames(rows["frame"], whole_frames_from)
            labels = _segment_frames(network, frames, dense, settings, crops.recording) if dense else {}
            empty = _segment_tracks(crops, tracks, rows, settings, writer, network, labels)
    print(f"segment_cells {crops.recording}: {len(tracks)} tracks, {len(rows)} crops, {empty} without a region", file=sys.stderr)


def dense_frames(frames: pd.Series, whole_frames_from: int | None) -> list[int]:
    """The frames that occur at least ``whole_frames_from`` times, in order; none where that is None."""
    counts = frames.value_counts()
    return [] if whole_frames_from is None else sorted(int(frame) for frame in counts.index[counts >= whole_frames_from])


def _segment_frames(network, frames: Frames, dense: list[int], settings: SegmentationSettings, recording: str) -> dict[int, np.ndarray]:
    """The label image (H, W) of each frame of ``dense``, segmented in one piece."""
    from cellfate.segmentation.cellpose import segment_crops

    alone = replace(settings, channel=0)
    labels = {}
    for frame in progress(dense, f"segment_cells {recording}", unit="frame"):
        labels[frame] = segment_crops(network, frames.read(frame)[np.newaxis, [settings.channel]], alone)[0][0]
    return labels


def _segment_tracks(
    crops: CropFile,
    tracks: pd.DataFrame,
    rows: pd.DataFrame,
    settings: SegmentationSettings,
    writer,
    network,
    labels: dict[int, np.ndarray],
) -> int:
    """Fill the mask file, crops of the frames in ``labels`` from there; returns the number of crops without a region."""
    from cellfate.segmentation.cellpose import segment_crops

    size, empty = crops.shape[-1], 0
    for track in progress(list(tracks.itertuples()), f"segment_cells {crops.recording}", unit="track"):
        frames, images = crops.read(track.track_id, track.first_frame, track.last_frame)
        places = rows[rows["track_id"] == track.track_id]
        masks, attempt = np.zeros((len(frames), size, size), np.uint16), np.zeros(len(frames), np.int8)
        for index, place in enumerate(places.itertuples()):
            if place.frame in labels:
                masks[index] = cut(labels[place.frame][np.newaxis], place.y, place.x, size)[0]
        alone = ~np.isin(frames, list(labels))
        if alone.any():
            inside = inside_frame(places["y"][alone], places["x"][alone], crops.frame_shape(track.track_id), size)
            if settings.ladder == "published":  # that way shows Cellpose the zeros outside the frame
                inside[:] = True
            masks[alone], attempt[alone] = segment_crops(network, fill_outside(images[alone], inside), settings)
            masks[alone] *= inside
        attempt[~masks.any(axis=(1, 2))] = NO_REGION
        writer.add(track.track_id, frames, masks, attempt)
        empty += int((attempt == NO_REGION).sum())
    return empty


def _described(settings: SegmentationSettings, channels: list[str]) -> dict:
    steps = [asdict(step) for step in settings.attempts(len(channels))]
    described = {key: value for key, value in asdict(settings).items() if key not in ("channel", "diameter")}
    return {
        **described,
        "attempts": steps,
        "channels": channels,
        "max_size_fraction": settings.max_size_fraction,
        "cellpose": version("cellpose"),
    }


def segment_cells(
    crops: str | Path,
    weights: str | Path,
    masks: str | Path,
    *,
    tracks: str,
    ladder: str,
    channel: str,
    diameter: float,
    flow_threshold: float,
    cellprob_threshold: float,
    statistics_min_frames: int | str | None,
    high_percentile: float | None,
    treatment: str | None,
    trajectories: str | Path | None = None,
    split: str | Path | None = None,
    batch_size: int,
    device: str,
    threads: int,
    whole_frames_from: int | None,
    frames: Frames | None = None,
) -> None:
    """Segment one crop file and write its masks: ``tracks`` is ``all`` or ``held_out``, see :func:`tracks_to_segment`.

    For ``held_out``, which ends each track at its trajectory's last frame, the tables ``trajectories`` and ``split`` are needed, and
    the settings ``statistics_min_frames`` and ``high_percentile`` of the statistics (:mod:`cellfate.trajectories.lengths`). ``channel``
    is a channel's name (ladder single), ``device`` as torch names it. The masks of a crop do not depend on ``batch_size``; with one
    thread they are the same in every run. ``frames`` of the recording are needed where ``whole_frames_from`` is not None, see
    :func:`segment_recording`.
    """
    with CropFile(crops) as crop_file:
        index = 0 if ladder == "published" else _channel_index(crop_file, channel)
        settings = SegmentationSettings(ladder, index, diameter, flow_threshold, cellprob_threshold, batch_size)
        if tracks == "all":
            chosen = all_tracks(crop_file)
        elif tracks == "held_out":
            tables = read_table(trajectories, TRAJECTORIES), read_table(split, SPLIT)
            min_frames = Lengths.of(tables[0], treatment).statistics_min_frames(statistics_min_frames, high_percentile)
            chosen = tracks_to_segment(*tables, crop_file.recording, min_frames, treatment)
        else:
            raise InputError(f"segmentation.tracks is {tracks!r}, 'held_out' or 'all' is needed")
        segment_recording(
            crop_file, chosen, weights, masks, settings, device=device, threads=threads, frames=frames, whole_frames_from=whole_frames_from
        )


def _channel_index(crops: CropFile, channel: str) -> int:
    if channel not in crops.channels:
        raise InputError(f"segmentation.channel is {channel!r}, but recording {crops.recording} has {', '.join(crops.channels)}")
    return crops.channels.index(channel)
