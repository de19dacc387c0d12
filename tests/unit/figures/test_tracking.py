import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from toy_tracks import TRACKS

from cellfate.figures.recording.tracking import plot_tracking
from cellfate.tracks.quality import assess_tracking

IMAGES = [np.random.default_rng(t).integers(100, 900, (100, 120)) for t in (0, 5)]


def drawn(tracks, shifts=None):
    quality = assess_tracking(tracks, 6, 30, max_step=15, min_doubling_h=12, shifts=shifts)
    return plot_tracking(IMAGES, tracks, 6, quality, shifts)


def paths(axes):
    lines = next(child for child in axes.collections if isinstance(child, LineCollection))
    return [segment.tolist() for segment in lines.get_segments()]


def test_tracks_of_the_first_and_the_last_frame_and_the_counts():
    figure = drawn(TRACKS)
    first, last, cells, _, changes = figure.axes
    assert paths(first) == [[[10, 10], [12, 10], [14, 10]], [[10, 60], [12, 60], [16, 60], [18, 60], [20, 60]]]
    assert len(paths(last)) == 2
    assert cells.lines[0].get_ydata().tolist() == [2, 3, 2, 3, 3, 2]
    assert [line.get_label() for line in changes.lines] == ["appearing", "lost", "divisions"]
    text = figure.get_suptitle()
    assert "r: 5 tracks, 100% of the cells of frame 0 followed to the end" in text
    assert "cells are missed" in text


def test_drift_is_taken_off_the_lines():
    shifts = np.array([[0, 2.0 * t] for t in range(6)])
    assert paths(drawn(TRACKS, shifts).axes[0])[0] == [[10, 10], [10, 10], [10, 10]]
    assert paths(drawn(TRACKS, shifts).axes[1])[1][-1] == [20, 60], "the last frame's cells stay where they are in it"


def test_the_axis_of_changes_holds_the_highest_count_and_its_legend():
    many = pd.concat([TRACKS, *(TRACKS[TRACKS["frame"] == 3].assign(track_id=100 + track) for track in range(15))], ignore_index=True)
    changes = drawn(many.drop_duplicates(["track_id", "frame"])).axes[4]
    highest = max(line.get_ydata().max() for line in changes.lines)
    assert highest > 10
    assert changes.get_ylim() == (0, 1.35 * highest)
