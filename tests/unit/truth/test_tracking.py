from functools import partial

import numpy as np
import pandas as pd
import pytest

from cellfate.segmentation.detections import measure_cells, writing_frame_masks
from cellfate.simulation.files import read_true_masks, write_simulated_recording
from cellfate.tracks.linking import TrackingSettings, track_cells
from cellfate.tracks.raw import RecordingFacts
from cellfate.truth.tracking import cut_at_gaps, score_simulated, score_tracking

tracking_settings = partial(
    TrackingSettings,
    max_step=15.0,
    gap_frames=2,
    divisions=True,
    division_distance=30.0,
    filter_divisions=True,
    division_offset=0.45,
    division_area_ratio=2.0,
    daughter_frames=3,
)


N_FRAMES = 6


def cells_of(paths, parents=()):
    parents = dict(parents)
    rows = [(t, track, track, parents.get(track, np.nan)) for track, frames in paths.items() for t in frames]
    return pd.DataFrame(rows, columns=["frame", "label", "track_id", "parent_id"])


TRUE = cells_of({1: range(3), 2: range(3, 6), 3: range(3, 6), 4: range(6)}, {2: 1, 3: 1})


def masks(t):
    image = np.zeros((30, 40), np.uint16)
    for name, column in {1: 2, 2: 2, 3: 12, 4: 25}.items():
        if ((TRUE["frame"] == t) & (TRUE["label"] == name)).any():
            image[5:12, column : column + 7] = name
    return image


def score(found):
    return score_tracking(TRUE, masks, found, masks, N_FRAMES)


def test_the_truth_scores_one():
    assert set(score(TRUE).values()) == {1.0}


def test_a_missing_division_a_broken_and_a_missing_track():
    no_division = score(TRUE.assign(parent_id=np.nan))
    assert (no_division["DET"], no_division["SEG"], no_division["division_f1"]) == (1, 1, 0)
    assert no_division["LNK"] < 1
    broken = TRUE.assign(track_id=TRUE["track_id"].mask((TRUE["label"] == 4) & (TRUE["frame"] > 2), 9))
    assert score(broken)["CT"] == pytest.approx(2 * 3 / (4 + 5))
    assert score(broken)["division_f1"] == 1
    assert score(TRUE[TRUE["label"] != 4])["DET"] == pytest.approx(1 - 6 / 15)


def test_tracks_are_cut_at_gaps_and_keep_their_family():
    cells, rows = cut_at_gaps(cells_of({5: [0, 1, 3], 7: [4, 5], 9: [4]}, {7: 5, 9: 5}))
    assert rows == [(1, 0, 1, 0), (2, 3, 3, 1), (3, 4, 5, 2), (4, 4, 4, 2)]
    assert cells["part"].tolist() == [1, 1, 2, 3, 3, 4]


def test_a_simulated_recording_with_its_true_masks(tmp_path):
    settings = {"n_frames": 12, "frame_shape": [160, 160], "n_cells": 8, "fated_cells": 3, "sister_pairs": 1, "leaving_cells": 0}
    truth = tmp_path / "t.h5"
    write_simulated_recording(tmp_path / "i", tmp_path / "a.json", truth, "r", settings, 3, "drug", "high", 1, 30)
    images = read_true_masks(truth)
    with writing_frame_masks(tmp_path / "m.h5", 12, (160, 160), {}) as writer:
        for image in images:
            writer.add(image)
    facts = RecordingFacts("r", 12, (160, 160))
    tracks, _ = track_cells(measure_cells(tmp_path / "m.h5"), "m.h5", facts, settings=tracking_settings(), edited=None)
    scores = score_simulated(truth, tmp_path / "m.h5", tracks)
    assert scores["DET"] == scores["SEG"] == 1
    assert scores["LNK"] > 0.95
