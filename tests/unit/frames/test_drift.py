"""Drift against shifts that are known: a simulated scene seen through a window that moves, and a real recording."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from toy_frames import NAMES, ome_tiff

from cellfate.base.errors import InputError
from cellfate.frames.drift import estimate_drift, read_drift, write_drift
from cellfate.frames.formats import open_frames
from cellfate.simulation.motion import stage_drift
from cellfate.simulation.recording import simulate_recording

MARGIN, SIDE = 60, 200


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """One large simulated frame (3, H, W) with its medium, dark corners and camera noise."""
    size = SIDE + 2 * MARGIN
    settings = {"n_frames": 12, "frame_shape": [size, size], "n_cells": 40, "fated_cells": 0, "sister_pairs": 0, "leaving_cells": 0}
    return np.moveaxis(simulate_recording("scene", settings, seed=1, frame_interval_min=30.0).images[0], -1, 0)


def through_a_window(scene: np.ndarray, corners: np.ndarray, seed: int = 0) -> np.ndarray:
    """The scene (C, H, W) seen from corners (T, 2), with noise of 4 counts: images (T, C, SIDE, SIDE)."""
    rng = np.random.default_rng(seed)
    views = [scene[:, y : y + SIDE, x : x + SIDE] for y, x in corners + MARGIN]
    return np.array([np.round(view + rng.normal(0, 4, view.shape)).clip(0).astype("uint16") for view in views])


@pytest.mark.parametrize(("step", "channel"), [(0.5, NAMES[0]), (0.5, NAMES[2]), (3.0, NAMES[1]), (8.0, NAMES[0]), (8.0, NAMES[2])])
def test_shifts_of_a_simulated_recording_are_found_to_half_a_pixel(tmp_path, scene, step, channel):
    corners = np.round(stage_drift(np.random.default_rng(4), 12, step)).astype(int).clip(-MARGIN, MARGIN)
    truth = -(corners - corners[0]).astype(float)  # the window goes down, the scene goes up
    assert np.abs(truth).max() > step
    frames = open_frames(ome_tiff(tmp_path / "files", through_a_window(scene, corners)), NAMES)
    found = estimate_drift(frames, channel, upsampling=10)
    assert found.shape == (12, 2)
    assert np.abs(found - truth).max() < 0.5
    assert np.abs(np.diff(found - truth, axis=0)).max() < 0.3


def test_a_registered_position_is_the_position_minus_the_shift(tmp_path):
    images = np.random.default_rng(0).integers(100, 110, (4, 1, 64, 64)).astype("uint16")
    place = np.array([[20, 30], [25, 28], [23, 33], [30, 30]])
    for image, (y, x) in zip(images, place, strict=True):
        image[0, y - 5 : y + 5, x - 3 : x + 3] += 500
    tifffile.imwrite(tmp_path / "a.tif", images[:, 0], photometric="minisblack", metadata=None)
    found = estimate_drift(open_frames(tmp_path / "a.tif", ["p53"]), "p53", upsampling=10)
    np.testing.assert_allclose(place - found, np.repeat(place[:1], 4, axis=0), atol=0.3)


def test_shifts_that_are_all_zero_are_a_failure(tmp_path):
    image = np.random.default_rng(0).integers(0, 99, (32, 32)).astype("uint16")
    tifffile.imwrite(tmp_path / "a.tif", np.stack([image] * 4), photometric="minisblack", metadata=None)
    frames = open_frames(tmp_path / "a.tif", ["p53"])
    with pytest.raises(InputError, match=r"a\.tif: all shifts of channel p53 are exactly zero: .* registration\.method: none"):
        estimate_drift(frames, "p53", upsampling=10)
    with pytest.raises(InputError, match=r"registration\.channel is 'phase', the channels are p53"):
        estimate_drift(frames, "phase", upsampling=10)


def test_an_image_that_shows_nothing(tmp_path):
    images = np.random.default_rng(0).integers(0, 99, (4, 32, 32)).astype("uint16")
    images[2] = 7
    tifffile.imwrite(tmp_path / "a.tif", images, photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match=r"a\.tif: frame 2 of channel p53 is 7 everywhere"):
        estimate_drift(open_frames(tmp_path / "a.tif", ["p53"]), "p53", upsampling=10)


def test_a_single_frame_has_no_drift(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.eye(32, dtype="uint16"), photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(estimate_drift(open_frames(tmp_path / "a.tif", ["p53"]), "p53", upsampling=10), np.zeros((1, 2)))


def test_the_table_and_back(tmp_path):
    shifts = np.array([[0, 0], [1.5, -2.25], [0.1, 3]])
    write_drift(shifts, tmp_path / "drift.csv")
    assert pd.read_csv(tmp_path / "drift.csv").columns.tolist() == ["frame", "dy", "dx"]
    np.testing.assert_array_equal(read_drift(tmp_path / "drift.csv"), shifts)
    (tmp_path / "drift.csv").write_text("frame,dy,dx\n0,0,0\n2,1,1\n")
    with pytest.raises(InputError, match=r"drift\.csv: frame 1 is missing"):
        read_drift(tmp_path / "drift.csv")


@pytest.mark.parametrize("label", ["P", "R"])
def test_a_real_recording_by_phase_contrast_and_by_fluorescence(shared_folder, label):
    folder = shared_folder / "data/hcc1143_incucyte_30min"
    frames = open_frames(folder / "HC01501_{channel}_B2_1_{time}.tif", [label])
    rows = [0, 10, 23, 12, 16, 31, 12, 21, 22, 28, 6]  # measured before, whole pixels, the other way round
    found = estimate_drift(frames, label, upsampling=10)
    assert np.abs(found[:, 0] + rows).max() < 4
    assert np.abs(found).max() > 25
