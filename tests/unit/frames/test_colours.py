"""Colour images of which the sheet wants fewer channels than they have."""

import numpy as np
import pytest
from toy_frames import colour_pngs, colour_stack, colour_tiffs, recording

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames

WRITERS = [colour_tiffs, colour_pngs, colour_stack]


def only(images, *colours):
    """The images with all colours but these set to zero."""
    return images * np.isin(np.arange(3), colours)[:, None, None].astype(images.dtype)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("used", [(0, 1), (0, 2), (1, 2), (0,), (1,), (2,)])
def test_colours_that_are_zero_throughout_are_left_out(tmp_path, writer, used):
    images = only(recording(), *used)
    frames = open_frames(writer(tmp_path / "files", images), ["a", "b"][: len(used)])
    frames.check()
    for t in range(6):
        np.testing.assert_array_equal(frames.read(t), images[t, list(used)])
    assert len(frames.notes) == 1
    assert f"a from {('red', 'green', 'blue')[used[0]]}" in frames.notes[0]


@pytest.mark.parametrize("writer", WRITERS)
def test_grey_that_is_stored_as_colour(tmp_path, writer):
    grey = recording(n_channels=1)
    frames = open_frames(writer(tmp_path / "files", np.repeat(grey, 3, axis=1)), ["a"])
    np.testing.assert_array_equal(frames.read(4), grey[4])
    assert "grey images stored as colour" in frames.notes[0]


@pytest.mark.parametrize("writer", WRITERS)
def test_colours_that_show_something_are_never_left_out(tmp_path, writer):
    path = writer(tmp_path / "files", recording())
    for channels in (["a"], ["a", "b"]):
        with pytest.raises(InputError, match=r"3 channel\(s\) found, \d expected .*; not zero throughout: red, green, blue\. Name all 3"):
            open_frames(path, channels)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_colour_that_shows_something_in_one_frame_only(tmp_path, writer):
    images = only(recording(), 0, 1)
    images[4, 2, 7, 7] = 1
    frames = open_frames(writer(tmp_path / "files", images), ["a", "b"])
    frames.read(3)
    with pytest.raises(InputError, match=r"(t004|A1\.tif: time point 4).*: blue is not zero here"):
        frames.read(4)
    grey = np.repeat(recording(n_channels=1), 3, axis=1)
    grey[1, 1, 0, 0] += 1
    with pytest.raises(InputError, match="a colour image among grey ones"):
        open_frames(writer(tmp_path / "grey", grey), ["a"]).read(1)


def test_a_dark_channel_among_the_wanted_ones(tmp_path):
    images = only(recording(), 0)
    np.testing.assert_array_equal(open_frames(colour_tiffs(tmp_path / "files", images), ["a", "b"]).read(2), images[2, :2])
    images = only(recording(), 2)
    with pytest.raises(InputError, match="not zero throughout: blue"):
        open_frames(colour_tiffs(tmp_path / "blue", images), ["a", "b"])
