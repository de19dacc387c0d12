"""Crops: the published convention pixel by pixel, each frame decoded once, and a file that is whole or not there."""

import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pandas as pd
import pytest
import tifffile
from toy_memory import SIX, extract, recording

import cellfate.crops.extraction as crops_module
from cellfate.base.errors import InputError
from cellfate.base.software import SOFTWARE
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import cut, validate_positions
from cellfate.frames.formats import open_frames

SRC = Path(__file__).parents[3] / "src"


def published_crop(image, cy, cx, size):
    """Pixel by pixel, channel last, with Python's own int: nothing shared with the package."""
    channels, height, width = image.shape
    top, left = int(cy - size / 2), int(cx - size / 2)
    crop = [[[0] * size for _ in range(size)] for _ in range(channels)]
    for c in range(channels):
        for i in range(size):
            for j in range(size):
                if 0 <= top + i < height and 0 <= left + j < width:
                    crop[c][i][j] = int(image[c, top + i, left + j])
    return np.array(crop)


@pytest.mark.parametrize("size", [1, 6, 7, 12])
def test_cut_is_the_published_crop(size):
    rng = np.random.default_rng(1)
    image = rng.integers(1, 60_000, (3, 17, 23)).astype("uint16")
    edges = [0, 0.4, 2.99, 3, 3.5, size / 2, size / 2 - 0.3, 16.5, 17, 22.7, 23, -0.5, -2.2, -size, -30, 60]
    centres = [(y, x) for y in edges for x in rng.choice(edges, 4)] + list(rng.uniform(-5, 28, (40, 2)))
    for y, x in centres:
        crop = cut(image, y, x, size)
        assert crop.dtype == image.dtype
        np.testing.assert_array_equal(crop, published_crop(image, float(y), float(x), size), err_msg=f"{y}, {x}")


def test_corner_rounds_towards_zero_also_when_negative():
    image = np.arange(1, 101, dtype="uint16").reshape(1, 10, 10)
    # 1.5 - 2 = -0.5 becomes 0, not -1: the crop begins at the first pixel
    assert cut(image, 1.5, 1.5, 4)[0, 0].tolist() == [1, 2, 3, 4]
    # 0.5 - 2 = -1.5 becomes -1: one row and one column of zeros
    assert cut(image, 0.5, 0.5, 4)[0, :2].tolist() == [[0, 0, 0, 0], [0, 1, 2, 3]]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("n_channels", [1, 2, 3, 5])
def test_round_trip(tmp_path, n_channels, dtype):
    frames, tracks, outcomes = recording(SIX, n_channels, dtype)
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    with CropFile(path) as file:
        assert file.recording == "r1"
        assert file.channels == list(frames.channels)
        assert file.track_ids.tolist() == [2, 4, 7, 30]
        assert file.dtype == np.dtype(dtype)
        largest = 0
        for track in file.track_ids:
            wanted = tracks[tracks["track_id"] == track].sort_values("frame")
            found_frames, found = file.read(track)
            assert found_frames.dtype == np.int32
            assert found_frames.tolist() == wanted["frame"].tolist()
            expected = [published_crop(frames.images[r.frame], r.y, r.x, 12) for r in wanted.itertuples()]
            np.testing.assert_array_equal(found, expected)
            largest = max(largest, np.max(expected))
        assert file.attrs["max_value"] == largest


def test_each_needed_frame_is_decoded_exactly_once(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    assert frames.reads == Counter(range(30))  # tracks 7, 2, 4, 30 cover the frames 0 to 24; 25 to 29, without a track, may be black
    frames.reads.clear()
    extract(frames, tracks, outcomes, tmp_path / "r1.h5", outcomes_wanted=["apoptosis"])
    assert frames.reads == Counter([0, *range(3, 23), *range(25, 30)])  # 0 for the digest of what the recording shows


def test_selection_by_fate_and_length(tmp_path):
    frames, tracks, outcomes = recording(SIX)

    def kept(**changes):
        return CropFile(extract(frames, tracks, outcomes, tmp_path / "r1.h5", **changes)).track_ids.tolist()

    assert kept(min_frames=10) == [2, 7]  # 10 frames are not more than 10
    assert kept(min_frames=9) == [2, 7, 30]
    assert kept(which="all", min_frames=10) == [2, 7, 9]
    assert kept(which="all", min_frames=0) == [2, 4, 5, 7, 9, 30]
    assert kept(outcomes_wanted=["apoptosis", "no_event_by_end"], min_frames=0) == [2]
    with pytest.raises(InputError, match=r"crops\.tracks is 'some', fated or all"):
        kept(which="some")


def test_tracks_without_fates(tmp_path):
    frames, tracks, outcomes = recording(dict.fromkeys((1, 2), (0, 12, "censored", None)))
    with CropFile(extract(frames, tracks, outcomes, tmp_path / "r1.h5", which="all")) as file:
        assert file.track_ids.tolist() == [1, 2]
        assert file.event_frames.tolist() == [-1, -1]
        assert file.read(2)[1].shape == (12, 3, 12, 12)


def test_event_frames_and_slices_by_frame(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    tracks = tracks[~((tracks["track_id"] == 2) & tracks["frame"].isin([8, 9]))]  # a gap
    with CropFile(extract(frames, tracks, outcomes, tmp_path / "r1.h5")) as file:
        assert dict(zip(file.track_ids.tolist(), file.event_frames.tolist(), strict=True)) == {2: 22, 4: 17, 7: 25, 30: 11}
        whole_frames, whole = file.read(2)
        assert whole_frames.tolist() == [3, 4, 5, 6, 7, *range(10, 23)]  # frame 22 shows the event and is in the file
        assert file.read(2, last_frame=21)[0].tolist() == whole_frames.tolist()[:-1]
        part_frames, part = file.read(2, 8, 12)
        assert part_frames.tolist() == [10, 11, 12]
        np.testing.assert_array_equal(part, whole[5:8])
        empty_frames, empty = file.read(2, 8, 9)
        assert (empty_frames.shape, empty.shape) == ((0,), (0, 3, 12, 12))
        assert file.read(2, 20, 3)[1].shape == (0, 3, 12, 12)


def test_index_and_layout(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    expected = tracks[tracks["track_id"].isin([2, 4, 7, 30])].sort_values(["track_id", "frame"])
    index = CropFile(path).index()
    assert index.columns.tolist() == ["track_id", "frame", "y", "x"]
    for column in index:
        assert index[column].tolist() == expected[column].tolist()
    with h5py.File(path) as file:
        assert file["start"][:].tolist() == [0, 20, 25, 50]
        assert file["stop"][:].tolist() == [20, 25, 50, 60]
        assert file["crops"].shape == (60, 3, 12, 12)


def test_a_process_that_wrote_no_crops_can_read_them(tmp_path):
    path = extract(*recording(SIX), tmp_path / "r1.h5")
    code = f"from cellfate.crops.crop_file import CropFile; print(CropFile({str(path)!r}).read(2)[1].shape)"
    done = subprocess.run([sys.executable, "-c", code], cwd=SRC, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("(20, 3, 12, 12)"), done.stderr


def test_attributes(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    attrs = CropFile(extract(frames, tracks, outcomes, tmp_path / "r1.h5", pixel_size_um=0.65)).attrs
    assert (attrs["crop_size"], attrs["frame_interval_min"], attrs["pixel_size_um"], attrs["n_frames"]) == (12, 30.0, 0.65, 30)
    assert attrs["frame_shape"].tolist() == [40, 50]
    assert (attrs["source"], attrs["channels"]) == ("memory", ["channel_0", "channel_1", "channel_2"])
    assert attrs["software"] == SOFTWARE
    assert np.isnan(CropFile(extract(frames, tracks, outcomes, tmp_path / "r1.h5")).attrs["pixel_size_um"])


def test_background_is_the_percentile_of_the_whole_frame(tmp_path):
    frames, tracks, outcomes = recording({1: (5, 10, "mitosis", None)}, shape=(400, 400), n_channels=2)
    background = CropFile(extract(frames, tracks, outcomes, tmp_path / "r1.h5")).background
    assert background.dtype == np.float32
    assert background.shape == (30, 2)
    assert np.isnan(background[:5]).all()
    assert np.isnan(background[15:]).all()
    # uniform pixels: the 5th percentile is 0.05 * 65535; 10,000 of the 160,000 pixels give a standard error of 143
    np.testing.assert_allclose(background[5:15], 0.05 * 65535, atol=5 * 143)
    strided = np.sort(frames.images[7, 1, ::4, ::4].ravel())
    assert strided[499] <= background[7, 1] <= strided[500]


@pytest.mark.parametrize("limit", [1, 5_000, 10**9])
@pytest.mark.parametrize("rows", [1, 4, 7, 1000])
def test_chunk_size_and_buffer_change_nothing(tmp_path, monkeypatch, rows, limit):
    frames, tracks, outcomes = recording(SIX)
    monkeypatch.setattr(crops_module, "CHUNK_BYTES", rows * 3 * 12 * 12 * 2)
    monkeypatch.setattr(crops_module.RowWriter.__init__, "__defaults__", (limit,))
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5", which="all", min_frames=0)
    index = CropFile(path).index()
    with h5py.File(path) as file:
        assert file["crops"].chunks[0] == min(rows, 77)
        stored = file["crops"][:]
    for row in index.itertuples():
        np.testing.assert_array_equal(stored[row.Index], published_crop(frames.images[row.frame], row.y, row.x, 12))


def test_each_chunk_is_compressed_once_and_few_rows_wait(tmp_path, monkeypatch):
    lengths = {track: (track % 10, 60, "mitosis", None) for track in range(40)}
    frames, tracks, outcomes = recording(lengths, n_frames=70)
    monkeypatch.setattr(crops_module, "CHUNK_BYTES", 8 * 3 * 12 * 12 * 2)
    writes, waiting = Counter(), [0]
    write, add = crops_module.RowWriter._write, crops_module.RowWriter.add

    def count_write(self, chunk):
        writes[chunk] += 1
        write(self, chunk)

    def count_add(self, *row):
        add(self, *row)
        waiting[0] = max(waiting[0], sum(map(len, self._waiting.values())))
        assert self._n_waiting == sum(map(len, self._waiting.values()))
        assert set(self._pixels) == set(self._waiting)

    monkeypatch.setattr(crops_module.RowWriter, "_write", count_write)
    monkeypatch.setattr(crops_module.RowWriter, "add", count_add)
    extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    assert writes == Counter(range(300))  # 40 x 60 rows in chunks of 8
    assert waiting[0] <= 2 * 40 * 8


def test_bytes_do_not_depend_on_the_run(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    first = extract(frames, tracks, outcomes, tmp_path / "a.h5").read_bytes()
    assert extract(frames, tracks.sample(frac=1, random_state=3), outcomes, tmp_path / "b.h5").read_bytes() == first


def test_file_is_compressed(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    frames.images = (frames.images >> 8).astype("uint16")  # 8 of 16 bits carry something
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5", size=40)
    assert path.stat().st_size < 0.6 * 60 * 3 * 40 * 40 * 2


def test_whoever_only_reads_crops_knows_their_compression(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    read = f"from cellfate.crops.crop_file import CropFile; file = CropFile({str(path)!r}); print(file.read(file.track_ids[0])[1].sum())"
    source = str(Path(crops_module.__file__).parents[2])
    alone = subprocess.run(
        [sys.executable, "-c", read], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": source}, check=False
    )
    assert alone.returncode == 0, alone.stderr
    with CropFile(path) as file:
        assert int(alone.stdout) == file.read(file.track_ids[0])[1].sum()


def test_files_with_the_former_compression_are_read(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    former = hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.BITSHUFFLE)
    with CropFile(path) as crops:
        expected = {track: crops.read(track) for track in crops.track_ids}
    with h5py.File(path, "a") as file:
        pixels, chunks = file["crops"][:], file["crops"].chunks
        del file["crops"]
        file.create_dataset("crops", data=pixels, chunks=chunks, **former)
    with CropFile(path) as crops:
        for track, (numbers, images) in expected.items():
            for found, wanted in zip(crops.read(track), (numbers, images), strict=True):
                np.testing.assert_array_equal(found, wanted)


def test_cut_into_a_used_array_leaves_nothing_of_it():
    image = np.arange(2 * 20 * 30, dtype=np.uint16).reshape(2, 20, 30)
    for y, x in ((10, 15), (1, 2), (19, 29), (-40, 5)):
        out = np.full((2, 12, 12), 7, np.uint16)
        assert cut(image, y, x, 12, out=out) is out
        np.testing.assert_array_equal(out, cut(image, y, x, 12))


@pytest.mark.parametrize("tracks_there", [True, False])
def test_no_wanted_track_gives_a_valid_file_without_rows(tmp_path, tracks_there):
    frames, tracks, outcomes = recording(SIX)
    if not tracks_there:
        tracks, outcomes = tracks.iloc[:0], outcomes.iloc[:0]
    path = extract(frames, tracks, outcomes, tmp_path / "r1.h5", min_frames=100)
    assert not frames.reads
    with CropFile(path) as file:
        assert file.shape == (0, 3, 12, 12)
        assert file.dtype == np.uint16
        assert file.track_ids.tolist() == []
        assert np.isnan(file.background).all()
        assert file.background.shape == (30, 3)
        assert file.attrs["max_value"] == 0
        with pytest.raises(InputError, match="no crops of track 7"):
            file.read(7)
    assert len(CropFile(path).index()) == 0


def test_from_tiff_files(tmp_path):
    (tmp_path / "images").mkdir()
    frames, tracks, outcomes = recording(SIX)
    for t, image in enumerate(frames.images):
        tifffile.imwrite(tmp_path / "images" / f"t{t}.tif", np.moveaxis(image, 0, 2), photometric="rgb", compression="lzw")
    opened = open_frames(tmp_path / "images", ["circadian", "p53", "cell_cycle"])
    path = extract(opened, tracks, outcomes, tmp_path / "r1.h5")
    row = tracks[tracks["track_id"] == 4].sort_values("frame").iloc[2]
    with CropFile(path) as file:
        np.testing.assert_array_equal(file.read(4)[1][2], published_crop(frames.images[row["frame"]], row["y"], row["x"], 12))
        assert file.attrs["source"] == str(tmp_path / "images")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("y", np.nan, "y is nan, a number from 0 to 40"),
        ("x", np.inf, "x is inf, a number from 0 to 50"),
        ("x", 50.5, "x is 50.5, a number from 0 to 50"),
        ("y", -0.1, "y is -0.1, a number from 0 to 40"),
        ("frame", 30, "frame is 30, a number from 0 to 29"),
        ("frame", 4, "frame 4 is there for the second time"),
    ],
)
def test_bad_positions_are_named(tmp_path, column, value, message):
    frames, tracks, outcomes = recording(SIX)
    tracks = tracks.sort_values(["track_id", "frame"], ignore_index=True)
    tracks.loc[(tracks["track_id"] == 2) & (tracks["frame"] == 5), column] = value
    with pytest.raises(InputError, match=f"recording r1, track 2.*{message}"):
        extract(frames, tracks, outcomes, tmp_path / "r1.h5")
    assert list(tmp_path.iterdir()) == []


def test_positions_on_the_border_are_inside():
    tracks = pd.DataFrame({"track_id": [1, 1], "frame": [0, 9], "y": [0.0, 40.0], "x": [50.0, 0.0]})
    validate_positions(tracks, 10, (40, 50), "r1")


def test_track_without_an_outcome_row(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    with pytest.raises(InputError, match=r"recording r1, track 9: .*not in the table of outcomes"):
        extract(frames, tracks, outcomes[outcomes["track_id"] != 9], tmp_path / "r1.h5", which="all")


def test_a_frame_that_fails_leaves_the_old_file(tmp_path):
    frames, tracks, outcomes = recording(SIX)
    path = tmp_path / "r1.h5"
    path.write_text("old")
    frames.images = frames.images[:10]
    with pytest.raises(IndexError):
        extract(frames, tracks, outcomes, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
sys.path[:0] = [{src!r}, {here!r}]
from pathlib import Path
from toy_memory import SIX, extract, recording
frames, tracks, outcomes = recording(SIX)
read = frames.read
frames.read = lambda t: os.kill(os.getpid(), signal.SIGKILL) if t == 15 else read(t)
extract(frames, tracks, outcomes, Path({path!r}))
"""


def test_killed_in_the_middle_leaves_no_file_under_the_final_name(tmp_path):
    path = tmp_path / "r1.h5"
    tests = Path(__file__).parents[2]
    script = KILLED.format(src=str(tests.parent / "src"), here=str(tests / "toys"), path=str(path))
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not path.exists()
    assert [file.name for file in tmp_path.iterdir()] == [".r1.h5.part"]
    assert CropFile(extract(*recording(SIX), path)).track_ids.tolist() == [2, 4, 7, 30]
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_a_crop_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.h5: no such file \(a crop file\)"):
        CropFile(tmp_path / "none.h5").read(1)
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match=r"text\.h5: not readable as HDF5, a crop file is needed"):
        CropFile(tmp_path / "text.h5").index()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["masks"] = np.zeros(3)
    with pytest.raises(InputError, match=r"other\.h5: not a crop file: crops, frame"):
        _ = CropFile(tmp_path / "other.h5").recording


def test_truncated_crop_file(tmp_path):
    path = extract(*recording(SIX), tmp_path / "r1.h5")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"r1\.h5: not readable as HDF5, a crop file is needed"):
        CropFile(path).read(2)


def test_reader_opens_late_closes_and_pickles(tmp_path):
    path = tmp_path / "r1.h5"
    file = CropFile(path)  # the file is not there yet
    extract(*recording(SIX), path)
    frames, crops = file.read(7)
    copy = pickle.loads(pickle.dumps(file))
    file.close()
    for reader in (file, copy):
        np.testing.assert_array_equal(reader.read(7)[1], crops)
        assert reader.read(7)[0].tolist() == frames.tolist()
        reader.close()
    with pytest.raises(InputError, match=r"no crops of track 9; the file has 4 tracks of r1"):
        file.read(9)


def test_frames_that_lost_what_they_showed_are_told(tmp_path, capsys):
    frames, tracks, outcomes = recording(SIX)
    frames.notes.append("a note of the reader")
    frames.images[8:12, 1] = frames.images[7, 1]
    extract(frames, tracks, outcomes, tmp_path / "a.h5", size=41)
    assert capsys.readouterr().err.count("WARNING: ") == 3
    extract(frames, tracks, outcomes, tmp_path / "a.h5", size=40)
    note, copies = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    assert note == "WARNING: a note of the reader"
    assert "memory: 4 of 30 frames looked at (8 to 11): the very pixels of the frame before in channel_1" in copies
