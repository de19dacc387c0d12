"""Every format gives the same frames and the same crops as the colour TIFF files of the published data."""

import h5py
import numpy as np
import pandas as pd
import pytest
from toy_frames import NAMES, WRITERS, colour_tiffs, ome_tiff, ome_zarr, recording

from cellfate.base.errors import InputError
from cellfate.crops.extraction import extract_crops
from cellfate.frames.formats import open_frames

TRACKS = pd.DataFrame(
    [(track, frame, 9.0 + 8 * track + frame, 20.0 - 7 * track + 4 * frame) for track in (0, 1) for frame in range(6)],
    columns=["track_id", "frame", "y", "x"],
)
# formats that name their channels
NAMING = ["channel_files", "channel_pngs", "channel_folders", "channel_stacks", "ome_tiff", "ome_zarr", "ome_zarr_04"]
OUTCOMES = pd.DataFrame({"track_id": [0, 1], "outcome": ["mitosis", "apoptosis"], "event_frame": [5, 5]})


def crops_of(frames, path):
    extract_crops(
        frames,
        TRACKS,
        OUTCOMES,
        path,
        recording="A1",
        size=16,
        which="fated",
        outcomes_wanted=["mitosis", "apoptosis"],
        min_frames=2,
        frame_interval_min=30,
        pixel_size_um=None,
    )
    with h5py.File(path) as file:
        return file["crops"][:], file["background"][:]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("name", WRITERS)
def test_the_frames_and_crops_are_those_of_the_colour_tiff_files(tmp_path, name, dtype):
    images = recording(dtype=dtype)
    frames = open_frames(WRITERS[name](tmp_path / "files", images), NAMES)
    frames.check()
    assert (frames.n_frames, frames.shape, frames.dtype, frames.channels) == (6, (40, 50), np.dtype(dtype), tuple(NAMES))
    for t in (3, 0, 5, 1, 2, 4):
        found = frames.read(t)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found, images[t])
    expected = crops_of(open_frames(colour_tiffs(tmp_path / "colour", images), NAMES), tmp_path / "expected.h5")
    for found, wanted in zip(crops_of(frames, tmp_path / "found.h5"), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    for t in (-1, 6):
        with pytest.raises(InputError, match=f"frame {t} asked for, the recording has the frames 0 to 5"):
            frames.read(t)


@pytest.mark.parametrize(
    "name", ["channel_files", "channel_pngs", "channel_folders", "channel_stacks", "ome_tiff", "ome_zarr", "ome_zarr_04"]
)
def test_channels_are_found_by_name_in_any_order_and_others_are_left_out(tmp_path, name):
    images = recording()
    frames = open_frames(WRITERS[name](tmp_path / "files", images), ["cell_cycle", "circadian"])
    frames.check()
    np.testing.assert_array_equal(frames.read(4), images[4][[2, 0]])


@pytest.mark.parametrize(
    "name", ["channel_files", "channel_pngs", "channel_folders", "channel_stacks", "ome_tiff", "ome_zarr", "ome_zarr_04"]
)
def test_labels_stand_for_the_names_in_the_files(tmp_path, name):
    images = recording()
    frames = open_frames(WRITERS[name](tmp_path / "files", images), ["nuclei", "stress"], ["cell_cycle", "p53"])
    assert frames.channels == ("nuclei", "stress")
    np.testing.assert_array_equal(frames.read(0), images[0][[2, 1]])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("channel_files", r"no file of a channel 'GFP' .*found: cell_cycle \(6 files\), circadian \(6 files\), p53 \(6 files\)"),
        ("channel_pngs", r"no file of a channel 'GFP' .*found: cell_cycle \(6 files\)"),
        ("channel_folders", "no subfolder named 'GFP' for a channel; found: cell_cycle, circadian, p53"),
        ("channel_stacks", r"GFP\.tif: no such folder or file"),
        ("ome_tiff", "no channel named 'GFP' in the file; found: circadian, p53, cell_cycle"),
        ("ome_zarr", "no channel named 'GFP' in the file; found: circadian, p53, cell_cycle"),
        ("hyperstack", r"3 channel\(s\) found, 2 expected \(p53, GFP\)"),
        ("colour_stack", r"3 channel\(s\) found, 2 expected \(p53, GFP\)"),
        ("colour_pngs", r"3 channel\(s\) found, 2 expected \(p53, GFP\)"),
    ],
)
def test_a_channel_that_is_not_there(tmp_path, name, message):
    images = WRITERS[name](tmp_path / "files", recording())
    with pytest.raises(InputError, match=message):
        open_frames(images, ["p53", "GFP"])


def test_as_many_labels_as_channels_are_needed(tmp_path):
    images = ome_tiff(tmp_path / "files", recording())
    with pytest.raises(InputError, match=r"1 channel_labels \(p53\) for 2 channels \(a, b\)"):
        open_frames(images, ["a", "b"], ["p53"])


@pytest.mark.parametrize("writer", [ome_tiff, ome_zarr])
@pytest.mark.parametrize("dtype", ["float32", "int16", "uint32"])
def test_other_pixel_types_are_refused(tmp_path, writer, dtype):
    images = writer(tmp_path / "files", recording(dtype=dtype))
    with pytest.raises(InputError, match=f"A1.*: pixel type {dtype} found.*8 or 16 bit unsigned expected"):
        open_frames(images, NAMES)


def test_focal_planes_are_refused_in_words(tmp_path):
    images = recording(3)
    stack = np.stack([images, images], axis=2)
    folder = tmp_path / "zarr"
    path = ome_zarr(folder, images, axes="tcyx")
    import zarr

    group = zarr.open_group(path, mode="a")
    group.create_array("z", data=stack, chunks=(1, 1, 1, 40, 50))
    ome = dict(group.attrs["ome"])
    ome["multiscales"][0]["axes"].insert(2, {"name": "z", "type": "space"})
    ome["multiscales"][0]["datasets"][0]["path"] = "z"
    group.attrs["ome"] = ome
    with pytest.raises(InputError, match=r"A1\.zarr: a stack of 2 focal planes found \(axes TCZYX\)"):
        open_frames(path, NAMES)


def test_files_of_an_unknown_kind(tmp_path):
    (tmp_path / "movie.avi").write_text("x")
    with pytest.raises(InputError, match=r"movie\.avi: a file of an unknown kind; known are TIFF, PNG, OME-Zarr, ND2 and CZI"):
        open_frames(tmp_path / "movie.avi", NAMES)
