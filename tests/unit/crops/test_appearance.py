"""What crops look like in numbers, against numpy and against shapes whose size is known."""

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.crops.appearance import MOST_CROPS, PROFILE, QUANTILES, Appearance, half_radius, sampled
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import cut, inside
from cellfate.crops.levels import centre_disc, crop_levels, first_frames, levels_of

WHOLE = (slice(None), slice(None))


def disc_crop(size: int, radius: float, bright: int, dark: int) -> np.ndarray:
    offset = np.arange(size) - (size - 1) / 2
    return np.where(np.hypot(offset[:, None], offset[None, :]) <= radius, bright, dark).astype(np.uint16)[None]


@pytest.mark.parametrize(("y", "x"), [(50, 50), (3, 50), (50, 97.6), (0, 0), (99.5, 0.2)])
def test_what_is_inside_is_what_cut_fills(y, x):
    crop = cut(np.ones((1, 100, 100), np.uint16), y, x, 15)
    rows, columns = inside(y, x, 15, (100, 100))
    assert crop[0, rows, columns].all()
    assert crop[0, rows, columns].size == crop.sum() > 0


def test_quantiles_are_those_of_the_pixels_inside():
    crop = np.random.default_rng(0).integers(100, 5000, (2, 21, 21)).astype(np.uint16)
    part = (slice(5, 21), slice(0, 14))
    crop[:, :5] = crop[:, :, 14:] = 0
    look = Appearance(21, 21)
    look.add(crop, part, np.array([90.0, 80.0]))
    for channel, found in enumerate(look.summary()):
        pixels = crop[channel, part[0], part[1]].ravel()
        expected = np.percentile(pixels, QUANTILES, method="nearest")
        np.testing.assert_allclose([found[f"raw_q{q:02d}"] for q in QUANTILES], expected)
        np.testing.assert_allclose([found[f"above_q{q:02d}"] for q in QUANTILES], expected - [90, 80][channel])
        assert found["background"] == [90, 80][channel]


@pytest.mark.parametrize("radius", [14, 20, 31])
def test_the_radius_of_a_disc_is_found_to_a_ring(radius):
    look = Appearance(112, 112)
    look.add(disc_crop(112, radius, 900, 100), WHOLE, np.array([100.0]))
    assert look.summary()[0]["radius"] == pytest.approx(radius, abs=112 / 2 / PROFILE / 2)


def test_the_radius_is_given_at_the_networks_scale():
    look = Appearance(112, 56)
    look.add(disc_crop(112, 20, 900, 100), WHOLE, np.array([100.0]))
    assert look.summary()[0]["radius"] == pytest.approx(10, abs=2)


def test_a_constant_channel_has_no_radius():
    look = Appearance(20, 20)
    look.add(np.full((1, 20, 20), 7, np.uint8), WHOLE, np.array([7.0]))
    found = look.summary()[0]
    assert np.isnan(found["radius"])
    assert (found["raw_q01"], found["raw_q99"], found["above_q50"]) == (7, 7, 0)


def test_tiny_crops_and_crops_outside_the_frame():
    look = Appearance(5, 5)
    look.add(disc_crop(5, 1, 900, 100), WHOLE, np.array([100.0]))
    look.add(np.zeros((1, 5, 5), np.uint16), (slice(5, 5), slice(0, 5)), np.array([100.0]))
    assert look.summary()[0]["raw_q99"] == 900  # the second is left out
    assert Appearance(5, 5).summary() == []


def test_a_profile_that_never_falls_has_no_half():
    assert np.isnan(half_radius(np.full(PROFILE, 3.0)))
    assert np.isnan(half_radius(np.full(PROFILE, np.nan)))
    assert half_radius(np.array([8.0, 8, 0, 0, 0, 0, 0, 0])) == pytest.approx(2.0)


def test_the_sample_is_even_and_bounded():
    assert sampled(7).tolist() == list(range(7))
    many = sampled(10 * MOST_CROPS + 3)
    assert len(many) <= MOST_CROPS
    assert set(np.diff(many)) == {11}


def test_levels_are_medians_of_the_first_frames():
    assert first_frames(np.array([9, 4, 4, 7, 5]), 3).tolist() == [4, 5, 7]
    centres, background = np.array([[300.0, 50], [500, 60], [420, 55]]), np.array([[100.0, 10], [110, 12], [120, 11]])
    found = levels_of(centres, background, "r", ["a", "b"])
    assert found.background == (110, 11)
    assert found.signal == (300, 44)


def test_a_channel_without_signal_is_named():
    with pytest.raises(InputError, match=r"recording r, channel b, cells are -1 counts above the background.*scaling: corrected"):
        levels_of(np.array([[300.0, 10]]), np.array([[100.0, 11]]), "r", ["a", "b"])


def test_later_frames_do_not_change_the_level(tmp_path):
    from toy_crops import write_crop_file

    rng = np.random.default_rng(0)
    tracks = {t: (np.arange(t, 20), rng.integers(100, 900, (20 - t, 2, 16, 16)).astype(np.uint16)) for t in (0, 3)}
    with CropFile(write_crop_file(tmp_path / "a.h5", "r", tracks)) as file:
        before = crop_levels(file, 5)
        assert crop_levels(file, 6) != before
    disc = centre_disc(16)
    early = np.concatenate([tracks[0][1][:5], tracks[3][1][:2]])[:, :, disc].mean(axis=2)
    np.testing.assert_allclose(before.signal, np.median(early, axis=0))
    for frames, crops in tracks.values():
        crops[frames >= 5] = 60000
    with CropFile(write_crop_file(tmp_path / "b.h5", "r", tracks)) as file:
        assert crop_levels(file, 5) == before
