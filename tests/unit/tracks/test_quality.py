import numpy as np
import pytest
from toy_tracks import TRACKS, tracks_of

from cellfate.base.tables import check_table
from cellfate.tracks.quality import assess_tracking, neighbour_distance, per_frame, steps
from cellfate.tracks.tables import TRACKING_QUALITY


def test_counts_per_frame():
    counts = per_frame(TRACKS, 6)
    assert counts["cells"].tolist() == [2, 3, 2, 3, 3, 2]
    assert counts["links"].tolist() == [0, 2, 2, 1, 3, 2]
    assert counts["appearing"].tolist() == [0, 1, 0, 0, 0, 0]
    assert counts["lost"].tolist() == [0, 0, 1, 0, 1, 0]
    assert counts["divisions"].tolist() == [0, 0, 0, 1, 0, 0]


def test_steps_between_consecutive_frames_without_drift():
    assert steps(TRACKS).query("frame == 1")["length"].tolist() == [2, 2]
    assert len(steps(TRACKS)) == 2 + 2 + 1 + 3 + 1
    shifts = np.array([[0, 2.0 * t] for t in range(6)])
    assert steps(TRACKS, shifts).query("frame == 1")["length"].tolist() == [0, 0]


def test_neighbours():
    assert neighbour_distance(tracks_of({1: {0: (0, 0)}, 2: {0: (3, 4)}, 3: {0: (3, 14)}})) == 5
    assert np.isnan(neighbour_distance(tracks_of({1: {0: (0, 0)}})))


def test_one_row_of_numbers():
    row = check_table(assess_tracking(TRACKS, 6, 30, max_step=15, min_doubling_h=0.1), TRACKING_QUALITY, "t").iloc[0]
    assert (row["tracks"], row["n_frames"], row["divisions"]) == (5, 6, 1)
    assert row["cells_per_frame"] == 15 / 6
    assert row["full_length_share"] == 1, "one of the first cells divides, one reaches the end"
    assert row["median_length"] == 3
    assert row["missed_share"] == pytest.approx(1 / 16)
    assert row["links_per_frame"] == 2
    assert row["doubling_h"] == pytest.approx(np.log(2) * 7.5)
    assert "cells are missed in 6% of the frames" in row["warnings"]


def grid(step=(0.0, 1.0), spacing=40.0, n_frames=10, seed=None):
    rng = np.random.default_rng(seed)

    def at(k, t):
        wander = rng.normal(0, seed, 2) if seed is not None else np.zeros(2)
        return (100 + spacing * (k // 5) + step[0] * t + wander[0], 100 + spacing * (k % 5) + step[1] * t + wander[1])

    return tracks_of({k + 1: {t: at(k, t) for t in range(n_frames)} for k in range(20)})


def warnings_of(tracks, **options):
    options = {"max_step": 15, "min_doubling_h": 12} | options
    return assess_tracking(tracks, 10, 30, **options).iloc[0]["warnings"]


def test_good_tracks_have_no_warning():
    assert warnings_of(grid()) is None


def test_drift_is_named_unless_it_is_taken_off():
    assert "all cells move together by up to 9 px in a frame: the field drifts, register it" in warnings_of(grid(step=(9.0, 0.0)))
    assert warnings_of(grid(step=(9.0, 0.0)), shifts=np.array([[9.0 * t, 0] for t in range(10)])) is None


def test_large_steps_are_named():
    text = warnings_of(grid(seed=9))
    assert "at such steps few tracks stay whole" in text
    assert "near max_step (15)" in text


def test_broken_tracks_are_named():
    broken = grid()
    broken["track_id"] = broken["track_id"] * 10 + broken["frame"] // 3
    text = warnings_of(broken)
    assert "of the cells appear in each frame" in text
    assert "are lost in each frame" in text


def test_too_many_divisions_are_flagged():
    paths = {
        1: dict.fromkeys(range(5), (10.0, 10.0)),
        2: dict.fromkeys(range(5, 10), (10.0, 20.0)),
        3: dict.fromkeys(range(5, 10), (20.0, 10.0)),
    }
    tracks = tracks_of(paths, {2: 1, 3: 1})
    row = assess_tracking(tracks, 10, 30, max_step=15, min_doubling_h=12).iloc[0]
    assert row["implausible_divisions"]
    assert "1 divisions would double the cells every 5.2 h, less than 12 h" in row["warnings"]
    assert not assess_tracking(tracks, 10, 30, max_step=15, min_doubling_h=5).iloc[0]["implausible_divisions"]
