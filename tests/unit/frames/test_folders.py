"""Files per time point and channel: names, time points that are missing, channels that are unlike each other."""

import re
import shutil

import imagecodecs
import numpy as np
import pytest
import tifffile
from toy_frames import NAMES, channel_files, channel_folders, channel_stacks, colour_pngs, recording

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import check_frames


def plane(value: int = 1, shape=(20, 30), dtype="uint16") -> np.ndarray:
    return np.full(shape, value, dtype)


def test_time_points_are_numbers_whatever_their_digits(tmp_path):
    for t in (8, 9, 10, 11):
        for name in ("GFP", "RFP"):
            tifffile.imwrite(tmp_path / f"2024-05-01_w1{name}_s2_t{t}.TIF", plane(t))
    tifffile.imwrite(tmp_path / "2024-05-01_w1GFP_s2_thumb.TIF", plane())
    frames = open_frames(tmp_path / "2024-05-01_w1{channel}_s2_t{time}.TIF", ["GFP", "RFP"])
    frames.check()
    assert [int(frames.read(t)[1, 0, 0]) for t in range(frames.n_frames)] == [8, 9, 10, 11]


def channels_of_different_length(folder, kind):
    """Channel a with ten images, channel b with seven."""
    for name, n_frames in (("a", 10), ("b", 7)):
        images = np.random.default_rng(1).integers(1, 99, (n_frames, 20, 30)).astype("uint16")
        if kind == "{channel}.tif":
            tifffile.imwrite(folder / f"{name}.tif", images, imagej=True, metadata={"axes": "TYX"})
            continue
        for t, image in enumerate(images):
            file = folder / f"{name}/t{t:02d}.tif"
            file.parent.mkdir(exist_ok=True)
            tifffile.imwrite(file, image)
    return str(folder / kind)


@pytest.mark.parametrize("kind", ["{channel}.tif", "{channel}/t{time}.tif", ""])
def test_channels_of_different_length_are_used_as_far_as_the_sheet_says(tmp_path, kind):
    images = channels_of_different_length(tmp_path, kind)
    words = (
        "7 time points found, 10 expected" if kind == "{channel}.tif" else r"t07.tif: this frame of channel b is missing.* 3 time points"
    )
    with pytest.raises(InputError, match=f"{words}.*put 6 into the column last_image"):
        open_frames(images, ["a", "b"])
    frames = open_frames(images, ["a", "b"], last_image=6)
    frames.check()
    assert frames.n_frames == 7
    assert frames.read(6).shape == (2, 20, 30)
    with pytest.raises(InputError, match=r"b.*: last_image is 7, the recording has the frames 0 to 6"):
        open_frames(images, ["a", "b"], last_image=7)


def test_a_frame_that_a_channel_lacks_before_last_image(tmp_path):
    images = channels_of_different_length(tmp_path, "{channel}/t{time}.tif")
    (tmp_path / "a/t03.tif").unlink()
    with pytest.raises(InputError, match=r"a/t03.tif: this frame of channel a is missing: t03.tif is there$"):
        open_frames(images, ["a", "b"], last_image=5)


@pytest.mark.parametrize("stack", [False, True])
def test_colours_of_images_that_the_sheet_leaves_out_do_not_count(tmp_path, stack):
    images = np.random.default_rng(1).integers(1, 99, (6, 20, 30, 3)).astype("uint16")
    images[:4, :, :, 2] = 0
    for t, image in enumerate(images):
        tifffile.imwrite(tmp_path / f"t{t}.tif", image, photometric="rgb")
    tifffile.imwrite(tmp_path / "all.tiff", images, photometric="rgb")
    path = tmp_path / "all.tiff" if stack else tmp_path / "t{time}.tif"
    with pytest.raises(InputError, match="not zero throughout: red, green, blue"):
        open_frames(path, ["a", "b"])
    frames = open_frames(path, ["a", "b"], last_image=3)
    frames.check()
    np.testing.assert_array_equal(frames.read(3), np.moveaxis(images[3, :, :, :2], 2, 0))


@pytest.mark.parametrize("pattern", ["{folder}/A1_{{channel}}_{{time}}.tif", "{folder}/A1_G_{{time}}.tif"])
def test_times_of_day_as_an_incucyte_writes_them(tmp_path, pattern):
    times = ["00d23h30m", "01d00h00m", "01d00h30m"]
    for time in times:
        tifffile.imwrite(tmp_path / f"A1_G_{time}.tif", plane())
    frames = open_frames(pattern.format(folder=tmp_path), ["G"])
    frames.check()
    assert frames.n_frames == 3
    assert open_frames(tmp_path, ["G"]).n_frames == 3
    tifffile.imwrite(tmp_path / "A1_G_01d01h30m.tif", plane())
    with pytest.raises(InputError, match=r"A1_G_01d01h00m\.tif: this frame is missing: A1_G_01d00h30m\.tif is followed by"):
        open_frames(pattern.format(folder=tmp_path), ["G"]).check()


def test_the_dummy_page_of_an_incucyte_is_passed_over(tmp_path):
    with tifffile.TiffWriter(tmp_path / "A1_G_00d00h00m.tif") as writer:
        writer.write(plane(7), photometric="minisblack")
        writer.write(plane(0, (1, 1)), photometric="minisblack")
    frames = open_frames(tmp_path / "A1_{channel}_{time}.tif", ["G"])
    frames.check()
    assert frames.read(0).shape == (1, 20, 30)
    assert frames.read(0).max() == 7


@pytest.mark.parametrize(("writer", "lost"), [(channel_files, "A1_p53_t3.tif"), (channel_folders, "p53/img_0003.tif")])
def test_a_time_point_that_one_channel_lacks(tmp_path, writer, lost):
    images = writer(tmp_path / "files", recording())
    (tmp_path / "files" / lost).unlink()
    with pytest.raises(InputError, match=rf"{re.escape(lost)}: this frame of channel p53 is missing: .*0*3\.tif is there"):
        open_frames(images, NAMES)


def test_a_last_time_point_that_one_channel_lacks(tmp_path):
    images = channel_files(tmp_path / "files", recording())
    (tmp_path / "files/A1_cell_cycle_t5.tif").unlink()
    with pytest.raises(InputError, match=r"A1_cell_cycle_t5\.tif: this frame of channel cell_cycle is missing"):
        open_frames(images, NAMES)


def test_a_time_point_that_all_channels_lack(tmp_path):
    images = channel_files(tmp_path / "files", recording())
    for name in NAMES:
        (tmp_path / f"files/A1_{name}_t3.tif").unlink()
    with pytest.raises(InputError, match=r"A1_circadian_t3\.tif: this frame is missing: A1_circadian_t2\.tif is followed by"):
        open_frames(images, NAMES).check()


def files_of_times(folder, times, kind):
    """One image per time point, called by the texts of ``times``; what opens them."""
    for time in times:
        for label in ("GFP", "RFP"):
            file = folder / kind.replace("{channel}", label).replace("{time}", time)
            file.parent.mkdir(exist_ok=True)
            tifffile.imwrite(file, np.random.default_rng(len(time)).integers(1, 99, (20, 30)).astype("uint16"))
    return (str(folder / kind), ["GFP", "RFP"]) if "{channel}" in kind else (folder, ["GFP", "RFP"] if "/" in kind else ["GFP"])


@pytest.mark.parametrize("kind", ["t{time}.tif", "GFP/t{time}.tif", "{channel}_t{time}.tif", "{channel}/{time}.tif"])
@pytest.mark.parametrize(
    ("times", "said"),
    [
        (("002", "003", "004"), "002"),
        (("100", "105", "110"), "100"),
        (("00d00h30m", "00d01h00m", "00d01h30m"), "00d00h30m"),
        (("000", "001", "002"), None),
        (("1", "2", "3"), None),
        (("00d00h00m", "00d00h30m"), None),
        (("7",), None),
    ],
)
def test_images_that_are_missing_at_the_start(tmp_path, kind, times, said, capsys):
    images, names = files_of_times(tmp_path, times, kind)
    if kind == "GFP/t{time}.tif":  # a subfolder for each channel
        files_of_times(tmp_path, times, "RFP/t{time}.tif")
    frames = open_frames(images, names)
    check_frames(frames)
    notes = [note for note in frames.notes if "the first image" in note]
    assert len(notes) == (said is not None)
    if said is not None:
        words = f"{frames.where(0)}: the first image is time point {said} and counts as frame 0: are images missing at the start?"
        assert notes == [words]
        assert f"WARNING: {words}\n" in capsys.readouterr().err


def test_an_8_bit_channel_beside_a_16_bit_one_keeps_its_counts(tmp_path):
    for t in range(3):
        tifffile.imwrite(tmp_path / f"phase_{t}.tif", plane(200 + t, dtype="uint8"))
        tifffile.imwrite(tmp_path / f"red_{t}.tif", plane(3000 + t))
    frames = open_frames(tmp_path / "{channel}_{time}.tif", ["phase", "red"])
    frames.check()
    assert frames.dtype == np.dtype("uint16")
    assert frames.read(2)[:, 0, 0].tolist() == [202, 3002]


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (plane(1, (40, 51)), "40 x 51 pixels found, 40 x 50 expected as in A1_p53_t0.tif"),
        (plane(1, (40, 50), "uint8"), "pixel type uint8 found, uint16 expected as in A1_p53_t0.tif"),
        (plane(1, (40, 50), "float32"), "pixel type float32 found .*8 or 16 bit unsigned expected"),
        (plane(1, (40, 50, 3)), r"3 channel\(s\) found, 1 expected \(p53\)"),
    ],
)
def test_a_file_unlike_the_others_is_named(tmp_path, odd, message):
    images = channel_files(tmp_path / "files", recording())
    tifffile.imwrite(tmp_path / "files/A1_p53_t3.tif", odd, photometric="rgb" if odd.ndim == 3 else "minisblack")
    frames = open_frames(images, NAMES)
    with pytest.raises(InputError, match=r"A1_p53_t3\.tif: " + message):
        frames.check()
    with pytest.raises(InputError, match=r"A1_p53_t3\.tif: " + message):
        frames.read(3)


def test_channels_of_different_size_or_length(tmp_path):
    images = channel_stacks(tmp_path / "files", recording())
    tifffile.imwrite(tmp_path / "files/p53.tif", recording(5, 1)[:, 0], photometric="minisblack")
    with pytest.raises(InputError, match=r"p53\.tif: 5 time points found, 6 expected as in .*circadian\.tif"):
        open_frames(images, NAMES)
    tifffile.imwrite(tmp_path / "files/p53.tif", recording(6, 1, (40, 51))[:, 0], photometric="minisblack")
    with pytest.raises(InputError, match=r"p53\.tif: 40 x 51 pixels found, 40 x 50 expected as in .*circadian\.tif"):
        open_frames(images, NAMES)


def test_no_file_fits_the_pattern(tmp_path):
    channel_files(tmp_path / "files", recording(1))
    with pytest.raises(InputError, match=r"no file of a channel 'p53' with this name; found in .*files: A1_cell_cycle_t0\.tif, .*"):
        open_frames(tmp_path / "files/B1_{channel}_t{time}.tif", ["p53"])
    with pytest.raises(InputError, match=r"no file with this name; there is no folder .*nowhere"):
        open_frames(tmp_path / "nowhere/t{time}.tif", ["p53"])


def test_two_files_of_one_time_point(tmp_path):
    tifffile.imwrite(tmp_path / "p53_1.tif", plane())
    tifffile.imwrite(tmp_path / "p53_01.tif", plane())
    with pytest.raises(InputError, match=r"p53_1\.tif: time point 1, as in p53_01\.tif; expected one file per time point and channel"):
        open_frames(tmp_path / "{channel}_{time}.tif", ["p53"])


def test_names_with_signs_that_mean_something_in_patterns(tmp_path):
    folder = tmp_path / "a[1] (x+y)"
    folder.mkdir()
    tifffile.imwrite(folder / "p53_1.tif", plane(5))
    assert open_frames(folder / "{channel}_{time}.tif", ["p53"]).read(0).max() == 5


def test_a_folder_with_tiff_and_png_files(tmp_path):
    images = colour_pngs(tmp_path / "files", recording(2))
    tifffile.imwrite(tmp_path / "files/t002.tif", plane())
    with pytest.raises(InputError, match="1 TIFF and 2 PNG files found, one kind expected"):
        open_frames(images, NAMES)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5, 0.95, 0.999])
def test_a_png_that_is_cut_short(tmp_path, fraction):
    images = colour_pngs(tmp_path / "files", recording())
    file = tmp_path / "files/t003.png"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * fraction)])
    frames = open_frames(images, NAMES)
    for look in (frames.check, lambda: frames.read(3)):
        with pytest.raises(InputError, match=r"t003\.png: (truncated|not readable as PNG)"):
            look()


def test_a_png_with_damaged_pixels_and_pngs_of_other_kinds(tmp_path):
    images = colour_pngs(tmp_path / "files", recording())
    file = tmp_path / "files/t003.png"
    raw = bytearray(file.read_bytes())
    raw[60:2000] = b"\xff" * 1940
    file.write_bytes(bytes(raw))
    frames = open_frames(images, NAMES)
    with pytest.raises(InputError, match=r"t003\.png: the image cannot be decoded"):
        frames.read(3)
    file.write_bytes(imagecodecs.png_encode(np.zeros((40, 50, 4), "uint8")))
    with pytest.raises(InputError, match=r"t003\.png: a PNG with colours with transparency found, grey or red, green, blue expected"):
        frames.check()


def test_a_real_incucyte_recording(shared_folder):
    folder = shared_folder / "data/hcc1143_incucyte_30min"
    frames = open_frames(folder / "HC01501_{channel}_B2_1_{time}.tif", ["phase", "nuclei", "cell_cycle"], ["P", "R", "G"])
    frames.check()
    assert (frames.n_frames, frames.shape, frames.dtype) == (11, (1040, 1408), np.dtype("uint16"))
    image = frames.read(3)
    for found, label in zip(image, "PRG", strict=True):
        page = tifffile.TiffFile(folder / f"HC01501_{label}_B2_1_00d01h30m.tif").pages[0]
        np.testing.assert_array_equal(found, page.asarray())
    assert image[0].max() <= 255
    with pytest.raises(InputError, match=r"channels found: G \(11 files\), P \(11 files\), R \(11 files\)"):
        open_frames(folder / "HC01501_{channel}_B2_1_{time}.tif", ["phase"])
    with pytest.raises(InputError, match="give images as a pattern"):
        open_frames(folder, ["P", "R", "G"])


def test_hidden_folders_are_no_channels(tmp_path):
    images = channel_folders(tmp_path / "files", recording(2))
    shutil.copytree(tmp_path / "files/p53", tmp_path / "files/.trash")
    with pytest.raises(InputError, match="no subfolder named 'trash' for a channel; found: cell_cycle, circadian, p53"):
        open_frames(images, ["trash"])


def test_times_of_a_clock_that_do_not_come_in_constant_steps(tmp_path):
    for minutes in (0, 30, 61, 90, 120, 150):
        tifffile.imwrite(tmp_path / f"A1_00d{minutes // 60:02d}h{minutes % 60:02d}m.tif", plane(1), photometric="minisblack")
    with pytest.raises(InputError, match=r"A1_00d01h01m\.tif: the time points do not come in constant steps: from .* it is 31 minutes"):
        open_frames(tmp_path / "A1_{time}.tif", ["p53"]).check()


def test_what_file_browsers_leave_is_no_image_and_is_not_listed(tmp_path):
    images = recording()
    folder = tmp_path / "files"
    path = channel_folders(folder, images)
    for where in (folder, folder / "p53"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._img_0001.tif", "Icon\r"):
            (where / name).write_bytes(b"not an image")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX/img_0001.tif").write_bytes(b"not an image")
    frames = open_frames(path, NAMES)
    frames.check()
    np.testing.assert_array_equal(frames.read(3), images[3])
    with pytest.raises(InputError, match=r"no subfolder named 'x' .* found: cell_cycle, circadian, p53\. Give"):
        open_frames(path, ["x"])
    for file in (folder / "p53").glob("img*"):
        file.unlink()
    with pytest.raises(InputError, match="p53: no TIFF or PNG file in this folder; found nothing, expected"):
        open_frames(path, NAMES)


def test_a_path_that_is_not_there_shows_what_is(tmp_path):
    channel_files(tmp_path / "files", recording(1))
    with pytest.raises(InputError, match=r"nowhere/b: no such folder or file of images; found in .*: files"):
        open_frames(tmp_path / "nowhere/b", ["p53"])
    (tmp_path / "a.tif").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.tif: an empty file of 0 bytes"):
        open_frames(tmp_path / "a.tif", ["p53"])
    (tmp_path / "m.zarr").mkdir()
    with pytest.raises(InputError, match=r"m\.zarr: no OME-Zarr: neither \.zattrs nor zarr\.json .* found nothing"):
        open_frames(tmp_path / "m.zarr", ["p53"])


def test_a_file_per_time_point_that_holds_many_images_behind_one_page(tmp_path):
    for t in range(3):
        tifffile.imwrite(tmp_path / f"t{t}.tif", recording(5, 1)[:, 0], imagej=True, metadata={"axes": "TYX"}, truncate=True)
    with pytest.raises(InputError, match=r"t0\.tif: 5 images found in the file by its ImageJ metadata, one per time point"):
        open_frames(tmp_path, ["p53"])
