from functools import partial

import h5py
import numpy as np
import pandas as pd
import pytest

from cellfate.crops.extraction import extract_crops
from cellfate.segmentation.mask_file import writing_masks
from cellfate.segmentation.scores import score_masks
from cellfate.truth.masks import score_recording

score = partial(score_masks, rule="centre", min_area=20)


SIZE = 40


def square(top: int, left: int, height: int = 10, width: int = 10, label: int = 1, size: int = SIZE) -> np.ndarray:
    image = np.zeros((size, size), np.uint16)
    image[top : top + height, left : left + width] = label
    return image


def test_overlap_of_the_tracked_cell():
    truth = np.stack([square(15, 15)] * 4)
    masks = np.stack([square(15, 15), square(15, 17), square(19, 15), square(0, 0)])
    table = score(masks, truth)
    assert table["iou"].tolist() == pytest.approx([1, 80 / 120, 60 / 140, 0])
    assert table["found"].tolist() == [True, True, False, False]
    assert table["area"].tolist() == [100, 100, 100, 0]  # the last one is too far from the centre to be chosen
    assert table["true_area"].tolist() == [100] * 4


def test_named_cell_and_crops_without_it():
    truth = np.stack([square(15, 15, label=5) + square(15, 25, label=9), square(0, 0, label=5)])
    table = score(np.stack([square(15, 15)] * 2), truth, true_ids=9)
    assert table.index.tolist() == [0]
    assert table["iou"].tolist() == [0]
    assert score(np.stack([square(15, 15)] * 2), truth, true_ids=[5, 5])["iou"].tolist() == [1, 0]


class Frames:
    path, channels, n_frames, shape, dtype = "memory", ["a"], 6, (64, 64), np.dtype("uint16")
    notes = ()

    def read(self, frame):
        return np.full((1, 64, 64), 100, np.uint16)

    def where(self, frame):
        return f"frame {frame}"


def test_true_masks_are_cut_where_the_crops_were(tmp_path):
    tracks = pd.DataFrame({"recording": "r1", "track_id": 8, "parent_id": None, "frame": range(6), "y": 10.0, "x": np.arange(20.0, 26.0)})
    outcomes = pd.DataFrame({"track_id": [8], "outcome": ["mitosis"], "event_frame": pd.array([None], dtype="Int64")})
    options = {"recording": "r1", "size": SIZE, "which": "fated", "outcomes_wanted": ["mitosis"], "min_frames": 1}
    extract_crops(Frames(), tracks, outcomes, tmp_path / "crops.h5", **options, frame_interval_min=30, pixel_size_um=None)
    with h5py.File(tmp_path / "truth.h5", "w") as file:  # the cell moves with the track: rows 5-14, columns x - 5 to x + 4
        file["masks"] = np.stack([square(5, 15 + t, label=8, size=64) for t in range(6)])
    # a crop's corner is at row int(10 - 20) = -10, column x - 20: in the crop the cell fills rows 15-24, columns 15-24
    with writing_masks(tmp_path / "masks.h5", 3, SIZE, {"recording": "r1"}, {}) as writer:
        writer.add(8, np.array([1, 2, 3]), np.stack([square(15, 15), square(15, 16), np.zeros((SIZE, SIZE))]), np.zeros(3))
    scores = score_recording(tmp_path / "masks.h5", tmp_path / "crops.h5", tmp_path / "truth.h5", rule="centre", min_area=20)
    assert scores[["recording", "track_id", "frame"]].to_numpy().tolist() == [["r1", 8, 1], ["r1", 8, 2], ["r1", 8, 3]]
    assert scores["iou"].tolist() == pytest.approx([1, 90 / 110, 0])
