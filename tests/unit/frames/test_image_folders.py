"""Frames of one recording: order, layouts and everything that a damaged or mixed folder can hold."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellfate.base.errors import InputError
from cellfate.frames.folders import FrameFolder
from cellfate.frames.formats import open_frames
from cellfate.frames.image import read_header
from cellfate.frames.reader import Frames

RGB = ["circadian", "p53", "cell_cycle"]


def image(seed: int, shape=(20, 30, 3), dtype="uint16") -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def folder(path: Path, numbers=range(5), pattern="frame_{:04d}.tif", shape=(20, 30, 3), dtype="uint16", **options) -> list[np.ndarray]:
    images = [image(n, shape, dtype) for n in numbers]
    for number, pixels in zip(numbers, images, strict=True):
        tifffile.imwrite(path / pattern.format(number), pixels, **options)
    return images


def test_reads_colour_frames_in_rgb_order(tmp_path):
    pixels = np.zeros((20, 30, 3), "uint16")
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 11, 22, 33
    tifffile.imwrite(tmp_path / "1.tif", pixels, photometric="rgb")
    frames = open_frames(tmp_path, RGB)
    assert isinstance(frames, Frames)
    assert (frames.n_frames, frames.shape, frames.dtype, frames.channels) == (1, (20, 30), np.dtype("uint16"), tuple(RGB))
    assert frames.read(0).shape == (3, 20, 30)
    assert frames.read(0)[:, 7, 8].tolist() == [11, 22, 33]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    ("n_channels", "options"),
    [
        (1, {"photometric": "minisblack"}),
        (2, {"photometric": "minisblack", "planarconfig": "contig"}),
        (3, {"photometric": "rgb"}),
        (3, {"photometric": "rgb", "compression": "lzw", "predictor": True}),
        (3, {"photometric": "rgb", "compression": "zlib", "rowsperstrip": 7}),
        (3, {"photometric": "rgb", "tile": (16, 16), "compression": "zlib"}),
        (3, {"photometric": "rgb", "byteorder": ">"}),
        (5, {"photometric": "minisblack", "planarconfig": "contig"}),
    ],
)
def test_layouts_and_compressions(tmp_path, n_channels, dtype, options):
    shape = (20, 30) if n_channels == 1 else (20, 30, n_channels)
    images = folder(tmp_path, shape=shape, dtype=dtype, **options)
    frames = open_frames(tmp_path, list("abcde"[:n_channels]))
    frames.check()
    for t, pixels in enumerate(images):
        found = frames.read(t)
        assert found.dtype == np.dtype(dtype)
        for c in range(n_channels):
            np.testing.assert_array_equal(found[c], pixels if n_channels == 1 else pixels[:, :, c])


def test_planar_colour_is_told_by_the_header(tmp_path):
    images = folder(tmp_path, shape=(3, 20, 30), photometric="rgb", planarconfig="separate")
    frames = open_frames(tmp_path, RGB)
    frames.check()
    assert frames.shape == (20, 30)
    np.testing.assert_array_equal(frames.read(2), images[2])


def test_order_is_by_the_last_number_and_other_files_are_left_out(tmp_path):
    images = folder(tmp_path, [9, 10, 11, 8], "exp2_s{}_x.TIFF", photometric="rgb")
    (tmp_path / ".DS_Store").write_text("x")
    (tmp_path / "._exp2_s9_x.TIFF").write_text("x")
    (tmp_path / "notes 12.txt").write_text("x")
    frames = open_frames(tmp_path, RGB)
    frames.check()
    assert [file.name for file in frames.files] == [f"exp2_s{n}_x.TIFF" for n in (8, 9, 10, 11)]
    np.testing.assert_array_equal(frames.read(0)[0], images[3][..., 0])


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 4, 5], "frame_0003.tif"),
        ([1, 6, 11, 16], None),
        ([1, 6, 16, 21], "frame_0011.tif"),
        ([8, 9, 11], "frame_0010.tif"),
        ([4, 7], None),
    ],
)
def test_missing_frame_is_named(tmp_path, numbers, missing):
    folder(tmp_path, numbers, photometric="rgb")
    frames = open_frames(tmp_path, RGB)
    if missing is None:
        frames.check()
        return
    with pytest.raises(InputError, match=f"{missing}: this frame is missing"):
        frames.check()


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"compression": "zlib", "rowsperstrip": 4}, {"tile": (16, 16)}])
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_file_is_found_from_the_header(tmp_path, options, fraction):
    folder(tmp_path, shape=(64, 64, 3), photometric="rgb", **options)
    file = tmp_path / "frame_0003.tif"
    frames = open_frames(tmp_path, RGB)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(
        InputError, match=r"frame_0003\.tif: (truncated: \d+ bytes found|truncated or damaged: 0 strips|not readable as TIFF|an empty file)"
    ):
        frames.check()
    with pytest.raises(InputError, match=r"frame_0003\.tif"):
        frames.read(3)


@pytest.mark.parametrize("cut", [1, 2, 10])
def test_a_file_cut_by_a_few_bytes_is_found(tmp_path, cut):
    tifffile.imwrite(tmp_path / "1.tif", image(0), photometric="rgb")
    whole = (tmp_path / "1.tif").read_bytes()
    (tmp_path / "1.tif").write_bytes(whole[:-cut])
    with pytest.raises(InputError, match=f"truncated: {len(whole) - cut} bytes found, at least {len(whole)} expected"):
        open_frames(tmp_path, RGB).check()


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (image(0, (20, 31, 3)), "20 x 31 pixels found, 20 x 30 expected as in frame_0000.tif"),
        (image(0, dtype="uint8"), "pixel type uint8 found, uint16 expected as in frame_0000.tif"),
        (image(0, (20, 30)), r"1 channel\(s\) found, 3 expected \(circadian, p53, cell_cycle\)"),
        (image(0, dtype="float32"), "pixel type float32 found .*8 or 16 bit unsigned expected"),
        (image(0, dtype="int16"), "pixel type int16 found .*8 or 16 bit unsigned expected"),
        (image(0, dtype="uint32"), "pixel type uint32 found .*8 or 16 bit unsigned expected"),
    ],
)
def test_a_frame_unlike_the_others_is_named(tmp_path, odd, message):
    folder(tmp_path, photometric="rgb")
    tifffile.imwrite(tmp_path / "frame_0003.tif", odd, photometric="rgb" if odd.ndim == 3 else "minisblack")
    frames = open_frames(tmp_path, RGB)
    with pytest.raises(InputError, match=r"frame_0003\.tif: " + message):
        frames.check()
    with pytest.raises(InputError, match=r"frame_0003\.tif: " + message):
        frames.read(3)


def test_channels_of_the_sheet_and_of_the_files_disagree(tmp_path):
    folder(tmp_path, photometric="rgb")
    with pytest.raises(InputError, match=r"frame_0000\.tif: 3 channel\(s\) found, 2 expected \(red, green\)"):
        open_frames(tmp_path, ["red", "green"]).check()


def test_several_images_in_one_file_are_refused_but_a_thumbnail_is_not(tmp_path):
    with tifffile.TiffWriter(tmp_path / "1.tif") as writer:
        writer.write(image(0, (20, 30)), photometric="minisblack")
        writer.write(image(1, (5, 7)), photometric="minisblack", subfiletype=1)
    assert open_frames(tmp_path, ["a"]).read(0).shape == (1, 20, 30)
    tifffile.imwrite(tmp_path / "1.tif", image(0, (3, 20, 30)), photometric="minisblack")
    with pytest.raises(InputError, match=r"1\.tif: 3 images found in the file, one per time point expected"):
        open_frames(tmp_path, ["a"])


def test_inverted_grey_and_palette_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "1.tif", image(0, (20, 30)), photometric="miniswhite")
    with pytest.raises(InputError, match="photometric interpretation MINISWHITE found"):
        open_frames(tmp_path, ["a"])
    tifffile.imwrite(tmp_path / "1.tif", image(0, (20, 30), "uint8"), photometric="palette", colormap=np.zeros((3, 256), "uint16"))
    with pytest.raises(InputError, match="photometric interpretation PALETTE found"):
        open_frames(tmp_path, ["a"])


def test_pixels_that_do_not_decode_are_an_input_error(tmp_path):
    folder(tmp_path, shape=(64, 64, 3), photometric="rgb", compression="zlib")
    file = tmp_path / "frame_0002.tif"
    raw = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as tiff:
        offset = tiff.pages.first.dataoffsets[0]
    raw[offset : offset + 200] = b"\xff" * 200
    file.write_bytes(bytes(raw))
    frames = open_frames(tmp_path, RGB)
    frames.check()
    with pytest.raises(InputError, match=r"frame_0002\.tif: the image cannot be decoded"):
        frames.read(2)


@pytest.mark.filterwarnings("ignore:divide by zero")  # of the TIFF parser, tile height 0
def test_random_damage_never_raises_anything_else(tmp_path):
    file = tmp_path / "1.tif"
    rng = np.random.default_rng(5)
    refused = 0
    for options in ({}, {"compression": "zlib"}, {"tile": (16, 16)}):
        tifffile.imwrite(file, image(0), photometric="rgb", **options)
        whole = file.read_bytes()
        for _ in range(150):
            raw = bytearray(whole)
            raw[rng.integers(0, 400)] ^= 1 << rng.integers(8)
            file.write_bytes(bytes(raw))
            try:
                assert open_frames(tmp_path, RGB).read(0).ndim == 3
            except InputError:
                refused += 1
    assert refused > 50


def test_folders_without_frames(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder or file"):
        open_frames(tmp_path / "nowhere", RGB)
    with pytest.raises(InputError, match=r"no TIFF or PNG file in this folder; found nothing"):
        open_frames(tmp_path, RGB)
    (tmp_path / "001").mkdir()
    (tmp_path / "movie.avi").write_text("x")
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}: no TIFF or PNG file in this folder; found 001, movie.avi")):
        open_frames(tmp_path, RGB)


def test_names_that_give_no_order(tmp_path):
    tifffile.imwrite(tmp_path / "t1_c1.tif", image(0), photometric="rgb")
    tifffile.imwrite(tmp_path / "t2_c1.tif", image(0), photometric="rgb")
    with pytest.raises(InputError, match=r"t2_c1\.tif: the last number in the name is 1, as in t1_c1\.tif"):
        open_frames(tmp_path, RGB)
    (tmp_path / "t2_c1.tif").rename(tmp_path / "last.tif")
    with pytest.raises(InputError, match=r"last\.tif: no number in the file's name"):
        open_frames(tmp_path, RGB)


def test_a_frame_that_is_not_there(tmp_path):
    folder(tmp_path, photometric="rgb")
    frames = open_frames(tmp_path, RGB)
    for t in (-1, 5):
        with pytest.raises(InputError, match=f"frame {t} asked for, the recording has the frames 0 to 4"):
            frames.read(t)


def test_check_decodes_nothing_and_is_quick(tmp_path, monkeypatch):
    folder(tmp_path, range(186), shape=(256, 256, 3), photometric="rgb", compression="zlib", rowsperstrip=8)

    def no_decoding(*_args, **_kwargs):
        raise AssertionError("a header check decoded pixels")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", no_decoding)
    start = time.process_time()
    FrameFolder(tmp_path, RGB).check()
    assert time.process_time() - start < 3


def test_header_alone(tmp_path):
    tifffile.imwrite(tmp_path / "1.tif", image(0, (3, 20, 30)), photometric="rgb", planarconfig="separate", byteorder=">")
    header = read_header(tmp_path / "1.tif")
    assert (header.shape, header.dtype, header.n_channels) == ((20, 30), np.dtype("uint16"), 3)
