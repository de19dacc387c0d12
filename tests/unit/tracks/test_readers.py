import geff
import h5py
import networkx as nx
import numpy as np
import pytest
import tifffile
from geff_spec import Axis, DisplayHint, GeffMetadata

from cellfate.base.errors import InputError
from cellfate.tracks.formats import track_files
from cellfate.tracks.outcomes import check_tracks, read_tracks
from cellfate.tracks.raw import RecordingFacts

SHAPE, N_FRAMES = (40, 50), 5


def read(path, tracks_format, **facts):
    tracks, outcomes = read_tracks(path, tracks_format, RecordingFacts("r", N_FRAMES, SHAPE, **facts), 2)
    return tracks[["track_id", "frame", "y", "x"]].values.tolist(), outcomes.set_index("track_id")


def ctc(folder, table="1 0 1 0\n2 2 3 1\n3 2 2 1\n", names=("man_track{:03d}.tif", "man_track.txt"), shape=SHAPE):
    """Track 1 divides after frame 1 into 2 and 3; labels are squares of 3 pixels."""
    folder.mkdir()
    for frame, squares in enumerate([{1: (10, 10)}, {1: (12, 10)}, {2: (12, 5), 3: (12, 20)}, {2: (13, 5)}]):
        labels = np.zeros(shape, np.uint16)
        for track, (y, x) in squares.items():
            labels[y - 1 : y + 2, x - 1 : x + 2] = track
        tifffile.imwrite(folder / names[0].format(frame), labels)
    (folder / names[1]).write_text(table)
    return folder


@pytest.mark.parametrize("names", [("man_track{:03d}.tif", "man_track.txt"), ("mask{:03d}.tif", "res_track.txt")])
def test_ctc_gold_and_result(tmp_path, names):
    folder = ctc(tmp_path / "01", names=names)
    (tmp_path / "01_outcomes.csv").write_text("track_id,outcome,event_frame\n1,mitosis,2\n")
    rows, outcomes = read(folder, "ctc")
    assert rows == [[1, 0, 10, 10], [1, 1, 12, 10], [2, 2, 12, 5], [2, 3, 13, 5], [3, 2, 12, 20]]
    assert outcomes["parent_id"].fillna(-1).to_dict() == {1: -1, 2: 1, 3: 1}
    assert outcomes["outcome"].to_dict() == {1: "mitosis", 2: "censored", 3: "censored"}
    assert track_files(str(folder), "ctc") == [str(folder), str(tmp_path / "01_outcomes.csv"), str(folder / names[1])]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("1 0 1 0\n2 2 3 1\n", "man_track002.tif: label 3 is not in the table of tracks"),
        ("1 0 1 0\n2 2 3 1\n3 2 2 1\n7 0 1 0\n", "man_track.txt: line 4: track 7 is in no label image"),
        ("1 0 0 0\n2 2 3 1\n3 2 2 1\n", r"man_track001.tif: label 1 in frame 1, but the table \(line 1\) says 0 to 0"),
        ("1 0 1 0\n2 2 3 1\n2 2 2 1\n", "line 3: track 2 stands there for the second time"),
        ("1 0 1 0\n2 2 3 9\n3 2 2 1\n", "line 2: parent of track 2 is 9, there is no such track"),
        ("1 0 1\n", "line 1: '1 0 1', four whole numbers are needed"),
    ],
)
def test_bad_ctc(tmp_path, table, message):
    with pytest.raises(InputError, match=message):
        read(ctc(tmp_path / "01", table), "ctc")


def test_ctc_folders_that_are_none(tmp_path):
    with pytest.raises(InputError, match=r"man_track.txt or res_track.txt is needed .* it has neither"):
        read(tmp_path, "ctc")
    (tmp_path / "man_track.txt").write_text("1 0 1 0\n")
    with pytest.raises(InputError, match=r"no man_track\*.tif beside man_track.txt"):
        read(tmp_path, "ctc")
    with pytest.raises(InputError, match=r"man_track000.tif: label image of \(30, 30\), the recording's frames are \(40, 50\)"):
        read(ctc(tmp_path / "small", shape=(30, 30)), "ctc")


def test_a_label_image_that_no_memory_takes_is_told_by_its_header(tmp_path):
    folder = ctc(tmp_path / "01")
    claims = {"shape": (40_000, 40_000), "dtype": "uint16", "tile": (1008, 1008), "compression": "zlib", "photometric": "minisblack"}
    tifffile.imwrite(folder / "man_track000.tif", iter([b"x" * 100] * 1600), **claims)
    with pytest.raises(InputError, match=r"man_track000.tif: label image of \(40000, 40000\), the recording's frames are \(40, 50\)"):
        read(folder, "ctc")


def test_ctc_in_capital_letters_with_a_byte_order_mark(tmp_path):
    folder = ctc(tmp_path / "01", "\ufeff1 0 1 0\n2 2 3 1\n3 2 2 1\n", names=("MAN_TRACK{:03d}.TIF", "MAN_TRACK.TXT"))
    assert len(read(folder, "ctc")[0]) == 5
    assert track_files(str(folder), "ctc") == [str(folder), str(folder / "MAN_TRACK.TXT")]


@pytest.mark.parametrize("kind", ["float32", "float64", "int32", "int16", "uint8"])
def test_ctc_labels_of_other_types(tmp_path, kind):
    folder = ctc(tmp_path / "01")
    for file in folder.glob("*.tif"):
        tifffile.imwrite(file, tifffile.imread(file).astype(kind))
    assert read(folder, "ctc")[0][0] == [1, 0, 10, 10]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda labels: labels + np.float32(0.5), "man_track000.tif: label image of type float32: its values are not all whole numbers"),
        (lambda labels: labels * np.float32("nan"), "man_track000.tif: label image of type float32: its values are not all whole"),
        (lambda labels: labels.astype(int) - 1, "man_track000.tif: label image of type int64 with negative values"),
        (lambda labels: labels.astype("complex64"), "man_track000.tif: label image of type complex64: numbers from 0"),
    ],
)
def test_ctc_images_that_are_no_labels(tmp_path, change, message):
    folder = ctc(tmp_path / "01")
    file = folder / "man_track000.tif"
    tifffile.imwrite(file, change(tifffile.imread(file)))
    with pytest.raises(InputError, match=message):
        read(folder, "ctc")


def test_a_ctc_mother_that_begins_later_is_left_out_with_the_line(tmp_path):
    checked = check_tracks(ctc(tmp_path / "01", "1 0 1 3\n2 2 3 1\n3 2 2 1\n"), "ctc", RecordingFacts("r", N_FRAMES, SHAPE), 2)
    assert checked.left_out[["what", "where", "track"]].values.tolist() == [["mother", "man_track.txt, line 1", "1"]]
    assert checked.outcomes["lineage"].unique().tolist() == ["r/1"]


def test_a_ctc_track_that_label_images_lack_is_named(tmp_path):
    folder = ctc(tmp_path / "01")
    whole = check_tracks(folder, "ctc", RecordingFacts("r", N_FRAMES, SHAPE), 2)
    assert not any("label images" in line for line in whole.warnings)
    (folder / "man_track003.tif").unlink()
    (line,) = [one for one in check_tracks(folder, "ctc", RecordingFacts("r", N_FRAMES, SHAPE), 2).warnings if "label images" in one]
    assert line.endswith(
        "man_track.txt: 1 of 3 tracks are not in all label images that the table gives them, the first: "
        "line 2: track 2, frames 2 to 3, is not in that of frame 3"
    )


def test_ctc_label_images_after_last_image_are_not_opened(tmp_path):
    """They may be cut short or of another size; a track that begins after it is in no label image, which is no error."""
    folder = ctc(tmp_path / "01")
    for t in (2, 3):
        (folder / f"man_track{t:03d}.tif").write_bytes(b"II*")
    checked = check_tracks(folder, "ctc", RecordingFacts("r", 2, SHAPE, last_image=1), 2)
    assert checked.outcomes[["track_id", "last_frame", "outcome"]].values.tolist() == [[1, 1, "no_event_by_end"]]


def test_positions_that_are_all_after_last_image(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("track_id,frame,y,x\n1,2,5,5\n1,3,5,5\n")
    with pytest.raises(InputError, match=r"t.csv: all 2 positions are after last_image, which is 1: no track is left"):
        check_tracks(path, "csv", RecordingFacts("r", 2, SHAPE, last_image=1), 2)


@pytest.mark.parametrize("table", [b"\xff\xfe1 0", "² 0 1 0\n".encode(), b"1 0 1 \x00\n"])
def test_a_ctc_table_that_is_no_text(tmp_path, table):
    folder = ctc(tmp_path / "01")
    (folder / "man_track.txt").write_bytes(table)
    with pytest.raises(InputError, match=r"man_track.txt: (not readable as text|line 1)"):
        read(folder, "ctc")


def btrack_file(path, coords, references, ranges, lineage):
    with h5py.File(path, "w") as file:
        file["objects/obj_type_1/coords"] = np.array(coords, np.float32)
        tracks = file.create_group("tracks/obj_type_1")
        tracks["tracks"], tracks["map"] = np.array(references, np.int32), np.array(ranges, np.uint32)
        tracks["LBEPR"] = np.array(lineage, np.int32)
        tracks["dummies"] = np.array([[1, 9, 9, 0, 1]], np.float32)
    return path


COORDS = [[0, 10, 20, 0, 0], [2, 11, 21, 0, 0], [3, 12, 22, 0, 0], [3, 14, 24, 0, 0]]  # t, x, y, z, type


def test_btrack_hdf5_without_its_dummies(tmp_path):
    lineage = [[1, 0, 2, 1, 1, 0], [2, 3, 3, 1, 1, 1], [3, 3, 3, 1, 1, 1]]
    path = btrack_file(tmp_path / "t.h5", COORDS, [0, -1, 1, 2, 3], [[0, 3], [3, 4], [4, 5]], lineage)
    rows, outcomes = read(path, "btrack")
    assert rows == [[1, 0, 20, 10], [1, 2, 21, 11], [2, 3, 22, 12], [3, 3, 24, 14]]
    assert outcomes["parent_id"].fillna(-1).to_dict() == {1: -1, 2: 1, 3: 1}


def test_bad_btrack(tmp_path):
    path = tmp_path / "t.h5"
    path.write_text("no HDF5")
    with pytest.raises(InputError, match=r"t.h5: not readable as HDF5"):
        read(path, "btrack")
    with h5py.File(path, "w") as file:
        file["objects/obj_type_1/coords"] = COORDS
    with pytest.raises(InputError, match=r"t.h5: tracks/obj_type_1/tracks missing"):
        read(path, "btrack")
    with pytest.raises(InputError, match=r"tracks row 0: object 7, there are 4 in coords"):
        read(btrack_file(path, COORDS, [7], [[0, 1]], [[1, 0, 0, 0, 1]]), "btrack")
    with pytest.raises(InputError, match=r"object 1: z is 3, 0 before"):
        read(btrack_file(path, [COORDS[0], [1, 1, 1, 3, 0]], [0, 1], [[0, 2]], [[1, 0, 1, 0, 1]]), "btrack")
    with pytest.raises(InputError, match=r"object 0: y of track 1 is 45, outside the image"):
        read(btrack_file(path, [[0, 1, 45, 0, 0]], [0], [[0, 1]], [[1, 0, 0, 0, 1]]), "btrack")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"tracks": np.zeros((0, 1), np.int32), "map": np.zeros((0, 2), np.uint32), "LBEPR": np.zeros((0, 6), np.int32)},
            "it has no tracks",
        ),
        ({"LBEPR": np.zeros((1, 2), np.int32)}, r"LBEPR has shape \(1, 2\), rows of 4 or more is needed"),
        ({"map": np.zeros(2, np.int32)}, r"map has shape \(2,\), rows of 2"),
        ({"LBEPR": np.zeros((1, 6), np.float32)}, "LBEPR is of type float32, whole numbers are needed"),
        ({"tracks": np.int32(4)}, "tracks has shape"),
    ],
)
def test_btrack_tables_of_another_shape(tmp_path, change, message):
    path = btrack_file(tmp_path / "t.h5", COORDS, [0, 1], [[0, 2]], [[1, 0, 2, 1, 1, 0]])
    with h5py.File(path, "r+") as file:
        for name, values in change.items():
            del file[f"tracks/obj_type_1/{name}"]
            file[f"tracks/obj_type_1/{name}"] = values
    with pytest.raises(InputError, match=f"t.h5: .*{message}"):
        read(path, "btrack")


def test_btrack_csv(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "ID t x y z parent root state generation dummy\n1 0 10.5 20 0.0 1 1 5 0 False\n1 1 10 20 0 1 1 5 0 True\n2 2 9 8 0 1 1 5 1 0\n"
    )
    rows, outcomes = read(path, "btrack")
    assert rows == [[1, 0, 20, 10.5], [2, 2, 8, 9]]
    assert outcomes["parent_id"].fillna(-1).to_dict() == {1: -1, 2: 1}
    path.write_text("ID t x y\n1 zero 1 1\n")
    with pytest.raises(InputError, match=r"t.csv: line 2: t is 'zero'"):
        read(path, "btrack")


def geff_file(path, nodes, edges, units=("frame", "pixel", "pixel"), names=("t", "y", "x")):
    graph = nx.DiGraph()
    for node, values in nodes.items():
        graph.add_node(node, **dict(zip(names, values, strict=True)))
    graph.add_edges_from(edges)
    geff.write(graph, path, axis_names=list(names), axis_units=list(units), axis_types=["time", *["space"] * (len(names) - 1)])
    return path


NODES = {7: (0, 10.0, 20.0), 3: (1, 11.0, 21.0), 4: (2, 11.0, 25.0), 5: (2, 12.0, 18.0), 6: (4, 12.5, 18.0)}
EDGES = [(7, 3), (3, 4), (3, 5), (5, 6)]


def test_geff_lineage_from_the_graph(tmp_path):
    rows, outcomes = read(geff_file(tmp_path / "t.geff", NODES, EDGES), "geff")
    assert rows == [[4, 2, 11, 25], [5, 2, 12, 18], [5, 4, 12.5, 18], [7, 0, 10, 20], [7, 1, 11, 21]]
    assert outcomes["parent_id"].fillna(-1).to_dict() == {4: 7, 5: 7, 7: -1}
    assert outcomes["outcome"].to_dict() == {4: "censored", 5: "no_event_by_end", 7: "censored"}


def test_geff_in_micrometres_and_minutes(tmp_path):
    nodes = {node: (30.0 * t, 0.5 * y, 0.5 * x) for node, (t, y, x) in NODES.items()}
    path = geff_file(tmp_path / "t.geff", nodes, EDGES, ("minute", "micrometer", "micrometer"))
    rows, _ = read(path, "geff", pixel_size_um=0.5, frame_interval_min=30)
    assert rows == read(geff_file(tmp_path / "pixels.geff", NODES, EDGES), "geff")[0]
    with pytest.raises(InputError, match=r"t.geff: y is in micrometer, so the sheet must give pixel_size_um for recording r"):
        read(path, "geff", frame_interval_min=30)
    with pytest.raises(InputError, match=r"t.geff: node 3: time 30 minute is no whole frame \(1.5\)"):
        read(path, "geff", frame_interval_min=20, pixel_size_um=1)


def geff_hinted(path, names, hints=None, units=("frame", "pixel", "pixel"), types=("time", "space", "space"), nodes=NODES):
    graph = nx.DiGraph()
    for node, values in nodes.items():
        graph.add_node(node, **dict(zip(names, values, strict=True)))
    graph.add_edges_from(EDGES)
    axes = [Axis(name=name, type=kind, unit=unit) for name, kind, unit in zip(names, types, units, strict=True)]
    hint = None if hints is None else DisplayHint(display_horizontal=hints[0], display_vertical=hints[1], display_time=hints[2])
    metadata = GeffMetadata(directed=True, axes=axes, display_hints=hint, node_props_metadata={}, edge_props_metadata={})
    geff.write(graph, path, metadata=metadata)
    return path


@pytest.mark.parametrize(
    ("names", "hints", "types"),
    [
        (("POSITION_T", "POSITION_Y", "POSITION_X"), None, ("time", "space", "space")),
        (("POSITION_T", "POSITION_Y", "POSITION_X"), ("POSITION_X", "POSITION_Y", "POSITION_T"), (None, None, None)),
        (("time", "Y", "X"), None, ("time", "space", "space")),
        (("t", "row", "column"), ("column", "row", None), ("time", "space", "space")),
        (("t", "x", "y"), ("y", "x", "t"), ("time", "space", "space")),
        (("frame", "centroid_y", "centroid_x"), None, (None, None, None)),
    ],
)
def test_geff_axes_by_hints_type_and_name(tmp_path, names, hints, types):
    rows, _ = read(geff_hinted(tmp_path / "t.geff", names, hints, types=types), "geff")
    assert rows == [[4, 2, 11, 25], [5, 2, 12, 18], [5, 4, 12.5, 18], [7, 0, 10, 20], [7, 1, 11, 21]]


def test_geff_hints_against_the_names_are_told(tmp_path, capsys):
    read(geff_hinted(tmp_path / "t.geff", ("t", "x", "y"), ("y", "x", "t")), "geff")
    assert (
        "display_hints say that y is horizontal and x is vertical: read so, although the names say the opposite" in capsys.readouterr().err
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("unit", ["micron", "microns", "um", "µm", "\u03bcm", "Micrometer", "micrometre", "micrometers"])
@pytest.mark.parametrize("time", ["min", "Minutes"])
def test_geff_units_by_their_other_names(tmp_path, unit, time):
    nodes = {node: (30.0 * t, 0.5 * y, 0.5 * x) for node, (t, y, x) in NODES.items()}
    path = geff_hinted(tmp_path / "t.geff", ("t", "y", "x"), units=(time, unit, unit), nodes=nodes)
    assert read(path, "geff", pixel_size_um=0.5, frame_interval_min=30)[0][0] == [4, 2, 11, 25]


def test_geff_nodes_above_2_to_the_53_stay_apart(tmp_path):
    big = 2**53
    nodes = {big: (0, 1.0, 2.0), big + 1: (0, 9.0, 9.0), big + 2: (1, 1.0, 2.0), big + 3: (1, 3.0, 3.0)}
    _, outcomes = read(geff_file(tmp_path / "t.geff", nodes, [(big, big + 2), (big, big + 3)]), "geff")
    assert outcomes["parent_id"].fillna(-1).to_dict() == {big: -1, big + 1: -1, big + 2: big, big + 3: big}
    with pytest.raises(InputError, match=r"node 9223372036854775809: its number cannot be read: at most 9223372036854775807"):
        read(geff_file(tmp_path / "far.geff", {2**63 + 1: (0, 1.0, 2.0)}, []), "geff")


def test_a_geff_without_links_is_told(tmp_path, capsys):
    read(geff_file(tmp_path / "t.geff", NODES, []), "geff")
    assert "no node is linked to another, so each of its 5 nodes is a track of one frame" in capsys.readouterr().err


def test_bad_geff(tmp_path):
    (tmp_path / "none.geff").mkdir()
    with pytest.raises(InputError, match=r"none.geff: not readable as GEFF"):
        read(tmp_path / "none.geff", "geff")
    with pytest.raises(InputError, match=r"axes are t, row, column; y, x and one of type time are needed"):
        read(geff_file(tmp_path / "axes.geff", NODES, EDGES, names=("t", "row", "column")), "geff")
    with pytest.raises(InputError, match=r"merge.geff: 4 follows both 7 and 3: tracks that merge .* \(numbers of nodes\)"):
        read(geff_file(tmp_path / "merge.geff", NODES, [*EDGES, (7, 4)]), "geff")
    with pytest.raises(InputError, match=r"node 4: y of track 4 is 41, outside the image"):
        read(geff_file(tmp_path / "out.geff", NODES | {4: (2, 41.0, 1.0)}, EDGES), "geff")
