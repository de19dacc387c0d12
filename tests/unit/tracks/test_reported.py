"""Files as users of trackers reported them to their makers: read right, or refused or warned of in words."""

import geff
import networkx as nx
import numpy as np
import pytest
import tifffile
import zarr

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts

FACTS = RecordingFacts("r", 6, (40, 50), 0.5, 30)


def check(path, tracks_format, text=None):
    if text is not None:
        path.write_text(text)
    return check_tracks(path, tracks_format, FACTS, 2)


def parents(checked) -> dict[int, int]:
    return checked.outcomes.dropna(subset="parent_id").set_index("track_id")["parent_id"].to_dict()


def test_lines_with_fewer_values_than_the_header_has_columns_are_named(tmp_path):
    checked = check(tmp_path / "t.csv", "csv", "track_id,frame,y,x,parent_id\n1,0,5,5\n\n1,1,5,5\n2,2,9,5,1\n")
    assert parents(checked) == {2: 1}
    assert f"{tmp_path / 't.csv'}: 2 lines have fewer values than the header has columns, the first: line 2" in checked.warnings


def test_a_header_that_is_longer_than_every_line_is_refused(tmp_path):
    """As napari-track-edit wrote it: values stand below other names than their own."""
    with pytest.raises(InputError, match=r"t.csv: line 2 has 5 values, the header has 7 columns, and no line has as many"):
        check(tmp_path / "t.csv", "napari", "track_id,t,y,x,a,b,parent\n1,0,5,5,\n2,2,5,5,1\n")


def test_empty_columns_at_the_end_of_a_header_are_passed_over(tmp_path):
    checked = check(tmp_path / "t.csv", "csv", "track_id,frame,y,x,,\n1,0,5,5,,\n1,1,5,5\n")
    assert checked.outcomes["n_frames"].tolist() == [2]
    assert not any("fewer values" in line for line in checked.warnings)


@pytest.mark.parametrize("tracks_format", ["csv", "napari"])
def test_a_column_without_a_name_that_counts_the_rows_is_passed_over(tmp_path, tracks_format):
    time = "frame" if tracks_format == "csv" else "t"
    checked = check(tmp_path / "t.csv", tracks_format, f",track_id,{time},y,x\n0,1,0,5,5\n1,1,1,5,5\n")
    assert checked.outcomes["n_frames"].tolist() == [2]
    with pytest.raises(InputError, match=r"t.csv: line 1: column 1 has no name, but values such as '7'"):
        check(tmp_path / "t.csv", tracks_format, f",track_id,{time},y,x\n7,1,0,5,5\n")


def test_a_header_as_numpy_writes_it(tmp_path):
    assert len(check(tmp_path / "t.csv", "napari", "# track_id,t,y,x\n1,0,5,5\n1,1,5,5\n").tracks) == 2


def test_mothers_that_are_no_tracks_of_the_table_are_named(tmp_path):
    checked = check(tmp_path / "t.csv", "csv", "track_id,frame,y,x,parent_id\n1,0,5,5,0\n2,2,9,5,11\n3,2,7,5,1\n")
    assert parents(checked) == {2: 11, 3: 1}
    said = "the mothers of 1 of 3 tracks are no tracks of this table, the first: line 3: parent_id of track 2 is 11"
    assert f"{tmp_path / 't.csv'}: {said}" in checked.warnings


def test_detections_before_tell_the_mother_in_tracks_of_two_frames_too(tmp_path):
    """As motile writes it: parent_id is the detection before, and changes within no track."""
    text = "t,y,x,id,parent_id,track_id\n0,5,5,11,,1\n1,5,6,12,11,1\n2,5,7,13,12,2\n2,9,7,14,12,3\n"
    assert parents(check(tmp_path / "t.csv", "napari", text)) == {2: 1, 3: 1}
    mothers = "t,y,x,id,parent_id,track_id\n0,5,5,1,,1\n1,5,6,2,,1\n2,5,7,3,1,2\n3,9,7,4,1,2\n"  # the same column with tracks in it
    assert parents(check(tmp_path / "t.csv", "napari", mothers)) == {2: 1}


def test_the_simple_export_of_trackmate(tmp_path):
    text = '<Tracks nTracks="1"><particle nSpots="1"><detection t="0" x="5" y="5" z="0"/></particle></Tracks>'
    with pytest.raises(InputError, match=r"t.xml: not a TrackMate file: .* <Tracks> found: the export of tracks alone; save the TrackMate"):
        check(tmp_path / "t.xml", "trackmate", text)


def test_spots_of_trackmate_in_several_planes_are_refused_as_everywhere(tmp_path):
    names = "ID,TRACK_ID,POSITION_X,POSITION_Y,POSITION_Z,FRAME\n"
    rows = f"{names}{names}{names},,(micron),(micron),(micron),\n1,0,5,6,0,0\n2,0,5,6,3,1\n"
    with pytest.raises(InputError, match=r"t_spots.csv: line 6: z is 3, 0 before: tracks in one plane are needed"):
        check(tmp_path / "t_spots.csv", "trackmate", rows)
    spot = '<SpotsInFrame frame="{0}"><Spot ID="{0}" FRAME="{0}" POSITION_X="2" POSITION_Y="3" POSITION_Z="{0}"/></SpotsInFrame>'
    model = f"<AllSpots>{spot.format(0)}{spot.format(1)}</AllSpots>"
    edges = '<AllTracks><Track TRACK_ID="0"><Edge SPOT_SOURCE_ID="0" SPOT_TARGET_ID="1"/></Track></AllTracks>'
    kept = '<FilteredTracks><TrackID TRACK_ID="0"/></FilteredTracks>'
    with pytest.raises(InputError, match=r"t.xml: spot 1: z is 1, 0 before"):
        check(tmp_path / "t.xml", "trackmate", f'<TrackMate><Model spatialunits="pixel">{model}{edges}{kept}</Model></TrackMate>')


def test_a_btrack_table_with_commas(tmp_path):
    with pytest.raises(InputError, match=r"t.csv: line 1: separated by ','\? Spaces are needed between the columns"):
        check(tmp_path / "t.csv", "btrack", "ID,t,x,y,z,parent,root,state,generation,dummy\n1,0,5,6,0,1,1,0,0,False\n")


@pytest.mark.parametrize(("second", "named"), [((30, 34), True), ((20, 21), False)])
def test_a_label_in_two_pieces_of_like_size_is_named(tmp_path, second, named):
    labels = np.zeros((40, 50), "uint16")
    labels[5:9, 5:9] = labels[second[0] : second[1], 30:34] = 1
    labels[20, 30:33] = 0
    for t in range(2):
        tifffile.imwrite(tmp_path / f"man_track{t:03d}.tif", labels)
    checked = check(tmp_path, "ctc") if (tmp_path / "man_track.txt").write_text("1 0 1 0\n") else None
    said = f"{tmp_path}: 2 labels have two pieces of like size, the first: man_track000.tif, label 1: two cells with one label?"
    assert (said in checked.warnings) == named


def a_geff(path, **axes):
    """A track of three nodes; ``axes`` are further attributes of its axes, by name."""
    graph = nx.DiGraph([(1, 2), (2, 3)])
    for node, values in {1: (0, 5.0, 6.0), 2: (1, 5.0, 7.0), 3: (2, 5.0, 8.0)}.items():
        graph.nodes[node].update(zip(("t", "y", "x"), values, strict=True))
    geff.write(graph, path, axis_names=["t", "y", "x"], axis_types=["time", "space", "space"])
    group = zarr.open_group(path, mode="a")
    attributes = group.attrs.asdict()
    for axis in attributes["geff"]["axes"]:
        axis.update(axes.get(axis["name"], {}))
    group.attrs.put(attributes)
    return path


@pytest.mark.parametrize(
    ("axis", "scale", "unit", "words"),
    [
        ("y", 0.65, "micrometer", "axis y has the scale 0.65 micrometer, but the sheet says pixel_size_um 0.5"),
        ("x", 650, "nanometer", "axis x has the scale 650 nanometer, but the sheet says pixel_size_um 0.5"),
        ("t", 15, "minute", "axis t has the scale 15 minute, but the sheet says frame_interval_min 30"),
        ("x", 500, "nanometer", None),
        ("t", 1800, "second", None),
    ],
)
def test_a_scale_of_a_geff_that_is_not_the_sheets(tmp_path, axis, scale, unit, words):
    path = a_geff(tmp_path / "t.geff", **{axis: {"scale": scale, "scaled_unit": unit}})
    if words is None:
        assert check(path, "geff").tracks[["y", "x"]].iloc[0].tolist() == [5, 6]
        return
    with pytest.raises(InputError, match=f"t.geff: {words}"):
        check(path, "geff")


def test_an_offset_of_a_geff_is_named(tmp_path):
    checked = check(a_geff(tmp_path / "t.geff", y={"offset": 3.0}, x={"offset": 0.0}), "geff")
    assert any("t.geff: axes have an offset (y 3), which is not added" in line for line in checked.warnings)
