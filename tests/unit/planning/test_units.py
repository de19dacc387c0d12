"""`cellfate check` holds the units of the sheet against what files say."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellfate.planning.checking.project import check_project

IMAGES = np.arange(6 * 8 * 9, dtype="uint16").reshape(6, 8, 9)
OME = {"axes": "TYX", "PhysicalSizeX": 0.65, "PhysicalSizeY": 0.65, "TimeIncrement": 5.0, "TimeIncrementUnit": "min"}
FIJI = {"axes": "TYX", "unit": "um", "finterval": 300.0, "tunit": "sec"}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_ome(path):
    tifffile.imwrite(path, IMAGES, ome=True, photometric="minisblack", metadata=OME)


def write_imagej(path):
    tifffile.imwrite(path, IMAGES, imagej=True, resolution=(1 / 0.65, 1 / 0.65), metadata=FIJI)


def write_bare(path):
    tifffile.imwrite(path, IMAGES, photometric="minisblack", metadata=None)


def checked(**cells):
    """The warnings about a sheet of one row."""
    row = {"recording": "a", "frame_interval_min": "5", "channels": "nuclei"} | cells
    Path("s.tsv").write_text("\t".join(row) + "\n" + "\t".join(row.values()) + "\n")
    found = check_project("s.tsv")
    assert found.problems == []
    return found.warnings


@pytest.mark.parametrize(("write", "name"), [(write_ome, "m.ome.tif"), (write_imagej, "m.tif")])
def test_units_of_the_sheet_against_those_of_files(write, name):
    write(name)
    assert checked(images=name, frame_interval_min="300", pixel_size_um="6.5") == [
        f"s.tsv: line 2: frame_interval_min is 300, but {name} says 5 min: seconds written as minutes?",
        f"s.tsv: line 2: pixel_size_um is 6.5, but {name} says 0.65 um",
    ]
    assert checked(images=name, pixel_size_um="650")[-1].endswith("says 0.65 um: nanometres written as micrometres?")
    assert checked(images=name, frame_interval_min="5.2", pixel_size_um="0.64") == []  # within 5 %
    assert checked(images=name) == []  # the pixel size is empty


def test_a_file_that_says_nothing_gives_no_warning():
    write_bare("m.tif")
    assert checked(images="m.tif", frame_interval_min="300", pixel_size_um="6.5") == []


def test_one_micrometre_is_a_default():
    tifffile.imwrite("m.tif", IMAGES, imagej=True, resolution=(1, 1), metadata=FIJI)
    assert checked(images="m.tif", pixel_size_um="0.65") == []


def test_channels_in_files_of_their_own_say_their_units_too():
    for name in ("red", "green"):
        write_ome(f"{name}.ome.tif")
    assert checked(images="{channel}.ome.tif", channels="red,green", pixel_size_um="1.3") == [
        "s.tsv: line 2: pixel_size_um is 1.3, but red.ome.tif says 0.65 um"
    ]


def test_times_in_names_and_of_trackmate():
    for number, image in enumerate(IMAGES):
        tifffile.imwrite(f"B2_00d{number // 2:02d}h{number % 2 * 30:02d}m.tif", image, photometric="minisblack")
    assert checked(images="B2_{time}.tif", frame_interval_min="15")[0].endswith("is 15, but B2_00d00h00m.tif says 30 min")
    assert checked(images="B2_{time}.tif", frame_interval_min="30") == []
    spots = "".join(f'<Spot ID="{i}" name="" FRAME="{i}" POSITION_X="3" POSITION_Y="3" POSITION_Z="0"/>' for i in range(6))
    edges = "".join(f'<Edge SPOT_SOURCE_ID="{i}" SPOT_TARGET_ID="{i + 1}"/>' for i in range(5))
    Path("t.xml").write_text(
        f'<TrackMate version="7"><Model spatialunits="pixel" timeunits="sec"><AllSpots><SpotsInFrame frame="0">{spots}</SpotsInFrame>'
        f'</AllSpots><AllTracks><Track TRACK_ID="0">{edges}</Track></AllTracks><FilteredTracks><TrackID TRACK_ID="0"/></FilteredTracks>'
        '</Model><Settings><ImageData pixelwidth="1.0" pixelheight="1.0" timeinterval="1800.0"/></Settings></TrackMate>'
    )
    tracks = {"images": "B2_{time}.tif", "tracks": "t.xml", "tracks_format": "trackmate"}
    assert not any("frame_interval_min" in line for line in checked(frame_interval_min="30", **tracks))
    found = [line for line in checked(frame_interval_min="0.5", **tracks) if "frame_interval_min" in line]
    assert [line.partition(", but ")[2] for line in found] == [
        "B2_00d00h00m.tif says 30 min: hours written as minutes?",
        "t.xml says 30 min: hours written as minutes?",
    ]


@pytest.mark.parametrize(("start", "warned"), [("0.41", False), ("0.42", True), ("25", True), ("-3", False), ("", False)])
def test_a_drug_after_the_last_frame(start, warned):
    write_bare("m.tif")
    found = checked(images="m.tif", treatment="drug", treatment_start_h=start)  # 6 frames, 5 min apart
    assert len(found) == warned
    assert all("no frame is under treatment" in line for line in found)


def test_movies_of_cells():
    rows = ["cell\tmovie\trecording\toutcome\tframe_interval_min\tchannels"]
    for cell, recording, interval in (("c1", "a", 300), ("c2", "a", 300), ("c3", "b", 5)):
        write_ome(f"{cell}.ome.tif")
        rows.append(f"{cell}\t{cell}.ome.tif\t{recording}\tmitosis\t{interval}\tnuclei")
    Path("c.tsv").write_text("\n".join(rows) + "\n")
    assert [line for line in check_project("c.tsv").warnings if "frame_interval_min" in line] == [
        "c.tsv: line 4: frame_interval_min is 5, the other row has 300: hours written as minutes?",
        "c.tsv: line 2: frame_interval_min is 300, but c1.ome.tif says 5 min: seconds written as minutes?",
    ]
