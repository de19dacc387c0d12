"""What `auto` stands for."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.statistics.effect_sizes import high_attention
from cellfate.trajectories.lengths import Lengths, frames_for_high, minutes_per_frame

SHORT = Lengths(np.full(50, 20))
DEMO = Lengths(np.array([35, 44] + [57] * 20 + [62] * 40 + [75] * 10))
LONG = Lengths(np.array([90] * 50 + [150] * 50))


def test_short_trajectories():
    assert SHORT.truncation("auto") == list(range(0, 20, 2))
    assert SHORT.last_k("auto") == list(range(2, 21, 2))
    assert SHORT.occlusion_window("auto") == 3
    assert SHORT.statistics_min_frames("auto", 90) == 20


def test_those_of_the_demo_have_the_values_of_before():
    assert DEMO.truncation("auto") == list(range(0, 56, 5))
    assert DEMO.last_k("auto") == list(range(5, 56, 5))
    assert DEMO.occlusion_window("auto") == 11
    assert DEMO.statistics_min_frames("auto", 90) == 50


def test_long_trajectories_keep_the_window_and_the_limit():
    assert LONG.truncation("auto") == list(range(0, 90, 10))
    assert LONG.occlusion_window("auto") == 11
    assert LONG.statistics_min_frames("auto", 90) == 50


@pytest.mark.parametrize("n", [1, 2, 3, 11, 12, 13, 20, 37, 59, 60, 61, 119, 120, 121, 400, 5000])
def test_whatever_the_length_few_points_and_none_beyond_it(n):
    lengths = Lengths(np.full(7, n))
    truncation, last_k, window = lengths.truncation("auto"), lengths.last_k("auto"), lengths.occlusion_window("auto")
    assert truncation[0] == 0
    assert truncation[-1] < n  # a frame is left
    assert 0 < last_k[0] <= last_k[-1] <= n
    assert len(truncation) <= 13
    assert n < 4 or len(truncation) >= 4
    assert window % 2 == 1
    assert window < n or n == 1


def test_three_quarters_are_in_at_every_point():
    rng = np.random.default_rng(0)
    for _ in range(20):
        lengths = Lengths(rng.integers(11, 200, 40))
        assert (lengths.n_frames > lengths.truncation("auto")[-1]).mean() >= 0.75
        assert (lengths.n_frames >= lengths.last_k("auto")[-1]).mean() >= 0.75


def test_numbers_stay_and_null_is_off():
    assert SHORT.truncation([0, 30]) == [0, 30]
    assert SHORT.last_k([5]) == [5]
    assert SHORT.truncation(None) == SHORT.last_k(None) == []
    assert SHORT.occlusion_window(None) is None
    assert SHORT.occlusion_window(7) == 7
    assert SHORT.statistics_min_frames(50, 90) == 50
    assert SHORT.statistics_min_frames(None, 90) == 0


@pytest.mark.parametrize("window", [21, 20, 25])
def test_a_window_that_hides_every_trajectory_is_an_error(window):
    lengths = Lengths(np.array([12, 20]))
    message = f"attention.occlusion_window is {window}, but the longest trajectory has 20 frames: .* or auto, which is 3 here"
    with pytest.raises(InputError, match=message):
        lengths.occlusion_window(window)


@pytest.mark.parametrize("percentile", [50, 75, 80, 90, 95, 99])
def test_two_frames_are_high_from_the_number_on_that_is_asked_for(percentile):
    weights = np.random.default_rng(1).permutation(5000).astype(float)
    n = frames_for_high(percentile)
    assert high_attention(weights[:n], percentile).sum() >= 2
    assert n <= 2 or high_attention(weights[: n - 1], percentile).sum() < 2


def test_the_usable_trajectories_of_the_treatment_count():
    table = pd.DataFrame(
        {
            "n_frames": [20, 30, 40, 99, 50],
            "usable": [True, True, True, False, True],
            "treatment": ["drug", "drug", "drug", "drug", "none"],
        }
    )
    assert sorted(Lengths.of(table, "drug").n_frames) == [20, 30, 40]
    assert sorted(Lengths.of(table, None).n_frames) == [20, 30, 40, 50]
    assert sorted(Lengths.of(table, "other").n_frames) == [20, 30, 40, 50]
    with pytest.raises(InputError, match="none is usable"):
        Lengths.of(table.assign(usable=False), None)


def tracks(n=40, **changes):
    columns = {"first_frame": 3, "last_frame": 12, "n_frames": 10, "frame_interval_min": 15.0, "usable": True}
    return pd.DataFrame(columns | changes, index=range(n))


def test_an_axis_of_frames_is_one_of_hours_where_almost_all_tracks_have_all_frames_and_one_interval():
    assert minutes_per_frame(tracks()) == 15
    odd = np.arange(40) == 7
    for column, other in {"n_frames": 9, "frame_interval_min": 60.0}.items():
        assert minutes_per_frame(tracks(**{column: np.where(odd, other, tracks()[column])})) == 15, column
        half = np.where(np.arange(40) < 20, other, tracks()[column])
        assert minutes_per_frame(tracks(**{column: half})) is None, column
        assert minutes_per_frame(tracks(**{column: half}, usable=np.arange(40) >= 20)) == 15, "those of no use do not count"
    assert minutes_per_frame(tracks(usable=False)) is None
