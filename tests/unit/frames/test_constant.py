"""Frames with one value everywhere: named, and an error where the recording ends in them."""

import numpy as np
import pandas as pd
import pytest
from toy_frames import NAMES, WRITERS, recording

from cellfate.base.errors import InputError
from cellfate.frames.constant import ConstantFrames, check_frames, constant_channels, end_problem
from cellfate.frames.formats import open_frames


def black(images, frames, channels=(0, 1, 2), value=0):
    images = images.copy()
    for t in frames:
        images[t, list(channels)] = value
    return images


def lines_of(frames) -> list[str]:
    constant = ConstantFrames(frames)
    for t in range(frames.n_frames):
        constant.note(t, frames.read(t))
    return constant.lines()


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_channel_is_constant_when_all_of_its_pixels_are(value):
    image = np.full((3, 40, 50), value, "uint16")
    image[1, 39, 48] = 3
    assert constant_channels(image) == [0, 2]


@pytest.mark.parametrize("name", [name for name in WRITERS if "zarr" not in name])
def test_a_black_frame_is_named_and_a_run_at_the_end_is_refused(tmp_path, name):
    images = recording(9)
    frames = open_frames(WRITERS[name](tmp_path / "a", black(images, [3])), NAMES)
    check_frames(frames)
    (line,) = lines_of(frames)
    assert line.startswith(frames.where(3))
    assert "one value everywhere in circadian (0), p53 (0), cell_cycle (0)" in line
    stopped = WRITERS[name](tmp_path / "b", black(images, range(6, 9)))
    with pytest.raises(InputError, match=r"one value everywhere in .* \(frames 6 to 8\).* put 5 into the column last_image") as problem:
        check_frames(open_frames(stopped, NAMES))
    assert open_frames(stopped, NAMES).where(6) in str(problem.value)
    whole = open_frames(stopped, NAMES, last_image=5)
    check_frames(whole)
    assert whole.n_frames == 6
    with pytest.raises(InputError, match="frame 6 asked for"):
        whole.read(6)


@pytest.mark.parametrize(
    ("frames", "channels", "first"),
    [
        ([11], (0, 1, 2), None),  # one at the end is named only
        ([10, 11], (1,), 10),  # a lamp that was off
        (range(1, 12), (1,), 1),
        (range(12), (1,), None),  # a channel that was never recorded
        ([1, 2, 4, 5, 7, 8, 10, 11], (1,), None),  # recorded in every third frame
        ([1, 2, 8, 9, 10, 11], (1,), 8),
    ],
)
def test_which_ends_are_refused(tmp_path, frames, channels, first):
    path = WRITERS["colour_tiffs"](tmp_path / "a", black(recording(12), frames, channels))
    problem = end_problem(open_frames(path, NAMES))
    assert (problem is None) == (first is None)
    assert first is None or f"(frames {first} to 11)" in problem


def test_a_recording_of_nothing_and_many_constant_frames(tmp_path):
    path = WRITERS["hyperstack"](tmp_path / "a", black(recording(8), range(8)))
    with pytest.raises(InputError, match=r"A1\.tif: every frame has one value everywhere in every channel"):
        check_frames(open_frames(path, NAMES))
    lines = lines_of(open_frames(path, NAMES))
    assert len(lines) == 6
    assert lines[-1].endswith("3 further frames with one value everywhere in a channel: 5 to 7")


@pytest.mark.parametrize("last", [-1, 9])
def test_a_last_image_that_is_not_there(tmp_path, last):
    path = WRITERS["channel_files"](tmp_path / "a", recording(9))
    with pytest.raises(InputError, match=rf"last_image is {last}, the recording has the frames 0 to 8"):
        open_frames(path, NAMES, last_image=last)


def test_frames_that_no_track_needs_are_looked_at_too_and_what_they_do_to_tracks_is_said(tmp_path):
    """A tracker finds nothing in a black frame: cells become two tracks each, and the frame would never be decoded."""
    frames = open_frames(WRITERS["colour_tiffs"](tmp_path / "a", black(recording(12), [4, 5, 9])), NAMES)
    spans = {1: range(4), 2: range(4), 3: range(6, 12), 4: range(6, 9)}
    tracks = pd.DataFrame([(track, t) for track, span in spans.items() for t in span], columns=["track_id", "frame"])
    constant = ConstantFrames(frames)
    for t in sorted(tracks["frame"].unique()):
        constant.note(t, frames.read(t))
    assert len(constant.lines()) == 1
    constant.note_without(tracks)
    *named, cut = constant.lines(tracks)
    assert [line.rpartition("? ")[2] for line in named] == [f"Tracks with a position in it: {n}" for n in (0, 0, 1)]
    assert cut == f"{frames.path}: tracks that end just before frame 4 to 5: 2, that begin just after: 2. The same cells?"


def test_the_numbers_of_all_constant_frames_are_named(tmp_path):
    path = WRITERS["hyperstack"](tmp_path / "a", black(recording(80), [t for t in range(1, 79) if t % 9]))
    assert lines_of(open_frames(path, NAMES))[-1].endswith(
        ": 6 to 8, 10 to 17, 19 to 26, 28 to 35, 37 to 44, 46 to 53, 55 to 62, 64 to 71, 73 to 78"
    )
