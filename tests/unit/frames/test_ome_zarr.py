"""OME-Zarr: versions, chunks, and stores that are damaged or hold something else."""

import json

import numpy as np
import pytest
import zarr
from toy_frames import NAMES, attributes, ome_zarr, ome_zarr_04, recording

from cellfate.base.errors import InputError
from cellfate.frames import ome_zarr as frame_zarr
from cellfate.frames.formats import open_frames


def chunk(path, t: int, c: int):
    """The files of the chunks of a time point and channel."""
    names = {file: file.relative_to(path / "0").as_posix().removeprefix("c/") for file in (path / "0").rglob("*") if file.is_file()}
    return [file for file, name in names.items() if name.startswith((f"{t}/{c}/", f"{t}.{c}."))]


@pytest.mark.parametrize("writer", [ome_zarr, ome_zarr_04])
def test_a_time_point_of_which_nothing_was_written(tmp_path, writer):
    images = recording()
    path = writer(tmp_path, images)
    files = chunk(tmp_path / "A1.zarr", 4, 1)
    assert len(files) == 4
    for file in files[1:]:
        file.unlink()
    frames = open_frames(path, NAMES)
    frames.check()  # a chunk of zeros is not written
    files[0].unlink()
    with pytest.raises(InputError, match=r"A1\.zarr/0/.*4[./]1[./].*: missing: nothing was written of time point 4"):
        frames.check()
    open_frames(path, ["circadian"]).check()


@pytest.mark.parametrize("writer", [ome_zarr, ome_zarr_04])
def test_a_damaged_chunk_is_found_when_it_is_decoded(tmp_path, writer):
    path = writer(tmp_path, recording())
    file = chunk(tmp_path / "A1.zarr", 4, 1)[0]
    file.write_bytes(file.read_bytes()[:20])
    frames = open_frames(path, NAMES)
    frames.read(3)
    with pytest.raises(InputError, match=r"A1\.zarr: time point 4: the image cannot be decoded, a chunk is damaged"):
        frames.read(4)


@pytest.mark.parametrize("kept", [0, 2**28])
def test_chunks_of_several_time_points_are_decoded_once_unless_they_are_large(tmp_path, monkeypatch, kept):
    monkeypatch.setattr(frame_zarr, "KEPT_BYTES", kept)
    images = recording(7)
    frames = open_frames(ome_zarr(tmp_path, images, "0.5", "tcyx", (3, 1, 40, 50)), NAMES)
    frames.check()
    read = zarr.Array.__getitem__
    counted = []
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, selection: counted.append(selection) or read(self, selection))
    for t in range(7):
        np.testing.assert_array_equal(frames.read(t), images[t])
    assert len(counted) == (3 if kept else 7)


def test_what_is_given_out_is_not_what_is_kept(tmp_path):
    images = recording(4)
    frames = open_frames(ome_zarr(tmp_path, images, "0.5", "tcyx", (2, 3, 40, 50)), NAMES)
    frames.read(0)[:] = 0
    np.testing.assert_array_equal(frames.read(0), images[0])


def test_shards(tmp_path):
    images = recording(6)
    path = ome_zarr(tmp_path, images, axes="tcyx")
    group = zarr.open_group(path, mode="a")
    del group["0"]
    group.create_array("0", data=images, chunks=(1, 1, 20, 25), shards=(2, 1, 40, 50))
    frames = open_frames(path, NAMES)
    frames.check()
    np.testing.assert_array_equal(frames.read(5), images[5])


def test_channels_without_names_are_taken_in_their_order(tmp_path):
    images = recording()
    path = ome_zarr_04(tmp_path, images)
    file, content = attributes(tmp_path / "A1.zarr")
    del content["omero"]
    file.write_text(json.dumps(content))
    np.testing.assert_array_equal(open_frames(path, ["x", "y", "z"]).read(1), images[1])
    with pytest.raises(InputError, match=r"3 channel\(s\) found, 2 expected"):
        open_frames(path, ["x", "y"])


def test_a_folder_of_images_is_told_from_an_image(tmp_path):
    zarr.create_group(tmp_path / "plate.zarr")
    ome_zarr(tmp_path / "plate.zarr/0", recording(1))
    with pytest.raises(InputError, match=r"plate\.zarr: no OME-Zarr image here .*; found the folders 0: name the folder of one image"):
        open_frames(tmp_path / "plate.zarr", NAMES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image: image.pop("axes"), "its metadata say no axes, as before OME-Zarr 0.3"),
        (lambda image: image["axes"].pop(), r"the metadata name the axes T, C, Y, the image has the shape \(6, 3, 40, 50\)"),
        (lambda image: image["axes"][0].update(name="depth", type="space"), "its metadata name an axis 'depth'; t, c, z, y and x are"),
        (lambda image: image["datasets"][0].update(path="9"), "its metadata name the image '9', which is not in this folder"),
    ],
)
def test_metadata_that_cannot_be_used(tmp_path, change, message):
    path = ome_zarr_04(tmp_path, recording())
    file, content = attributes(tmp_path / "A1.zarr")
    change(content["multiscales"][0])
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"A1\.zarr: .*" + message):
        open_frames(path, NAMES)


def test_metadata_that_are_no_json(tmp_path):
    path = ome_zarr(tmp_path, recording())
    (tmp_path / "A1.zarr/zarr.json").write_text("{")
    with pytest.raises(InputError, match=r"A1\.zarr: not readable as OME-Zarr"):
        open_frames(path, NAMES)


@pytest.mark.parametrize("shards", [(12, 3, 40, 50), (4, 1, 40, 50), (12, 3, 40, 100)])
@pytest.mark.parametrize("location", ["start", "end"])
def test_a_shard_that_was_filled_in_part(tmp_path, shards, location):
    images = recording(12)
    path = ome_zarr(tmp_path, images, axes="tcyx")
    group = zarr.open_group(path, mode="a")
    del group["0"]
    codec = zarr.codecs.ShardingCodec(chunk_shape=(1, 1, 20, 25), index_location=location)
    array = group.create_array("0", shape=images.shape, dtype="uint16", chunks=shards, serializer=codec, compressors=None, filters=None)
    array[:8] = images[:8]
    frames = open_frames(path, NAMES)
    with pytest.raises(InputError, match=r"A1\.zarr/0/c/.*: missing: nothing was written of time point 8\. To leave out .*, put 7 into"):
        frames.check()
    frames = open_frames(path, NAMES, last_image=7)
    frames.check()
    assert frames.n_frames == 8
    np.testing.assert_array_equal(frames.read(7), images[7])
    array[:] = images
    open_frames(path, NAMES).check()


def test_a_shard_that_is_cut_short(tmp_path):
    path = ome_zarr(tmp_path, recording(), axes="tcyx")
    group = zarr.open_group(path, mode="a")
    del group["0"]
    group.create_array("0", data=recording(), chunks=(1, 1, 20, 25), shards=(6, 3, 40, 50))
    file = next(file for file in (tmp_path / "A1.zarr/0/c").rglob("*") if file.is_file())
    whole = file.read_bytes()
    for kept in (whole[:50], whole[5000:], b""):
        file.write_bytes(kept)
        with pytest.raises(InputError, match=r"0/c/0/0/0/0: truncated"):
            open_frames(path, NAMES).check()


def test_parts_of_images_that_were_not_written_are_noted(tmp_path):
    path = ome_zarr_04(tmp_path, recording())
    chunk(tmp_path / "A1.zarr", 4, 1)[0].unlink()
    frames = open_frames(path, NAMES)
    frames.check()
    assert [note.split("zarr: ")[1] for note in frames.notes] == [
        "parts of the images of time point 4 were not written and are read as zeros"
    ]


@pytest.mark.parametrize(("said", "right"), [(".", "/"), ("/", ".")])
def test_a_wrong_separator_of_chunk_names(tmp_path, said, right):
    path = ome_zarr_04(tmp_path, recording())
    group = zarr.open_group(path, mode="a")
    del group["0"]
    key = {"name": "v2", "separator": right}
    group.create_array("0", data=recording(), chunks=(1, 1, 32, 32), chunk_key_encoding=key)
    open_frames(path, NAMES).check()
    file = tmp_path / "A1.zarr/0/.zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"dimension_separator": said}))
    right, said = (separator.join("0000") for separator in (right, said))
    with pytest.raises(InputError, match=rf"its chunks are named like {right}, but the metadata say {said}, .* dimension_separator"):
        open_frames(path, NAMES).check()


def changed_attributes(path, change):
    """The store with its metadata of the image changed."""
    group = zarr.open_group(path, mode="a")
    attrs = group.attrs.asdict()
    change(attrs.get("ome", attrs))
    group.attrs.put(attrs)
    return path


@pytest.mark.parametrize("writer", [ome_zarr, ome_zarr_04])
def test_axes_are_known_by_their_types_and_as_texts(tmp_path, writer):
    """Names are free where there is a type; in OME-Zarr 0.3 axes are texts."""
    images = recording(3)
    path = writer(tmp_path, images)
    names = {"t": "time", "c": "channel_index"}

    def renamed(ome):
        for axis in ome["multiscales"][0]["axes"]:
            axis["name"] = names.get(axis["name"], axis["name"])

    def as_texts(ome):
        ome["multiscales"][0]["axes"] = [
            axis["type"][0] if axis["type"] != "space" else axis["name"] for axis in ome["multiscales"][0]["axes"]
        ]

    for change in (renamed, as_texts):
        frames = open_frames(changed_attributes(path, change), NAMES)
        np.testing.assert_array_equal(frames.read(2), images[2])


def test_levels_that_begin_with_a_small_one_and_a_second_image(tmp_path):
    path = ome_zarr_04(tmp_path, recording(3))
    zarr.open_group(path, mode="a").create_array("1", shape=(3, 3, 20, 25), dtype="uint16")[:] = 1
    changed_attributes(path, lambda ome: ome["multiscales"].append(ome["multiscales"][0] | {"name": "labels"}))
    assert any(
        note.endswith("describe 2 images (without a name, labels), of which the first is read") for note in open_frames(path, NAMES).notes
    )
    changed_attributes(path, lambda ome: ome["multiscales"][0]["datasets"].insert(0, {"path": "1"}))
    with pytest.raises(
        InputError, match=r"the first level of its metadata, 1, has the shape \(3, 3, 20, 25\), a later one .* must stand first"
    ):
        open_frames(path, NAMES)
