"""Segmentation.

Published: one crop at a time, up to 16 tries for each (grey, then the three channels, each at four diameters), until one has a region.
Ours tries the same ladder again only on crops without a region, all of them together; or it segments one channel once, or whole frames
where cells are dense (`segmentation.whole_frames_from`), whose label images are cut as the crops were. The network has the size of
Cellpose's cyto3: the small one that is trained on simulated fields, filled up with zeros, so that its masks make sense and its time is
that of the real one. On a CPU batches gain nothing: recordings run side by side there, one thread each. On a GPU crops run in batches.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from benchmarks.speed.inputs import CROP, SIZE, dense_recording
from benchmarks.speed.measure import HELD_OUT, Point, Row, Settings, Share, interleaved, peak_mb
from cellfate.crops.cutting import cut
from cellfate.segmentation.regions import choose_region, is_usable
from cellfate.segmentation.settings import Attempt, SegmentationSettings

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
THRESHOLDS = {key: CONFIG["segmentation"][key] for key in ("flow_threshold", "cellprob_threshold")}
MIN_AREA = CONFIG["features"]["min_area"]
CHANNEL, DIAMETER = 1, 36.0  # p53, pixels
CELLS, FEW = 170, 8
BATCH = 64  # crops, on a GPU
STEP = "segmentation"
EVERY = 4  # of the cells is segmented one by one
EMPTY = 1  # of the few crops: nothing in them, so that all tries are made


def load(device: str):
    """Weights of cyto3's shape: a network that was trained on simulated fields by the demo, or by this, filled up with zeros."""
    import torch

    from benchmarks.speed.networks import stock_weights
    from cellfate.segmentation.cellpose import load_network, read_weights
    from cellfate.simulation.cellpose_training import train_network

    found = [*ROOT.glob("resources/*/cellpose/simulated")]
    narrow = found[0] if found else ROOT / "resources/benchmarks/cellpose/simulated"
    if not found:
        train_network(narrow, 42, threads=1)
    with TemporaryDirectory() as name:
        path = Path(name) / "stock"
        torch.save(stock_weights(read_weights(narrow)), path)
        return load_network(path, device, threads=1)


def crops(count: int) -> np.ndarray:
    """Crops (N, C, S, S) around the first cells of the first dense frame."""
    images, _, tracks = dense_recording()
    frame = np.moveaxis(images[0], -1, 0)
    places = tracks[tracks["frame"] == 0].iloc[:count]
    return np.stack([cut(frame, y, x, CROP) for y, x in zip(places["y"], places["x"], strict=True)])


def ladder_crops() -> np.ndarray:
    """A few crops with a cell, and some of the camera's noise alone, in which no try finds a region."""
    some = crops(FEW)
    some[-EMPTY:] = np.random.default_rng(0).normal(200, 3, some[-EMPTY:].shape).astype(np.uint16)
    return some


def one_by_one(network, images: np.ndarray, attempts: list[Attempt], settings: SegmentationSettings) -> np.ndarray:
    """Each crop by itself, each of the tries until there is a region."""
    from cellfate.segmentation.cellpose import _evaluate, _selected

    masks = np.zeros((len(images), *images.shape[2:]), np.uint16)
    for mask, image in zip(masks, images, strict=True):
        for attempt in attempts:
            mask[:] = _evaluate(network, _selected(image[np.newaxis], attempt.channel), attempt.diameter, settings)[0]
            if is_usable(mask, settings.ladder):
                break
            mask[:] = 0
    return masks


def whole_frame(network, settings: SegmentationSettings) -> tuple[np.ndarray, np.ndarray]:
    """The label image of the dense frame, cut around its cells, and the true one."""
    from cellfate.segmentation.cellpose import segment_crops

    images, truth, tracks = dense_recording()
    labels = segment_crops(network, np.moveaxis(images[0], -1, 0)[np.newaxis], settings)[0]
    places = tracks[tracks["frame"] == 0]
    return tuple(
        np.stack([cut(image, y, x, CROP)[0] for y, x in zip(places["y"], places["x"], strict=True)]) for image in (labels, truth[[0]])
    )


def chosen_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Mean intersection over union of the tracked cell's region in pairs of label images; 0 where one of them has none."""
    scores = []
    for pair in zip(one, other, strict=True):
        regions = [choose_region(labels, "centre", MIN_AREA)[0] for labels in pair]
        pixels = [set() if region is None else set(map(tuple, region.coords.tolist())) for region in regions]
        union = pixels[0] | pixels[1]
        scores.append(len(pixels[0] & pixels[1]) / len(union) if union else 1.0)
    return float(np.mean(scores))


def rows(settings: Settings) -> Iterator[Row]:
    from cellfate.segmentation.cellpose import segment_crops
    from cellfate.segmentation.mask_file import scale_to_uint8

    network = load("cpu")
    ladder = SegmentationSettings("published", CHANNEL, DIAMETER, **THRESHOLDS, batch_size=2)
    some = ladder_crops()
    tries = ladder.attempts(3)
    scaled, found = scale_to_uint8(some), []
    published, ours = interleaved(
        [lambda: found.append(one_by_one(network, scaled, tries, ladder)), lambda: found.append(segment_crops(network, some, ladder)[0])], 1
    )
    assert np.array_equal(*found)
    what = f"{FEW} crops 3 x {CROP} x {CROP}, {EMPTY} of them empty"
    memory = [
        peak_mb(lambda: one_by_one(network, scaled[:2], tries[:1], ladder)),
        peak_mb(lambda: segment_crops(network, some[:-EMPTY], ladder)),
    ]
    yield Row(
        STEP, "the published ladder, together", what, published, ours, equal="identical masks",
        published_mb=memory[0], ours_mb=memory[1],
    )  # fmt: skip

    single = SegmentationSettings("single", CHANNEL, DIAMETER, **THRESHOLDS, batch_size=2)
    images = crops(CELLS)[::EVERY]
    alone = single.attempts(3)
    found = []
    published, ours = interleaved(
        [lambda: found.append(one_by_one(network, images, alone, single)), lambda: found.append(whole_frame(network, single))], 1
    )
    by_crop, (by_frame, truth) = found[0], (labels[::EVERY] for labels in found[1])
    equal = (
        f"IoU {chosen_iou(by_crop, by_frame):.3f} to the crops' masks; to the truth {chosen_iou(by_frame, truth):.3f}, "
        f"by crops {chosen_iou(by_crop, truth):.3f}"
    )
    yield Row(
        STEP, "a whole frame instead of crops", f"{SIZE} x {SIZE}, {CELLS} cells, one try", published * CELLS / len(images), ours,
        ratio_goal=1.5, equal=equal, note=f"the published way on {len(images)} of the {CELLS} crops, counted for all; IoU of these",
        published_mb=peak_mb(lambda: one_by_one(network, images[:2], alone, single)), ours_mb=peak_mb(lambda: whole_frame(network, single)),
    )  # fmt: skip
    few = images[:FEW]
    yield gpu_row(settings, few, alone)


def gpu_row(settings: Settings, few: np.ndarray, alone: list[Attempt]) -> Row:
    """Batches against one at a time, on the GPU where there is one."""
    what = "crops in batches"
    if settings.device != "cuda":
        return Row(
            STEP, what, f"{16 * FEW} crops, one try, batches of {BATCH}", ratio_goal=5, device="cuda",
            note="unmeasured: no GPU; on one, `make bench STEPS=segmentation` measures it",
        )  # fmt: skip
    from benchmarks.speed.networks import clock
    from cellfate.segmentation.cellpose import segment_crops

    network = load("cuda")
    batched = SegmentationSettings("single", CHANNEL, DIAMETER, **THRESHOLDS, batch_size=BATCH)
    many = np.tile(few, (16, 1, 1, 1))
    ways = [lambda: one_by_one(network, many, alone, batched), lambda: segment_crops(network, many, batched)[0]]
    masks = [way() for way in ways]
    differ = int((masks[0] != masks[1]).any(axis=(1, 2)).sum())
    published, ours = interleaved(ways, settings.repeats, clock("cuda"))
    equal = f"identical masks in {len(many) - differ} of {len(many)} crops"
    return Row(
        STEP, what, f"{len(many)} crops, one try, batches of {BATCH}", published, ours, ratio_goal=5, equal=equal, device="cuda"
    )  # fmt: skip


def growth(settings: Settings) -> Iterator[Point]:
    from cellfate.segmentation.cellpose import segment_crops

    network = load("cpu")
    single = SegmentationSettings("single", CHANNEL, DIAMETER, **THRESHOLDS, batch_size=2)
    segment_crops(network, crops(1), single)  # the first call is slower
    for frames, cells in ((1, 10), (2, 10), (4, 10), (1, 35), (1, CELLS)):
        images = np.tile(crops(cells), (frames, 1, 1, 1))
        ways = [
            partial(one_by_one, network, images, single.attempts(3), single),
            partial(whole_frame, network, single) if cells == CELLS else partial(segment_crops, network, images, single),
        ]
        for way, seconds in zip(("published", "ours"), interleaved(ways, 1), strict=True):
            if cells == 10:
                yield Point(STEP, "frames", frames, way, seconds)
            if frames == 1:
                yield Point(STEP, "cells", cells, way, seconds)


def full_run(settings: Settings) -> Iterator[Share]:
    from cellfate.segmentation.cellpose import segment_crops

    network = load("cpu")
    single = SegmentationSettings("single", CHANNEL, DIAMETER, **THRESHOLDS, batch_size=2)
    images = crops(FEW)
    published, ours = interleaved(
        [lambda: one_by_one(network, images, single.attempts(3), single), lambda: segment_crops(network, images, single)], 1
    )
    note = "the held-out trajectories on cisplatin, of about 60 frames, one try a crop; by recording, a thread each"
    yield Share(STEP, "crop", HELD_OUT * 60, ours / FEW, published / FEW, note=note)
