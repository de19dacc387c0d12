"""Masks and features of ready-made crops: what was filled up around a movie is outside the image, for each cell its own."""

import numpy as np
import pytest
from toy_movies import save_movie

from cellfate.base.tables import read_table
from cellfate.crops.crop_file import CropFile
from cellfate.crops.gathering import gather_crops
from cellfate.crops.movies import MovieSettings, look_at_movie
from cellfate.segmentation import cellpose
from cellfate.segmentation.crops import segment_cells
from cellfate.segmentation.features import measure_recording
from cellfate.segmentation.mask_file import MaskFile
from cellfate.segmentation.tables import FEATURES
from cellfate.tracks.movies import tables_of_movies

SIZES = {0: (24, 32), 1: (32, 32), 2: (20, 20)}
OFFSET, CELL = 100, 1000  # counts of background and cell


@pytest.fixture
def crops(tmp_path):
    """The crops of three movies of a square of 8 x 8 pixels, each of another size, in crops of 32 pixels."""
    rng, rows = np.random.default_rng(0), []
    for track, (height, width) in SIZES.items():
        movie = np.full((3, 1, height, width), OFFSET, np.uint16) + rng.integers(0, 2, (3, 1, height, width)).astype(np.uint16)
        movie[..., height // 2 - 4 : height // 2 + 4, width // 2 - 4 : width // 2 + 4] = CELL
        save_movie(tmp_path / f"{track}.tif", movie)
        facts = {"channel_labels": None, "last_image": None, "outcome": "mitosis", "event_frame": None, "lineage": None}
        rows.append(facts | {"cell": str(track), "track_id": track, "movie": str(tmp_path / f"{track}.tif")})
    settings = MovieSettings(("nuclei",), 32, "centre", "refuse")
    seen = [look_at_movie(row, "here", settings).cell for row in rows]
    tables = tables_of_movies("dish1", seen, "cells.tsv", event_gap=2, words={})
    options = {"recording": "dish1", "which": "all", "outcomes_wanted": [], "min_frames": 0, "frame_interval_min": 15.0}
    gather_crops(rows, tables.tracks, tables.outcomes, tmp_path / "crops.h5", settings, **options, pixel_size_um=None)
    return tmp_path / "crops.h5"


def test_filling_is_outside_the_image_and_features_are_those_of_the_cell(crops, tmp_path, monkeypatch):
    shown = []

    def bright_or_outside(_network, images, _settings):
        """All of the image that is bright, and the whole border: what stands outside must be taken away."""
        shown.append(images)
        masks = (images[:, 0] > CELL // 2).astype(np.uint16)
        masks[:, [0, -1]] = 2
        return masks, np.ones(len(images), np.int8)

    monkeypatch.setattr(cellpose, "segment_crops", bright_or_outside)
    monkeypatch.setattr(cellpose, "load_network", lambda *_, **__: None)
    (tmp_path / "weights").touch()
    options = {"tracks": "all", "ladder": "single", "channel": "nuclei", "diameter": 8.0, "flow_threshold": 0.4, "cellprob_threshold": 0.0}
    more = {
        "statistics_min_frames": 0,
        "high_percentile": None,
        "treatment": None,
        "batch_size": 2,
        "device": "cpu",
        "threads": 1,
        "whole_frames_from": None,
    }
    segment_cells(crops, tmp_path / "weights", tmp_path / "masks.h5", **options, **more)
    assert [int(images.min()) for images in shown] == [OFFSET] * 3  # zeros around the movie were filled with its background
    with MaskFile(tmp_path / "masks.h5") as masks, CropFile(crops) as file:
        for track, (height, _) in SIZES.items():
            assert masks.read(track)[1][:, 0].any() == (height == 32)
            assert (file.read(track)[1] == 0).any() == (SIZES[track] != (32, 32))
    measure_recording(tmp_path / "masks.h5", crops, tmp_path / "features.parquet", region="centre", intensity="counts", min_area=20)
    features = read_table(tmp_path / "features.parquet", FEATURES)
    assert len(features) == 9
    assert set(features["area"]) == {64.0}
    np.testing.assert_allclose(features["intensity_mean-nuclei"], CELL - OFFSET, atol=1)
