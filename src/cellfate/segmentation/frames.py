"""Whole frames of a recording segmented with Cellpose: for recordings that come without tracks."""

import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cellfate.base.errors import InputError
from cellfate.base.files import sha256
from cellfate.base.progress import progress
from cellfate.frames.pixels import PixelNotes, check_frames
from cellfate.frames.reader import Frames
from cellfate.segmentation.detections import keep_large, writing_frame_masks
from cellfate.segmentation.settings import SegmentationSettings


def segment_frames(
    frames: Frames,
    weights: str | Path,
    masks: str | Path,
    *,
    recording: str,
    channel: str,
    diameter: float,
    flow_threshold: float,
    cellprob_threshold: float,
    min_area: int,
    batch_size: int,
    device: str,
    threads: int,
) -> None:
    """Segment one channel of every frame and write the masks (see :mod:`cellfate.segmentation.detections`), one frame in memory at a time.

    ``diameter`` is the cells' in pixels, ``batch_size`` the tiles of 224 pixels that a network call takes, ``device`` as torch
    names it. Cells at the border of the frame stay; regions below ``min_area`` pixels are dropped. With one thread the masks are
    the same in every run. Raises InputError for frames that are missing, damaged or unlike the others, before the network is loaded.
    """
    if channel not in frames.channels:
        raise InputError(f"tracking.channel is {channel!r}, but recording {recording} has {', '.join(frames.channels)}")
    check_frames(frames)
    from cellfate.segmentation.cellpose import (
        load_network,
        segment_crops,  # torch and Cellpose, seconds of start-up
    )

    how = SegmentationSettings("single", 0, diameter, flow_threshold, cellprob_threshold, batch_size)
    described = {**asdict(how), "channel": channel, "min_area": min_area, "recording": recording, "cellpose": version("cellpose")}
    described |= {"model": Path(weights).name, "model_sha256": sha256(weights)}
    network = load_network(weights, device, threads)
    counts, pixels = [], PixelNotes(frames)
    with writing_frame_masks(masks, frames.n_frames, frames.shape, described) as writer:
        for t in progress(range(frames.n_frames), f"segment_frames {recording}", unit="frame"):
            whole = frames.read(t)
            pixels.note(t, whole)
            image = whole[[frames.channels.index(channel)]]
            labels = keep_large(segment_crops(network, image[np.newaxis], how)[0][0], min_area)
            writer.add(labels)
            counts.append(int(labels.max()))
    pixels.warn()
    print(f"segment_frames {recording}: {frames.n_frames} frames, {np.mean(counts):.0f} cells in a frame", file=sys.stderr)
