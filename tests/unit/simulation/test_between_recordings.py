"""What recordings have of their own in the simulator: fates, intensities, short tracks; and sisters that look alike."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.simulation.programmes import Conditions
from cellfate.simulation.recording import plan_cells, simulate_recording, tied_fates
from cellfate.simulation.settings import APOPTOSIS, CHANNELS, MITOSIS, simulation_settings

SMALL = {"n_frames": 24, "frame_shape": [180, 180], "n_cells": 8, "fated_cells": 4, "sister_pairs": 1, "leaving_cells": 1}
DIM = {"gain": [0.7, 1.4], "offset": [-40, 60], "background": [0.5, 2.0]}


def simulate(changes: dict | None = None, recording: str = "r1"):
    treated = {"treatment": "cisplatin", "dose": "medium", "treatment_start_h": 2.0}
    return simulate_recording(recording, SMALL | (changes or {}), seed=5, frame_interval_min=30.0, **treated)


@pytest.fixture(scope="module")
def plain():
    return simulate()


# fates


def death_share(strength: float, recording: str) -> float:
    tie = {"strength": strength, "deadly": ["r1"]}
    settings = simulation_settings({"n_cells": 2000, "fated_cells": 2000, "sister_pairs": 0, "leaving_cells": 0, "recording_fates": tie})
    cells = plan_cells(tied_fates(settings, recording), Conditions(3, 0.5, 0), tied_fates(settings, recording).death_probability["medium"])
    return np.mean([cell.fate == APOPTOSIS for cell in cells if cell.end == "event"])


@pytest.mark.parametrize(("strength", "deadly", "other"), [(0, 0.5, 0.5), (0.4, 0.7, 0.3), (1, 1, 0)])
def test_fates_follow_the_recording_as_far_as_they_are_tied_to_it(strength, deadly, other):
    assert death_share(strength, "r1") == pytest.approx(deadly, abs=0.001)  # the draws are stratified
    assert death_share(strength, "r2") == pytest.approx(other, abs=0.001)


def test_events_before_the_drug_are_tied_too():
    tied = tied_fates(simulation_settings({"recording_fates": {"strength": 1, "deadly": ["r1"]}}), "r1")
    cells = plan_cells(tied, Conditions(3, 0.5, np.inf), tied.death_probability["control"])
    assert {cell.fate for cell in cells if cell.end == "event"} == {APOPTOSIS}


def test_a_full_tie_is_seen_in_the_truth():
    fates = {}
    for name in ("r1", "r2"):
        cells = simulate({"recording_fates": {"strength": 1, "deadly": ["r2"]}}, name).cells
        fates[name] = set(cells.loc[cells["end"].eq("event") & (cells["last_frame"] - cells["first_frame"] > 5), "fate"])
    assert fates == {"r1": {MITOSIS}, "r2": {APOPTOSIS}}


# intensities


def test_gain_and_offset_are_found_in_the_pixels(plain):
    shifted = simulate({"between_recordings": DIM | {"background": [1, 1]}})
    drawn = shifted.attributes["intensities"]
    np.testing.assert_array_equal(shifted.masks, plain.masks)
    for c, _ in enumerate(CHANNELS):
        slope, intercept = np.polyfit(plain.images[..., c].ravel().astype(float), shifted.images[..., c].ravel().astype(float), 1)
        assert slope == pytest.approx(drawn["gain"][c], rel=0.02)
        # counts = light + 100, and gain x light + 100 + offset
        assert intercept == pytest.approx(100 + drawn["offset"][c] - 100 * drawn["gain"][c], abs=5)
    assert len(set(drawn["gain"])) == 3


def test_the_background_is_found_outside_the_cells(plain):
    shifted = simulate({"between_recordings": {"background": [0.5, 2.0]}})
    far = plain.masks == 0
    for c, factor in enumerate(shifted.attributes["intensities"]["background"]):
        light = [np.percentile(r.images[..., c][far], 10) - 100 for r in (plain, shifted)]
        assert light[1] / light[0] == pytest.approx(factor, rel=0.1)
    inside = plain.masks > 0
    change = shifted.images[inside].mean(0) - plain.images[inside].mean(0)
    factors = np.array(shifted.attributes["intensities"]["background"])
    assert (np.sign(change) == np.sign(factors - 1)).all()
    assert (np.abs(change) <= 60 * np.abs(factors - 1) + 1).all()


def test_intensities_differ_between_recordings_within_their_limits():
    drawn = []
    for number in range(3):
        tiny = {"n_frames": 12, "n_cells": 0, "fated_cells": 0, "sister_pairs": 0, "leaving_cells": 0, "between_recordings": DIM}
        drawn.append(simulate(tiny, f"r{number}").attributes["intensities"])
    for name, (low, high) in DIM.items():
        values = np.array([one[name] for one in drawn])
        assert low <= values.min()
        assert values.max() <= high
        assert len(np.unique(values)) == values.size


def test_off_changes_nothing(plain):
    off = {"between_recordings": {"gain": [1, 1], "offset": [0, 0], "background": [1, 1]}, "tracked_frames": [0, 0], "sister_likeness": 0}
    again = simulate(off | {"recording_fates": {"strength": 0, "deadly": ["r1"]}})
    np.testing.assert_array_equal(plain.images, again.images)
    pd.testing.assert_frame_equal(plain.cells, again.cells)
    pd.testing.assert_frame_equal(plain.tracks, again.tracks)
    assert again.attributes["intensities"] == {"gain": [1.0] * 3, "offset": [0.0] * 3, "background": [1.0] * 3}


# short tracks


def test_short_tracks_are_the_ends_of_the_long_ones(plain):
    short = simulate({"tracked_frames": [6, 9]})
    np.testing.assert_array_equal(plain.images, short.images)
    np.testing.assert_array_equal(plain.masks, short.masks)
    whole, cut = plain.cells.set_index("track_id"), short.cells.set_index("track_id")
    assert (cut["event_frame"] == whole["event_frame"]).all()
    assert (cut["last_frame"] == whole["last_frame"]).all()
    lengths = cut["last_frame"] - cut["first_frame"] + 1
    was_long = whole["last_frame"] - whole["first_frame"] + 1 > 9
    assert lengths[was_long].between(6, 9).all()
    assert lengths[was_long].nunique() > 1
    assert (short.tracks.groupby("track_id").size() == lengths).all()


# sisters


def nearest_shares_fate(recording, *, with_sister: bool) -> float:
    """Share of the sisters whose nearest cell, by mean counts and their spread in the body, has their fate."""
    cells = recording.cells[(recording.cells["parent_id"] >= 0) & (recording.cells["end"] == "event")].reset_index(drop=True)
    looks = []
    for track in cells["track_id"]:
        body = recording.images[recording.masks == track].astype(float)
        looks.append([*body.mean(0), *body.std(0)])
    looks = np.log(np.array(looks))
    distance = np.hypot.reduce((looks[:, None] - looks[None]) / looks.std(0), axis=2)
    np.fill_diagonal(distance, np.inf)
    if not with_sister:
        distance[cells["parent_id"].to_numpy()[:, None] == cells["parent_id"].to_numpy()[None]] = np.inf
    fates = cells["fate"].to_numpy()
    return np.mean(fates[distance.argmin(1)] == fates)


def test_sisters_alike_make_a_random_split_look_good():
    families = {"n_cells": 24, "fated_cells": 0, "sister_pairs": 24, "leaving_cells": 0, "frame_shape": [420, 420], "effects": {"only": []}}
    alike = simulate(families | {"sister_concordance": 1.0, "sister_likeness": 1.0})
    assert nearest_shares_fate(alike, with_sister=True) > 0.75
    assert nearest_shares_fate(alike, with_sister=False) < 0.7
    unlike = simulate(families | {"sister_concordance": 0.0, "sister_likeness": 0.0})
    assert nearest_shares_fate(unlike, with_sister=True) < 0.7


# mistakes


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"recording_fates": {"strength": 1.2, "deadly": ["a"]}}, "recording_fates.strength is 1.2"),
        ({"recording_fates": {"strength": 0.5}}, "recording_fates.deadly is empty"),
        ({"recording_fates": {"deadly": "sim01"}}, "recording_fates.deadly: a list of names is needed"),
        ({"recording_fates": {"deadly": [1]}}, "recording_fates.deadly: a list of names is needed"),
        ({"between_recordings": {"gain": [1.4, 0.7]}}, r"between_recordings.gain is \(1.4, 0.7\)"),
        ({"between_recordings": {"gain": [0, 1]}}, "between_recordings.gain is"),
        ({"between_recordings": {"offset": [-200, 0]}}, "between_recordings.offset: with camera.offset the lowest would be -100"),
        ({"tracked_frames": [9, 6]}, "simulation.tracked_frames is"),
        ({"tracked_frames": [0, 6]}, "simulation.tracked_frames is"),
        ({"sister_likeness": 2}, "simulation.sister_likeness is 2"),
    ],
)
def test_wrong_settings_are_named(mapping, message):
    with pytest.raises(InputError, match=message):
        simulation_settings(mapping)
