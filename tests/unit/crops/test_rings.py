"""Rings: by hand, when the crop is turned, and above the background of their frame."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from toy_crops import write_crop_file
from toy_model import ToyFrames, toy_tracks

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table, write_table
from cellfate.crops.extraction import extract_crops
from cellfate.crops.rings import RingMeter, measure_rings, ring_columns, ring_numbers, ring_statistics, rings_of_frames
from cellfate.crops.tables import RINGS


def test_rings_are_discs_of_equal_width_and_leave_the_corners_out():
    rings = ring_numbers(6, 1)
    expected = [[-1, 2, 2, 2, 2, -1], [2, 2, 1, 1, 2, 2], [2, 1, 0, 0, 1, 2]]
    np.testing.assert_array_equal(rings, expected + expected[::-1])
    assert ring_numbers(112, 112 / 2 / 5).max() == 4


def test_statistics_are_those_of_the_pixels_of_a_ring():
    crops = np.random.default_rng(0).integers(0, 60000, (2, 3, 20, 20)).astype(np.uint16)
    rings = ring_numbers(20, 5)
    found = ring_statistics(crops, rings, percentile=90)
    pixels = crops[1, 2][rings == 1].astype(float)
    np.testing.assert_allclose(found[1, 2, 1, :2], [pixels.mean(), pixels.std()], rtol=1e-5)
    assert found[1, 2, 1, 2] == np.sort(pixels)[round(0.9 * (len(pixels) - 1))]


def test_statistics_do_not_change_when_the_crop_is_turned_and_see_size():
    crops = np.random.default_rng(0).normal(size=(1, 2, 20, 20))
    rings = ring_numbers(20, 5)
    np.testing.assert_allclose(ring_statistics(crops, rings, 50), ring_statistics(np.rot90(crops, axes=(2, 3)), rings, 50), rtol=1e-5)
    disk = (np.hypot(*np.mgrid[-9.5:10, -9.5:10]) < 5).astype(float)[None, None]
    np.testing.assert_allclose(ring_statistics(disk, rings, 50)[0, 0, :, :2], [[1, 0], [0, 0]])


@pytest.fixture
def crop_file(tmp_path) -> Path:
    crops = np.full((5, 2, 16, 16), 300, np.uint16)
    crops[:, 1] = 1000
    path = write_crop_file(tmp_path / "r.h5", "r", {4: (np.array([0, 1, 3, 4]), crops[:4]), 7: (np.array([2]), crops[4:])})
    with h5py.File(path, "r+") as file:
        file["background"][:, 0] = [10, 20, 30, 40, 50]
    return path


def test_counts_are_above_the_background_of_their_own_frame(crop_file):
    table = measure_rings(crop_file, n_rings=2, percentile=90).set_index(["track_id", "frame"])
    assert table.index.tolist() == [(4, 0), (4, 1), (4, 3), (4, 4), (7, 2)]
    assert table["circadian-ring1-mean"].tolist() == [290, 280, 260, 250, 270]
    assert table["circadian-ring0-high"].tolist() == [290, 280, 260, 250, 270]
    assert (table["p53-ring0-mean"] == 1000).all()
    assert (table["p53-ring1-std"] == 0).all()


def test_the_table_is_written_and_read_and_may_be_empty(crop_file, tmp_path):
    table = measure_rings(crop_file, n_rings=3, percentile=90)
    write_table(table, tmp_path / "r.parquet", RINGS)
    again = read_table(tmp_path / "r.parquet", RINGS)
    assert [c for c in again.columns if "ring" in c] == ring_columns(["circadian", "p53"], 3)
    none = write_crop_file(tmp_path / "none.h5", "r", {1: (np.zeros(1, int), np.zeros((1, 2, 16, 16), np.uint16))})
    with h5py.File(none, "r+") as file:
        for name in ("track_id", "start", "stop"):
            del file[name]
            file[name] = np.zeros(0, int)
    write_table(measure_rings(none, n_rings=3, percentile=90), tmp_path / "none.parquet", RINGS)
    assert read_table(tmp_path / "none.parquet", RINGS).empty


def test_more_rings_than_pixels_are_an_input_error(crop_file):
    with pytest.raises(InputError, match=r"rings\.n_rings is 40: in crops of 16 pixels"):
        measure_rings(crop_file, n_rings=40, percentile=90)


def test_rings_straight_from_frames_are_those_of_the_crop_file(tmp_path, monkeypatch):
    """To the last bit, and also where a frame has more cells than are measured at once; cells at the border are in it."""
    frames, tracks = ToyFrames(12), toy_tracks({track: (0, 11 - track % 3) for track in range(7)})
    outcomes = pd.DataFrame({"track_id": range(7), "outcome": "censored", "event_frame": pd.NA})
    wanted = {"which": "all", "outcomes_wanted": [], "min_frames": 2, "frame_interval_min": 30, "pixel_size_um": None}
    frames.path = tmp_path
    extract_crops(frames, tracks, outcomes, tmp_path / "r0.h5", recording="r0", size=20, **wanted)
    of_file = measure_rings(tmp_path / "r0.h5", n_rings=3, percentile=90)
    monkeypatch.setattr("cellfate.crops.rings.BLOCK", 3)
    of_frames = rings_of_frames(frames, tracks, RingMeter(20, 3, 90), [0, 1, 2], "r0")
    pd.testing.assert_frame_equal(of_frames[of_file.columns], of_file, check_exact=True)
    turned = ToyFrames(12)
    turned.images, turned.channels = turned.images[:, [2, 0, 1]], tuple(turned.channels[place] for place in (2, 0, 1))
    pd.testing.assert_frame_equal(rings_of_frames(turned, tracks, RingMeter(20, 3, 90), [1, 2, 0], "r0"), of_frames, check_exact=True)
