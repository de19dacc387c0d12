"""Multi-page TIFF files: axes in every order, and everything that a damaged or ambiguous file can hold."""

import re
from itertools import permutations

import numpy as np
import pytest
import tifffile
from toy_frames import NAMES, channel_stacks, colour_stack, hyperstack, ome_tiff, recording, truncated_hyperstack

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames


@pytest.mark.parametrize("axes", ["".join(order) + "YX" for order in permutations("TCZ")] + ["TCYX", "CTYX"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"byteorder": ">"}, {"bigtiff": True}])
def test_the_page_of_a_frame_follows_from_the_order_of_the_axes(tmp_path, axes, options):
    images = recording()
    frames = open_frames(ome_tiff(tmp_path / "files", images, axes, **options), NAMES)
    frames.check()
    for t in range(6):
        np.testing.assert_array_equal(frames.read(t), images[t])


def test_a_single_time_point_and_a_single_channel(tmp_path):
    images = recording(1)
    frames = open_frames(hyperstack(tmp_path / "a", images), NAMES)
    np.testing.assert_array_equal(frames.read(0), images[0])
    images = recording(5, 1)
    frames = open_frames(hyperstack(tmp_path / "b", images), ["p53"])
    assert frames.n_frames == 5
    np.testing.assert_array_equal(frames.read(4), images[4])


def test_big_endian_hyperstacks_as_imagej_writes_them_above_4_gb(tmp_path):
    images = recording(dtype="uint16")
    frames = open_frames(truncated_hyperstack(tmp_path / "files", images, byteorder=">"), NAMES)
    with tifffile.TiffFile(tmp_path / "files/A1.tif") as tiff:
        assert (len(tiff.pages), tiff.byteorder) == (1, ">")
    frames.check()
    np.testing.assert_array_equal(frames.read(5), images[5])


def test_pages_without_metadata_are_time_points_of_one_channel_only(tmp_path):
    images = recording()
    tifffile.imwrite(tmp_path / "a.tif", images.reshape(18, 40, 50), photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match=r"a\.tif: 1 channel found \(axes IYX \(18, 40, 50\)\), 3 expected .*: save them all in one OME"):
        open_frames(tmp_path / "a.tif", NAMES)
    assert open_frames(tmp_path / "a.tif", ["p53"]).n_frames == 18
    tifffile.imwrite(tmp_path / "b.tif", images, photometric="minisblack")
    with pytest.raises(InputError, match=r"b\.tif: axes QQYX \(6, 3, 40, 50\) found: which of them is time is not said"):
        open_frames(tmp_path / "b.tif", NAMES)


def test_names_in_the_file_do_not_matter_where_the_file_name_gives_the_channel(tmp_path):
    images = recording(4, 1)
    for name in ("a", "b"):
        ome_tiff(tmp_path / name, images, names=["EGFP"])
    frames = open_frames(tmp_path / "{channel}/A1.ome.tif", ["a", "b"])
    np.testing.assert_array_equal(frames.read(3)[1], images[3, 0])


def test_names_that_stand_twice(tmp_path):
    images = ome_tiff(tmp_path / "files", recording(), names=["DAPI", "DAPI", "p53"])
    with pytest.raises(InputError, match="2 channels named 'DAPI' in the file; found: DAPI, DAPI, p53"):
        open_frames(images, ["a", "b"], ["DAPI", "p53"])
    assert open_frames(images, ["b"], ["p53"]).n_frames == 6


def test_channels_without_names_are_taken_in_their_order(tmp_path):
    images = recording()
    tifffile.imwrite(tmp_path / "a.ome.tif", images, photometric="minisblack", metadata={"axes": "TCYX"})
    np.testing.assert_array_equal(open_frames(tmp_path / "a.ome.tif", NAMES).read(2), images[2])
    with pytest.raises(InputError, match=r"a\.ome\.tif: 3 channel\(s\) found, 2 expected \(p53, x\)"):
        open_frames(tmp_path / "a.ome.tif", ["p53", "x"])


@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True}])
def test_focal_planes_are_refused_and_an_imagej_stack_of_times_is_explained(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", recording(5, 1)[:, 0], metadata={"axes": "ZYX"}, photometric="minisblack", **options)
    with pytest.raises(InputError, match=r"a\.tif: a stack of 5 focal planes found \(axes ZYX\).* \(ImageJ: Image > Properties"):
        open_frames(tmp_path / "a.tif", ["p53"])


def test_several_positions_and_mixed_pages_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        for _ in range(2):
            writer.write(recording(), metadata={"axes": "TCYX"}, photometric="minisblack")
    with pytest.raises(InputError, match=r"a\.ome\.tif: 2 series of images \(positions\) found \(6 T, 3 C, 1 Z, 40 Y, 50 X; "):
        open_frames(tmp_path / "a.ome.tif", NAMES)
    with tifffile.TiffWriter(tmp_path / "b.tif") as writer:
        for shape in ((20, 30), (20, 30), (20, 31)):
            writer.write(np.ones(shape, "uint16"), photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match=r"b\.tif: 2 series of images found"):
        open_frames(tmp_path / "b.tif", ["p53"])


@pytest.mark.parametrize("odd", [np.ones((20, 31), "uint16"), np.ones((20, 30), "uint8")])
def test_a_page_in_the_middle_that_is_unlike_the_others(tmp_path, odd):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for t in range(12):
            writer.write(odd if t == 5 else np.ones((20, 30), "uint16"), photometric="minisblack", metadata=None, compression="zlib")
    with pytest.raises(InputError, match=r"a\.tif: (page 5 is \(20, 31\)|time point 5 \(page 5\): pixel type uint8 found, uint16)"):
        open_frames(tmp_path / "a.tif", ["p53"]).check()


@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize(
    "writer",
    [ome_tiff, hyperstack, truncated_hyperstack, channel_stacks, colour_stack, lambda f, i: ome_tiff(f, i, "CTYX", compression="zlib")],
)
def test_a_file_that_is_cut_short(tmp_path, writer, fraction):
    images = writer(tmp_path / "files", recording(12))
    file = next((tmp_path / "files").glob("*.tif"))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(InputError, match=re.escape(file.name)):
        open_frames(images, NAMES).check()


def test_a_plane_that_the_ome_metadata_do_not_have(tmp_path):
    images = ome_tiff(tmp_path / "files", recording(), compression="zlib")
    xml = tifffile.tiffcomment(images)
    count = re.search(r'<TiffData IFD="0" PlaneCount="18"/>', xml)
    assert count
    fewer = "".join(
        f'<TiffData FirstT="{t}" FirstC="{c}" FirstZ="0" IFD="{3 * t + c}" PlaneCount="1"/>'
        for t in range(6)
        for c in range(3)
        if (t, c) != (4, 1)
    )
    tifffile.tiffcomment(images, xml.replace(count[0], fewer).encode())
    frames = open_frames(images, NAMES)
    with pytest.raises(InputError, match=r"A1\.ome\.tif: time point 4 of channel 1: this image is missing: the OME metadata name"):
        frames.check()
    with pytest.raises(InputError, match="time point 4 of channel 1: this image is missing"):
        frames.read(4)


def test_pixels_that_do_not_decode(tmp_path):
    images = ome_tiff(tmp_path / "files", recording(), compression="zlib")
    with tifffile.TiffFile(images) as tiff:
        offset = tiff.pages[13].dataoffsets[0]
    with open(images, "r+b") as stream:
        stream.seek(offset)
        stream.write(b"\xff" * 100)
    frames = open_frames(images, NAMES)
    frames.check()
    with pytest.raises(InputError, match=r"time point 4 of channel 1 \(page 13\): the image cannot be decoded, the file is damaged"):
        frames.read(4)


@pytest.mark.filterwarnings("ignore")  # of the TIFF parser
def test_random_damage_never_raises_anything_else(tmp_path):
    rng = np.random.default_rng(5)
    refused = 0
    for number, options in enumerate(({}, {"compression": "zlib"})):
        images = ome_tiff(tmp_path / str(number), recording(3), **options)
        with open(images, "rb") as stream:
            whole = stream.read()
        places = np.r_[rng.integers(0, 1200, 100), rng.integers(0, len(whole), 100)]
        for place in places:
            raw = bytearray(whole)
            raw[place] ^= 1 << rng.integers(8)
            with open(images, "wb") as stream:
                stream.write(raw)
            try:
                frames = open_frames(images, NAMES)
                frames.check()
                assert frames.read(frames.n_frames - 1).ndim == 3
            except InputError:
                refused += 1
    assert refused > 50


def test_a_header_check_decodes_nothing(tmp_path, monkeypatch):
    images = ome_tiff(tmp_path / "files", recording(60), compression="zlib")

    def no_decoding(*_args, **_kwargs):
        raise AssertionError("a header check decoded pixels")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", no_decoding)
    monkeypatch.setattr(tifffile.TiffFrame, "asarray", no_decoding)
    open_frames(images, NAMES).check()
