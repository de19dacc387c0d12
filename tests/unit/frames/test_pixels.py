"""What is wrong with pixels: one value everywhere (an error at the end), copies of the frame before, saturation, few grey values."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from toy_frames import NAMES, WRITERS, recording

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import PixelNotes, check_frames, constant_channels, end_problem


def black(images, frames, channels=(0, 1, 2), value=0):
    images = images.copy()
    for t in frames:
        images[t, list(channels)] = value
    return images


def lines_of(frames) -> list[str]:
    constant = PixelNotes(frames)
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
    constant = PixelNotes(frames)
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


def frozen(images):
    images[5:, 0] = images[4, 0]


def standing_still(images):
    images[3:5] = images[2]


def dark(images):
    images[5:7] = 0


def clipped(top):
    def change(images):
        images[2:4, 1] = np.minimum(images[2:4, 1].astype(int) * 300, top)

    return change


def hot_pixels(images):
    images[:, :, :2, :9] = 65_535  # 18 of 2000


def unscaled(images):
    images[1:, 2] = images[1:, 2] > 99


@pytest.mark.parametrize("name", ["colour_tiffs", "hyperstack", "channel_files"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (frozen, "7 of 12 frames looked at (5 to 11): the very pixels of the frame before in circadian: did the camera stop"),
        (standing_still, "2 of 12 frames looked at (3 to 4): the very pixels of the frame before in circadian, p53, cell_cycle: did"),
        (dark, None),  # said already: one value everywhere
        (
            clipped(65_535),
            "2 of 12 frames looked at (2 to 3): saturated: more than 1 % of the pixels have the largest value in p53 (up to ",
        ),
        (clipped(4095), " % are 4095): how bright cells are is lost there"),
        (clipped(4094), None),
        (hot_pixels, None),
        (unscaled, "11 of 12 frames looked at (1 to 11): hardly any grey values in cell_cycle (0, 1): scaled before"),
        (lambda images: None, None),
    ],
)
def test_pixels_that_lost_what_they_showed(tmp_path, name, change, words):
    images = recording(12)
    change(images)
    frames = open_frames(WRITERS[name](tmp_path / "a", images), NAMES)
    lines = [line for line in lines_of(frames) if "one value everywhere" not in line]
    assert len(lines) == (words is not None)
    assert words is None or words in lines[0]
    assert words is None or lines[0].startswith(f"{frames.path}: ")


def test_frames_that_are_far_apart_or_in_another_order_are_no_copies_of_the_one_before(tmp_path):
    images = recording(4)
    images[3] = images[0]
    frames = open_frames(WRITERS["hyperstack"](tmp_path / "a", images), NAMES)
    assert lines_of(frames) == []
    pixels = PixelNotes(frames)
    for t in (3, 0):
        pixels.note(t, frames.read(t))
    assert pixels.lines() == []


def test_8_bit_images_and_large_ones_are_looked_at_on_a_grid(tmp_path):
    images = np.random.default_rng(1).integers(1, 200, (3, 1, 600, 500)).astype("uint8")
    images[1, 0, :100, :100] = 255  # 3 %
    images[2, 0] = 1 + 254 * (images[2, 0] > 190)
    (path := tmp_path / "a").mkdir()
    for t, image in enumerate(images):
        tifffile.imwrite(path / f"t{t}.tif", image[0])
    saturated, few = lines_of(open_frames(path, ["nuclei"]))
    assert "2 of 3 frames looked at (1 to 2): saturated" in saturated
    assert "1 of 3 frames looked at (2): hardly any grey values in nuclei (1, 255)" in few
