"""What is found in a folder: formats, names, metadata, and which tracks belong to which images."""

import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
import tifffile
import toy_frames
import zarr

from cellfate.base.errors import InputError
from cellfate.frames.formats import open_frames
from cellfate.recordings.discovery.folder import plain_names, survey_folder
from cellfate.recordings.discovery.metadata import (
    MICROMETRES,
    MINUTES,
    ImageMetadata,
    plain_unit,
    read_metadata,
    take_czi,
    take_imagej,
    take_micromanager,
    take_nd2,
    take_ome,
    take_zarr,
)
from cellfate.recordings.discovery.names import focal_planes, group_files
from cellfate.recordings.discovery.tracks import FoundTracks, assign, rename_after_videos, words_of

IMAGES = toy_frames.recording()


def patterns(*names, timed=True):
    groups = group_files([Path("d") / name for name in names], timed)
    return {group.pattern: {channel: sorted(files) for channel, files in group.files.items()} for group in groups}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["t000.tif", "t001.tif"], {"t{time}": {"": [0, 1]}}),
        (
            [f"A1_C{c}_T{t:03d}.tif" for c in (0, 1) for t in (1, 2)],
            {"A1_{channel}_T{time}": {"C0": [1, 2], "C1": [1, 2]}},
        ),
        (
            [f"s_t{t}_ch{c:02d}.tif" for c in (0, 1) for t in (0, 1)],
            {"s_t{time}_{channel}": {"ch00": [0, 1], "ch01": [0, 1]}},
        ),
        (
            [f"img_channel00{c}_position000_time00000000{t}_z000.tif" for c in (0, 1) for t in (0, 1)],
            {"img_{channel}_position000_time{time}_z000": {"channel000": [0, 1], "channel001": [0, 1]}},
        ),
        (
            [f"img_00000000{t}_{c}_000.tif" for c in ("GFP", "Phase") for t in (0, 1)],
            {"img_{time}_{channel}_000": {"GFP": [0, 1], "Phase": [0, 1]}},
        ),
        (
            [f"xy0{p}c{c}t00{t}.tif" for p in (1, 2) for c in (1, 2) for t in (1, 2)],
            {"xy01{channel}t{time}": {"c1": [1, 2], "c2": [1, 2]}, "xy02{channel}t{time}": {"c1": [1, 2], "c2": [1, 2]}},
        ),
        (
            [f"e_w{w}_s1_t{t}.TIF" for w in ("1Cy5", "2GFP") for t in (1, 2)],
            {"e_{channel}_s1_t{time}": {"w1Cy5": [1, 2], "w2GFP": [1, 2]}},
        ),
        (
            [f"HC_{c}_B{w}_1_00d0{h}h00m.tif" for c in "PG" for w in (2, 3) for h in (0, 1)],
            {"HC_{channel}_B2_1_{time}": {"P": [0, 60], "G": [0, 60]}, "HC_{channel}_B3_1_{time}": {"P": [0, 60], "G": [0, 60]}},
        ),
        (
            [f"A1_{c}_t{t}.tif" for c in toy_frames.NAMES for t in (0, 1)],
            {"A1_{channel}_t{time}": {"circadian": [0, 1], "p53": [0, 1], "cell_cycle": [0, 1]}},
        ),
        (
            [f"well{w}_t{t}.tif" for w in ("A1", "A2") for t in (0, 1)],
            {"wellA1_t{time}": {"": [0, 1]}, "wellA2_t{time}": {"": [0, 1]}},
        ),
    ],
)
def test_names_tell_time_channel_and_recording(names, expected):
    assert patterns(*names) == expected


def test_files_of_whole_recordings_have_no_time_in_their_names():
    names = ["wellA1_GFP.tif", "wellA1_phase.tif", "wellA2_GFP.tif", "wellA2_phase.tif"]
    assert set(patterns(*names, timed=False)) == {"wellA1_{channel}", "wellA2_{channel}"}


def test_focal_planes_are_seen_in_names():
    groups = group_files([Path(f"a_z00{z}_t{t}.tif") for z in (0, 1) for t in (0, 1)])
    assert focal_planes(groups) == ["z000", "z001"]
    assert focal_planes(group_files([Path(f"a_z000_t{t}.tif") for t in (0, 1)])) == []


@pytest.mark.parametrize("writer", [name for name in toy_frames.WRITERS if name != "colour_stack"])
def test_every_format_is_found_and_opens_as_the_recording_that_was_written(writer, tmp_path):
    toy_frames.WRITERS[writer](tmp_path / "data/A1", IMAGES)
    survey = survey_folder(tmp_path / "data")
    assert survey.not_used == []
    (found,) = survey.recordings
    assert (found.n_frames, found.shape, found.dtype, len(found.channels)) == (6, (40, 50), "uint16", 3)
    frames = open_frames(found.images, found.channels, found.labels)
    by_name = [toy_frames.NAMES.index(name) for name in found.channels] if found.named else [0, 1, 2]
    assert np.array_equal(frames.read(4), IMAGES[4][by_name])
    assert found.metadata.frame_interval_min is None
    assert found.metadata.pixel_size_um is None


def test_a_folder_for_each_recording_and_stacks_beside_one_another(tmp_path):
    for name in ("A1", "A2"):
        toy_frames.colour_tiffs(tmp_path / "d/frames" / name, IMAGES)
        toy_frames.channel_folders(tmp_path / "d/split" / f"B{name}", IMAGES)
        tifffile.imwrite(tmp_path / f"d/S_{name}.tif", IMAGES[:, 0], photometric="minisblack", metadata=None)
    found = {one.name: one for one in survey_folder(tmp_path / "d").recordings}
    assert sorted(found) == ["A1", "A2", "BA1", "BA2", "S_A1", "S_A2"]
    assert found["BA2"].channels == ["cell_cycle", "circadian", "p53"]
    assert found["S_A1"].n_frames == 6


def test_recordings_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for day in ("mon", "tue"):
        toy_frames.colour_tiffs(tmp_path / "d" / day / "A1" / "images", IMAGES)
    assert sorted(one.name for one in survey_folder(tmp_path / "d").recordings) == ["mon_A1", "tue_A1"]


def test_what_cannot_be_used_is_listed_with_its_reason(tmp_path):
    folder = tmp_path / "d"
    (folder / "float").mkdir(parents=True)
    for t in range(3):
        tifffile.imwrite(folder / f"float/t{t}.tif", np.zeros((8, 8), "float32"))
    tifffile.imwrite(folder / "z.tif", np.zeros((5, 8, 8), "uint16"), imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(folder / "alone.tif", np.zeros((8, 8), "uint16"))
    (folder / "notes.docx").write_text("x")
    (folder / "table.csv").write_text("a,b\n1,2\n")
    (folder / "x.json").write_text("{}")
    (folder / "x.xml").write_text("<Other/>")
    reasons = {path.name: reason for path, reason in survey_folder(folder).not_used}
    assert "8 or 16 bit unsigned expected" in reasons["float"]
    assert "5 focal planes" in reasons["z.tif"]
    assert "single image" in reasons["alone.tif"]
    assert reasons["notes.docx"] == "neither images nor tracks"
    assert "columns of tracks" in reasons["table.csv"]
    assert "not COCO-video" in reasons["x.json"]
    assert "<Other> found" in reasons["x.xml"]
    with pytest.raises(InputError, match="no such folder"):
        survey_folder(tmp_path / "none")


@pytest.mark.parametrize("unit", ["µm", "μm", "um", "micron", "microns", "Micrometer", "\\u00B5m", "\\u00b5m", "Âµm", "(µm)", "micrometre"])
def test_all_spellings_of_a_micrometre(unit):
    assert MICROMETRES[plain_unit(unit)] == 1


@pytest.mark.parametrize(
    ("unit", "minutes"),
    [("s", 1 / 60), ("sec", 1 / 60), ("seconds", 1 / 60), ("ms", 1 / 60000), ("min", 1), ("h", 60), ("hour", 60), ("µs", 1e-6 / 60)],
)
def test_all_spellings_of_a_time(unit, minutes):
    assert MINUTES[plain_unit(unit)] == pytest.approx(minutes)


@pytest.mark.parametrize("unit", [None, "", "pixel", "frame", "furlong"])
def test_a_value_without_a_known_unit_is_unknown_and_said_so(unit):
    metadata = ImageMetadata()
    metadata.take_pixel_size(1.0, unit, "OME")
    metadata.take_interval(1.0, unit, "OME")
    assert (metadata.pixel_size_um, metadata.frame_interval_min) == (None, None)
    assert len(metadata.notes) == 2
    assert all("unknown" in note for note in metadata.notes)


@pytest.mark.parametrize(("value", "unit"), [(0, "um"), (352.8, "um"), ("nan", "um"), (-1, "um"), (1, "m")])
def test_implausible_pixel_sizes_are_unknown(value, unit):
    metadata = ImageMetadata()
    metadata.take_pixel_size(value, unit, "x")
    assert metadata.pixel_size_um is None
    assert metadata.notes


def test_an_ome_tiff_tells_pixel_size_interval_and_channels(tmp_path):
    metadata = {
        "axes": "TCYX", "PhysicalSizeX": 650, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 650, "PhysicalSizeYUnit": "nm",
        "TimeIncrement": 900, "TimeIncrementUnit": "s", "Channel": {"Name": ["mCherry", "GFP 488", "BF"]},
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", IMAGES, photometric="minisblack", metadata=metadata)
    (found,) = survey_folder(tmp_path).recordings
    assert (found.name, found.kind) == ("a", "OME-TIFF")
    assert (found.metadata.pixel_size_um, found.metadata.frame_interval_min) == (0.65, 15)
    assert (found.channels, found.labels) == (["mCherry", "GFP_488", "BF"], ["mCherry", "GFP 488", "BF"])


OME = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image><Pixels {}>{}</Pixels></Image></OME>'


def ome(attributes, planes=()):
    inner = "".join(f'<Plane TheC="0" TheZ="0" TheT="{t}" DeltaT="{time}" DeltaTUnit="min"/>' for t, time in enumerate(planes))
    metadata = ImageMetadata()
    take_ome(ElementTree.fromstring(OME.format(attributes, inner)), metadata)
    return metadata


def test_times_of_ome_planes_give_the_interval():
    assert ome("", [0, 15.1, 30, 45]).frame_interval_min == pytest.approx(15, abs=0.2)
    uneven = ome("", [0, 15, 45, 60])
    assert uneven.frame_interval_min == 15
    assert "vary from 15 to 30 min" in uneven.notes[0]


def test_ome_without_values_leaves_everything_unknown():
    assert ome("") == ImageMetadata()
    assert ome('TimeIncrement="0.0"').frame_interval_min is None
    assert "implausible" in ome('TimeIncrement="0.0"').notes[0]
    assert ome('PhysicalSizeX="0.5" PhysicalSizeY="0.9"').pixel_size_um is None


def test_two_statements_that_differ_are_unknown():
    metadata = ome('TimeIncrement="60" TimeIncrementUnit="s"', [0, 15, 30])
    assert metadata.frame_interval_min is None
    assert "they differ" in metadata.notes[0]


def test_one_micrometre_exactly_is_taken_with_a_note():
    metadata = ome('PhysicalSizeX="1.0" PhysicalSizeXUnit="µm"')
    assert metadata.pixel_size_um == 1
    assert "only a program's default" in metadata.notes[0]


def test_an_imagej_hyperstack_tells_pixel_size_and_interval(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGES, imagej=True, resolution=(2, 2), metadata={"axes": "TCYX", "unit": "\\u00B5m", "finterval": 600})
    metadata = read_metadata(path)
    assert (metadata.pixel_size_um, metadata.frame_interval_min) == (0.5, 10)


def test_imagej_reads_its_own_unit_of_time_and_never_the_speed_of_playing():
    metadata = ImageMetadata()
    take_imagej({"unit": "pixel", "fps": 7, "finterval": 15, "tunit": "min"}, (1, 1), metadata)
    assert (metadata.pixel_size_um, metadata.frame_interval_min) == (None, 15)
    only_fps = ImageMetadata()
    take_imagej({"unit": "micron", "fps": 7, "finterval": 0}, (0.65, 0.65), only_fps)
    assert (only_fps.pixel_size_um, only_fps.frame_interval_min) == (0.65, None)
    assert "frame interval of 0" in only_fps.notes[0]


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_a_resolution_for_printing_is_no_pixel_size(dpi, tmp_path):
    tifffile.imwrite(tmp_path / "t.tif", np.zeros((8, 8), "uint16"), resolution=(dpi, dpi), resolutionunit="INCH", metadata=None)
    metadata = read_metadata(tmp_path / "t.tif")
    assert metadata.pixel_size_um is None
    assert f"{dpi} per inch" in metadata.notes[0]


def test_pixels_per_centimetre_of_a_microscope_are_a_pixel_size(tmp_path):
    tifffile.imwrite(tmp_path / "t.tif", np.zeros((8, 8), "uint16"), resolution=(20000, 20000), resolutionunit="CENTIMETER", metadata=None)
    assert read_metadata(tmp_path / "t.tif").pixel_size_um == 0.5


def zarr_metadata(**changes):
    axes = [{"name": "t", "type": "time", "unit": "minute"}, {"name": "y"}, {"name": "x", "type": "space", "unit": "micrometer"}]
    image = {"axes": axes, "datasets": [{"coordinateTransformations": [{"type": "scale", "scale": [1, 0.3, 0.3]}]}]} | changes
    metadata = ImageMetadata()
    take_zarr({"multiscales": [image]}, metadata)
    return metadata


def test_ome_zarr_scales_of_level_and_image_are_multiplied():
    metadata = zarr_metadata(coordinateTransformations=[{"type": "scale", "scale": [15, 1, 1]}])
    assert (metadata.pixel_size_um, metadata.frame_interval_min) == (0.3, 15)
    unitless = zarr_metadata(axes=[{"name": name} for name in "tyx"])
    assert unitless.pixel_size_um is None
    assert "not a known unit" in unitless.notes[0]


def test_an_ome_zarr_with_scales(tmp_path):
    path = Path(toy_frames.ome_zarr(tmp_path / "d", IMAGES))
    group = zarr.open_group(path)
    attributes = group.attrs["ome"]
    axes = attributes["multiscales"][0]["axes"]
    for axis in axes:
        axis |= {"t": {"unit": "second"}, "x": {"unit": "micrometer"}}.get(axis["name"], {})
    scale = [{"t": 900.0, "x": 0.65}.get(axis["name"], 1.0) for axis in axes]
    attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] = scale
    group.attrs["ome"] = attributes
    (found,) = survey_folder(tmp_path / "d").recordings
    assert (found.metadata.pixel_size_um, found.metadata.frame_interval_min) == (0.65, 15)
    assert (found.name, found.channels) == ("A1", toy_frames.NAMES)


def test_metadata_of_micro_manager_nd2_and_czi():
    metadata = ImageMetadata()
    take_micromanager(json.dumps({"Summary": {"PixelSize_um": 0.325, "Interval_ms": 300000, "ChNames": ["BF", "GFP"]}}), metadata)
    assert (metadata.pixel_size_um, metadata.frame_interval_min, metadata.channels) == (0.325, 5, ["BF", "GFP"])
    loop = SimpleNamespace(type="TimeLoop", parameters=SimpleNamespace(periodMs=600000.0))
    channels = [SimpleNamespace(channel=SimpleNamespace(name="DAPI"))]
    file = SimpleNamespace(voxel_size=lambda: SimpleNamespace(x=0.11), experiment=[loop], metadata=SimpleNamespace(channels=channels))
    nd2 = ImageMetadata()
    take_nd2(file, nd2)
    assert (nd2.pixel_size_um, nd2.frame_interval_min, nd2.channels) == (0.11, 10, ["DAPI"])
    dimensions = {"Channels": {"Channel": {"@Name": "EGFP"}}, "T": {"Positions": {"Interval": {"Increment": "1200"}}}}
    document = {
        "Scaling": {"Items": {"Distance": [{"@Id": "X", "Value": "3.25e-07"}]}},
        "Information": {"Image": {"Dimensions": dimensions}},
    }
    czi = ImageMetadata()
    take_czi({"ImageDocument": {"Metadata": document}}, czi)
    assert (czi.pixel_size_um, czi.frame_interval_min, czi.channels) == (0.325, 20, ["EGFP"])


def test_names_of_channels_fit_the_sheet():
    assert plain_names(["GFP 488", "µ", "GFP-488", "GFP/488"]) == ["GFP_488", "channel", "GFP-488", "GFP_488_2"]


def recordings(*names):
    return [SimpleNamespace(name=name, place=Path("d/frames") / name, notes=[]) for name in names]


def tracks(*paths):
    return [FoundTracks(Path("d/tracks") / path, "csv") for path in paths]


def sure(assignment):
    return {name: (found.path.name, how) for name, (found, how) in assignment.found.items()}


def test_tracks_of_the_same_name_are_sure():
    found = assign(tracks("A1_tracks.csv", "a10.csv"), recordings("A1", "A10"))
    assert sure(found) == {"A1": ("A1_tracks.csv", "same name"), "A10": ("a10.csv", "same name")}
    assert found.open == []


def test_a_name_within_a_name_is_taken_and_called_so():
    found = assign(tracks("plate3_A1.csv", "plate3_A10.csv"), recordings("A1", "A10"))
    assert sure(found) == {"A1": ("plate3_A1.csv", "name contained"), "A10": ("plate3_A10.csv", "name contained")}


def test_the_only_candidate_is_taken():
    assert sure(assign(tracks("export.csv"), recordings("A1"))) == {"A1": ("export.csv", "the only candidate")}


def test_order_alone_assigns_nothing():
    found = assign(tracks("x.csv", "y.csv"), recordings("A1", "A2"))
    assert found.found == {}
    assert "x.csv to A1, y.csv to A2. That is not sure" in found.open[-1]


def test_two_files_of_one_name_are_left_to_the_person():
    found = assign(tracks("A1.csv", "A1.xml"), recordings("A1", "A2"))
    assert found.found == {}
    assert "A1: several files may have its tracks: d/tracks/A1.csv, d/tracks/A1.xml" in found.open


def test_words_about_tracks_say_nothing_of_the_recording():
    assert words_of("B2_spots") == ("b2",)
    assert words_of("01_GT") == ("01",)
    assert words_of("Position_1_acdc_output") == ("position", "1")


TABLES_OF_TRACKS = {
    "a.csv": ("track_id,frame,y,x,parent_id", "csv"),
    "b.csv": ("track_id,t,y,x,probability_mitosis", "napari"),
    "c_spots.csv": ("LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,FRAME", "trackmate"),
    "e_acdc_output.csv": ("frame_i,time_seconds,Cell_ID,x_centroid,y_centroid,is_cell_dead,cell_cycle_stage", "cell-acdc"),
    "trajectories_f.csv": ("TRACK_ID,FRAME,POSITION_X,POSITION_Y,ID,class_id,class_death,t_death", "celldetective"),
    "d.csv": ("ID t x y z parent root state generation dummy", "btrack"),
}


def test_tables_of_tracks_are_known_by_their_columns(tmp_path):
    for name, (header, _) in TABLES_OF_TRACKS.items():
        (tmp_path / name).write_text(f"\ufeff{header}\n", encoding="utf-8")
    (tmp_path / "c_edges.csv").write_text("LABEL,SPOT_SOURCE_ID,SPOT_TARGET_ID\n")
    (tmp_path / "a_outcomes.csv").write_text("track_id,outcome,event_frame\n")
    (tmp_path / "alone_outcomes.csv").write_text("track_id,outcome,event_frame\n")
    survey = survey_folder(tmp_path)
    assert {one.path.name: one.tracks_format for one in survey.tracks} == {name: kind for name, (_, kind) in TABLES_OF_TRACKS.items()}
    assert [(path.name, reason.split(" (")[0]) for path, reason in survey.not_used] == [
        ("alone_outcomes.csv", "outcomes, but no tracks of the name alone")
    ]


def test_files_of_tracks_are_known_by_their_content(tmp_path):
    (tmp_path / "e.xml").write_text('<TrackMate version="7"><Model/></TrackMate>')
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_group("objects/obj_type_1")
        file.create_group("tracks/obj_type_1")
    zarr.create_group(tmp_path / "g.geff").attrs["geff"] = {"directed": True}
    annotations = {"videos": [{"id": 1, "name": "r1"}, {"id": 2, "name": "r2"}], "images": [], "annotations": []}
    (tmp_path / "h.json").write_text(json.dumps(annotations))
    (tmp_path / "ctc").mkdir()
    (tmp_path / "ctc/res_track.txt").write_text("")
    (tmp_path / "all.csv").write_text("recording,track_id,frame,y,x\nr1,1,0,2,3\nr2,1,0,2,3\n")
    found = {one.path.name: (one.tracks_format, one.recordings) for one in survey_folder(tmp_path).tracks}
    assert found == {
        "e.xml": ("trackmate", ()),
        "f.h5": ("btrack", ()),
        "g.geff": ("geff", ()),
        "h.json": ("coco-video", ("r1", "r2")),
        "ctc": ("ctc", ()),
        "all.csv": ("csv", ("r1", "r2")),
    }


def test_positions_in_one_table_are_its_recordings(tmp_path):
    header = "frame_i,Cell_ID,x_centroid,y_centroid,Position_n\n"
    (tmp_path / "two.csv").write_text(f"{header}0,1,3,2,Position_1\n0,1,3,2,Position_2\n")
    (tmp_path / "one.csv").write_text(f"{header}0,1,3,2,Position_1\n")
    found = {one.path.name: one.recordings for one in survey_folder(tmp_path).tracks}
    assert found == {"two.csv": ("Position_1", "Position_2"), "one.csv": ()}


def test_one_file_with_the_tracks_of_several_recordings_belongs_to_each():
    shared = FoundTracks(Path("d/all.json"), "coco-video", ("r1", "r2"))
    assert sure(assign([shared], recordings("r1", "r2", "r3"))) == {"r1": ("all.json", "same name"), "r2": ("all.json", "same name")}


def test_images_of_a_plate_are_recordings_and_links_in_a_circle_end(tmp_path):
    plate = tmp_path / "plate.zarr"
    zarr.create_group(plate).attrs["ome"] = {"version": "0.5", "plate": {}}
    for well in ("A1", "A2"):
        toy_frames.ome_zarr(tmp_path / well, IMAGES)
        (tmp_path / well / "A1.zarr").rename(plate / well)
        (tmp_path / well).rmdir()
    (tmp_path / "again").symlink_to(tmp_path)
    survey = survey_folder(tmp_path)
    assert [(one.name, one.images) for one in survey.recordings] == [("A1", str(plate / "A1")), ("A2", str(plate / "A2"))]


@pytest.mark.skipif(importlib.util.find_spec("nd2") is not None, reason="the package is installed")
def test_a_microscopes_file_without_its_package_is_listed_with_what_to_install(tmp_path):
    (tmp_path / "a.nd2").write_bytes(b"x")
    ((path, reason),) = survey_folder(tmp_path).not_used
    assert path.name == "a.nd2"
    assert "the package nd2 is needed" in reason


def test_numbers_on_wells_do_not_make_them_channels(tmp_path):
    for name in ("w1", "w2"):
        for t in range(3):
            (tmp_path / name).mkdir(exist_ok=True)
            tifffile.imwrite(tmp_path / name / f"t{t}.tif", IMAGES[t, 0], photometric="minisblack")
    assert [one.name for one in survey_folder(tmp_path).recordings] == ["w1", "w2"]


def test_an_ome_tiff_of_several_files_is_one_recording(tmp_path):
    tifffile.imwrite(tmp_path / "s.ome.tif", IMAGES[:, 0], photometric="minisblack", metadata={"axes": "TYX"})
    text = tifffile.TiffFile(tmp_path / "s.ome.tif").ome_metadata
    two = text.replace('<TiffData IFD="0" PlaneCount="6"/>', "".join(
        f'<TiffData FirstT="{t}" IFD="{t % 3}" PlaneCount="1"><UUID FileName="s_{t // 3}.ome.tif">urn:uuid:{t // 3}</UUID></TiffData>'
        for t in range(6)
    ))  # fmt: skip
    (tmp_path / "s.ome.tif").unlink()
    for part in (0, 1):
        images = IMAGES[3 * part : 3 * part + 3, 0]
        own = re.sub('UUID="[^"]*"', f'UUID="urn:uuid:{part}"', two, count=1)
        tifffile.imwrite(tmp_path / f"s_{part}.ome.tif", images, photometric="minisblack", description=own, metadata=None)
    survey = survey_folder(tmp_path)
    assert [(one.name, one.n_frames) for one in survey.recordings] == [("s_0", 6)]
    assert [(path.name, reason) for path, reason in survey.not_used] == [
        ("s_1.ome.tif", "a part of the OME-TIFF that begins with s_0.ome.tif")
    ]


def test_folders_of_the_cell_tracking_challenge_keep_their_numbers(tmp_path):
    for name in ("01", "02"):
        toy_frames.colour_tiffs(tmp_path / "Fluo" / name, IMAGES)
    assert [one.name for one in survey_folder(tmp_path).recordings] == ["01", "02"]


def test_a_recording_takes_the_name_that_its_tracks_give_it_unless_it_is_taken():
    named = [FoundTracks(Path(f"d/tracks/{name}.json"), "coco-video", (video,)) for name, video in (("a", "v1"), ("b", "v2"))]
    found, films = assign(named, recordings("a", "b")), recordings("a", "b")
    rename_after_videos(found, films)
    assert [film.name for film in films] == ["v1", "v2"]
    assert sorted(found.found) == ["v1", "v2"]
    taken = assign(named[:1], recordings("a", "v1"))
    assert sure(taken) == {"v1": ("a.json", "same name")}


def test_a_missing_frame_does_not_turn_channels_into_recordings(tmp_path):
    folder = Path(toy_frames.channel_folders(tmp_path / "d/A1", IMAGES))
    (folder / "p53/img_0002.tif").unlink()
    survey = survey_folder(tmp_path / "d")
    assert survey.recordings == []
    ((path, reason),) = survey.not_used
    assert path == folder
    assert "p53/img_0002.tif: this frame of channel p53 is missing" in reason
