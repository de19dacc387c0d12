"""TIFF files whose metadata and pages may disagree: channels never become time points, no frame is cut off, no other file is opened."""

import re

import numpy as np
import pytest
import tifffile
from toy_frames import NAMES, hyperstack, ome_tiff, recording

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames

UUID = "urn:uuid:00000000-0000-4000-8000-{:012d}"


def ome_text(images, place, own=None, order="XYCZT", samples=1) -> str:
    """OME metadata of ``images`` (T, C, H, W): ``place`` gives file name (or None), UUID (or None) and page of a time and channel."""
    n_frames, n_channels, height, width = images.shape
    blocks = []
    for t in range(n_frames):
        for c in range(n_channels // samples):
            name, uuid, page = place(t, c)
            inside = "" if uuid is None else f"<UUID{f' FileName={name!r}' if name else ''}>{uuid}</UUID>"
            blocks.append(f'<TiffData FirstT="{t}" FirstC="{c}" FirstZ="0" IFD="{page}" PlaneCount="1">{inside}</TiffData>')
    channels = "".join(f'<Channel ID="Channel:0:{c}" Name="{NAMES[c]}" SamplesPerPixel="{samples}"/>' for c in range(n_channels // samples))
    sizes = f'SizeX="{width}" SizeY="{height}" SizeZ="1" SizeC="{n_channels}" SizeT="{n_frames}"'
    return (
        f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"{f" UUID={own!r}" if own else ""}><Image ID="Image:0">'
        f'<Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint16" {sizes}>{channels}{"".join(blocks)}</Pixels></Image></OME>'
    )


def write_pages(path, pages, description) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for number, page in enumerate(pages):
            tiff.write(page, photometric="minisblack", description=None if number else description.encode(), metadata=None)


def write_set(folder, images, prefix="movie", first=1) -> None:
    """One file per channel, each with the metadata of all."""
    folder.mkdir(exist_ok=True)
    for own in range(images.shape[1]):
        text = ome_text(images, lambda t, c: (f"{prefix}_C{c}.ome.tif", UUID.format(c + first), t), UUID.format(own + first))
        write_pages(folder / f"{prefix}_C{own}.ome.tif", images[:, own], text)


def assert_reads(frames, images) -> None:
    frames.check()
    assert frames.n_frames == len(images)
    for t, image in enumerate(images):
        np.testing.assert_array_equal(frames.read(t), image)


@pytest.mark.parametrize("named", [0, 1, 2])
def test_a_set_of_files_is_read_from_any_of_them(tmp_path, named):
    images = recording()
    write_set(tmp_path, images)
    assert_reads(open_frames(tmp_path / f"movie_C{named}.ome.tif", NAMES), images)
    assert_reads(open_frames(tmp_path / f"movie_C{named}.ome.tif", ["p53"]), images[:, 1:2])


def test_a_file_per_channel_whose_name_gives_the_channel(tmp_path):
    images = recording()
    write_set(tmp_path, images)
    assert_reads(open_frames(tmp_path / "movie_C{channel}.ome.tif", ["c", "a"], ["2", "0"]), images[:, [2, 0]])


def test_a_file_of_a_set_that_was_renamed_is_known_by_its_uuid(tmp_path):
    images = recording()
    write_set(tmp_path, images)
    (tmp_path / "movie_C1.ome.tif").rename(tmp_path / "other.ome.tif")
    assert_reads(open_frames(tmp_path / "other.ome.tif", NAMES), images)
    with pytest.raises(InputError, match=r"movie_C0\.ome\.tif: a recording of 3 files, of which 1 are not beside it: movie_C1\.ome\.tif"):
        open_frames(tmp_path / "movie_C0.ome.tif", NAMES)


def test_a_file_that_was_renamed_beside_another_recording_is_not_opened_in_its_place(tmp_path):
    images = recording()
    write_set(tmp_path, images)
    write_set(tmp_path, images[::-1], "other", first=7)
    (tmp_path / "other_C1.ome.tif").replace(tmp_path / "movie_C1.ome.tif")
    frames = open_frames(tmp_path / "movie_C0.ome.tif", NAMES)
    with pytest.raises(InputError, match=r"movie_C1\.ome\.tif: a file of another recording.* its UUID is .*8\b.* movie_C0\.ome\.tif name"):
        frames.check()
    with pytest.raises(InputError, match=r"movie_C1\.ome\.tif: a file of another recording"):
        frames.read(3)


def test_a_file_of_a_set_alone_in_a_folder_is_refused_whatever_its_name(tmp_path):
    images = recording()
    write_set(tmp_path, images)
    (tmp_path / "alone").mkdir()
    (tmp_path / "movie_C1.ome.tif").rename(tmp_path / "alone/x.ome.tif")
    for channels in (["p53"], NAMES):
        with pytest.raises(InputError, match=r"x\.ome\.tif: a recording of 3 files, of which 2 are not beside it: movie_C0.*, movie_C2"):
            open_frames(tmp_path / "alone/x.ome.tif", channels)


@pytest.mark.parametrize("own", [None, UUID.format(1)])
def test_one_whole_file_that_was_renamed_is_read(tmp_path, own):
    images = recording()
    text = ome_text(images, lambda t, c: ("before.ome.tif", UUID.format(1), t * 3 + c), own)
    write_pages(tmp_path / "after.ome.tif", images.reshape(-1, 40, 50), text)
    assert_reads(open_frames(tmp_path / "after.ome.tif", ["p53"]), images[:, 1:2])


def test_metadata_of_another_file_are_refused(tmp_path):
    images = recording()
    text = ome_text(images, lambda t, c: ("before.ome.tif", UUID.format(1), t * 3 + c), UUID.format(2))
    write_pages(tmp_path / "after.ome.tif", images.reshape(-1, 40, 50), text)
    with pytest.raises(InputError, match=r"after\.ome\.tif: its OME metadata describe before\.ome\.tif, not this file"):
        open_frames(tmp_path / "after.ome.tif", ["p53"])


@pytest.mark.parametrize(("said", "n_pages"), [(8, 18), (4, 18), (6, 17), (6, 1)])
def test_ome_metadata_that_name_more_or_fewer_time_points_than_the_file_has(tmp_path, said, n_pages):
    images = recording(said)
    write_pages(tmp_path / "a.ome.tif", recording().reshape(-1, 40, 50)[:n_pages], ome_text(images, lambda t, c: (None, None, t * 3 + c)))
    numbers = f"{said} time points of 3 channel(s), which are {3 * said} images; {n_pages} page(s) are in the file; the sheet asks for 1 ch"
    with pytest.raises(InputError, match=re.escape(numbers)):
        open_frames(tmp_path / "a.ome.tif", ["p53"])


@pytest.mark.parametrize(
    "text",
    ["images=72\nchannels=3\nframes=24", "images=18\nchannels=3\nframes=6", "images=36\nchannels=3\nframes=6", "images=36\nframes=18"],
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_an_imagej_stack_whose_counts_disagree_with_its_pages(tmp_path, text, compression):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for number, page in enumerate(recording(12).reshape(-1, 40, 50)):
            text = f"ImageJ=1.53t\n{text}\nhyperstack=true\n" if number == 0 else None
            tiff.write(page, photometric="minisblack", description=text, metadata=None, compression=compression)
    with pytest.raises(InputError, match=r"a\.tif: its metadata say .* 36 page\(s\) are in the file; the sheet asks for 1 channel"):
        open_frames(tmp_path / "a.tif", ["p53"])


def test_metadata_of_tifffile_that_do_not_fit_the_pages(tmp_path):
    write_pages(tmp_path / "a.tif", recording().reshape(-1, 40, 50), '{"shape": [9, 4, 40, 50], "axes": "TCYX"}')
    with pytest.raises(InputError, match=r"a\.tif: its metadata say 9 time points of 4 .* 18 page\(s\) are in the file"):
        open_frames(tmp_path / "a.tif", ["p53"])


@pytest.mark.parametrize("writer", [hyperstack, ome_tiff])
def test_whole_files_are_read_as_before(tmp_path, writer):
    images = recording()
    assert_reads(open_frames(writer(tmp_path / "files", images), NAMES), images)


def companion_set(folder, images) -> None:
    """Files that refer to their metadata in a further file."""
    name = "movie_C{}.ome.tif".format
    for own in range(3):
        text = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{UUID.format(own + 1)}">'
            f'<BinaryOnly MetadataFile="movie.companion.ome" UUID="{UUID.format(9)}"/></OME>'
        )
        write_pages(folder / name(own), images[:, own], text)
    (folder / "movie.companion.ome").write_text(ome_text(images, lambda t, c: (name(c), UUID.format(c + 1), t), UUID.format(9)))


def test_a_companion_file_holds_the_metadata_of_its_set(tmp_path):
    images = recording()
    companion_set(tmp_path, images)
    assert_reads(open_frames(tmp_path / "movie_C1.ome.tif", NAMES), images)
    assert_reads(open_frames(tmp_path / "movie.companion.ome", NAMES), images)
    companion = tmp_path / "movie.companion.ome"
    companion.write_text(companion.read_text().replace(UUID.format(9), UUID.format(8)))
    with pytest.raises(InputError, match=r"movie\.companion\.ome: the metadata of another recording"):
        open_frames(tmp_path / "movie_C1.ome.tif", NAMES)
    companion.unlink()
    with pytest.raises(InputError, match=r"movie_C1\.ome\.tif: its metadata are in the file movie\.companion\.ome, which is not beside it"):
        open_frames(tmp_path / "movie_C1.ome.tif", ["p53"])


@pytest.mark.parametrize("text", ["<OME><Image></OME>", "<OME xmlns='x'><Image>&nothing;</Image></OME>", "<OME/>", "<OME><Image/></OME>"])
def test_damaged_ome_metadata(tmp_path, text):
    write_pages(tmp_path / "a.ome.tif", recording().reshape(-1, 40, 50), text)
    with pytest.raises(InputError, match=r"a\.ome\.tif: its OME metadata (are damaged|describe no image)"):
        open_frames(tmp_path / "a.ome.tif", ["p53"])


def test_names_of_fewer_channels_than_there_are(tmp_path):
    images = recording()
    text = ome_text(images, lambda t, c: (None, None, t * 3 + c)).replace(
        '<Channel ID="Channel:0:2" Name="cell_cycle" SamplesPerPixel="1"/>', ""
    )
    write_pages(tmp_path / "a.ome.tif", images.reshape(-1, 40, 50), text)
    with pytest.raises(InputError, match=r"a\.ome\.tif: the metadata name 2 channels \(circadian, p53\), the images have 3"):
        open_frames(tmp_path / "a.ome.tif", NAMES)


def test_a_set_of_more_files_than_are_open_at_a_time(tmp_path):
    images = recording(20)
    name = "p_{}_{}.ome.tif".format
    for t in range(20):
        for c in range(3):
            text = ome_text(images, lambda t, c: (name(t, c), UUID.format(3 * t + c), 0), UUID.format(3 * t + c))
            write_pages(tmp_path / name(t, c), images[t, c : c + 1], text)
    assert_reads(open_frames(tmp_path / name(0, 0), NAMES), images)
    (tmp_path / name(7, 1)).unlink()
    with pytest.raises(InputError, match=r"of 60 files, of which 1 are not beside it: p_7_1\.ome\.tif"):
        open_frames(tmp_path / name(0, 0), NAMES)
