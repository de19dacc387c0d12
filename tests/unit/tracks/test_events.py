"""Events that files of tracks name in their own words: tables, TrackMate, GEFF."""

from dataclasses import asdict

import geff
import networkx as nx
import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.readers.events import word_of
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom

FACTS = RecordingFacts("r", 10, (60, 80), 0.5, 30)


def check(path, tracks_format, **settings):
    return check_tracks(path, tracks_format, FACTS, 2, OutcomesFrom(**(asdict(AS_IN_THE_FILE) | settings)))


def ends(checked):
    """{track: (outcome, event_frame or None)}"""
    rows = checked.outcomes[["track_id", "outcome", "event_frame"]].astype(object)
    return {track: (outcome, frame) for track, outcome, frame in rows.where(rows.notna(), None).values.tolist()}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("anaphase ", "anaphase"),
        ("0", "0"),
        ("1.0", "1"),
        ("0.50", "0.50"),
        ("True", "1"),
        ("FALSE", "0"),
        ("nan", ""),
        ("None", ""),
        ("", ""),
        (None, ""),
        (True, "1"),
        (np.bool_(False), "0"),
        (np.float64("nan"), ""),
        (np.float32(3), "3"),
        (np.int64(7), "7"),
        (b"dead", "dead"),
        (np.array(["a", "b"]), "a;b"),
        (np.array([]), ""),
        (np.array(2.0), "2"),
        (float("inf"), "inf"),
    ],
)
def test_values_as_words(value, word):
    assert word_of(value) == word


CELLS = [(1, t, "" if t < 3 else "round" if t < 5 else "anaphase", "0") for t in range(6)]
CELLS += [(2, t, "", "0.0" if t < 4 else "1.0") for t in range(9)] + [(3, t, "nan", "False") for t in range(10)]


def write_table(path, frame="frame", header="state,dead", cells=CELLS):
    lines = [f"track_id,{frame},y,x,{header}", *(f"{one},{t},{5 * one},{t},{','.join(values)}" for one, t, *values in cells)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("tracks_format", "frame"), [("csv", "frame"), ("napari", "t")])
def test_columns_of_tables(tmp_path, tracks_format, frame):
    path = write_table(tmp_path / "t.csv", frame)
    checked = check(path, tracks_format, words={"anaphase": "mitosis", "dead=1": "apoptosis"}, events=["state", "dead"])
    assert ends(checked) == {1: ("mitosis", 5), 2: ("apoptosis", 4), 3: ("no_event_by_end", None)}
    sources = checked.sources.set_index("track_id")
    assert sources.loc[[1, 2], "where"].tolist() == ["line 7, state", "line 12, dead"]
    assert sources.loc[[1, 2], "said"].tolist() == ["anaphase", "dead=1"]
    assert "goes on to frame 8" in checked.outcomes["warning"].tolist()[1]
    assert not [line for line in checked.warnings if "has no" in line]


def test_rows_in_any_order_give_the_first_frame(tmp_path):
    path = write_table(tmp_path / "t.csv", cells=CELLS[::-1])
    assert ends(check(path, "csv", words={"anaphase": "mitosis"}, events=["state", "dead"]))[1] == ("mitosis", 5)


def test_a_column_that_the_file_lacks_is_named(tmp_path):
    path = write_table(tmp_path / "t.csv", "t")
    checked = check(path, "napari", words={"anaphase": "mitosis"}, events=["state", "phase", "fate"])
    assert [line for line in checked.warnings if "has no" in line] == [
        f"{path}: it has no phase, fate, which tracks.outcomes_from.events names; there are track_id, t, y, x, state, dead"
    ]
    assert ends(checked)[1] == ("mitosis", 5)


def test_csv_stays_strict_about_other_columns(tmp_path):
    path = write_table(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r"unknown column dead"):
        check(path, "csv", events=["state"])


def test_words_that_nobody_mapped_are_told(tmp_path):
    checked = check(write_table(tmp_path / "t.csv"), "csv", events=["state", "dead"])
    assert "its events are dead=0 (3), state=round (1), state=anaphase (1), dead=1 (1), tracks each" in checked.warnings[0]


def test_a_word_may_mean_censored(tmp_path):
    checked = check(write_table(tmp_path / "t.csv"), "csv", words={"dead=0": "censored"}, events=["state", "dead"])
    assert ends(checked) == dict.fromkeys((1, 2, 3), ("censored", None))


def test_a_column_that_names_mothers_is_no_event_by_accident(tmp_path):
    path = write_table(tmp_path / "t.csv", header="parent,root_cell", cells=[(1, 0, "", "a"), (2, 1, "1", "b"), (2, 2, "1", "b")])
    checked = check(path, "csv", words={"b": "mitosis"}, events=["root_cell"])
    assert checked.outcomes["parent_id"].tolist()[1] == 1
    assert not [line for line in checked.warnings if "looks like lineage" in line]


def write_xml(path, marks):
    """Two cells, spots 1 to 6 and 11 to 16; ``marks`` are {spot: more of its attributes}."""
    spots = [
        f'<Spot ID="{s}" FRAME="{t}" POSITION_X="{t}" POSITION_Y="{s}" {marks.get(s, f"""name="ID{s}" """)} />' for s, t in SPOTS.items()
    ]
    edges = [f'<Edge SPOT_SOURCE_ID="{s}" SPOT_TARGET_ID="{s + 1}" />' for s in SPOTS if s + 1 in SPOTS]
    path.write_text(
        '<TrackMate version="7"><Model spatialunits="pixel"><AllSpots><SpotsInFrame>' + "".join(spots) + "</SpotsInFrame></AllSpots>"
        '<AllTracks><Track TRACK_ID="0" name="Track_0">' + "".join(edges) + "</Track></AllTracks>"
        '<FilteredTracks><TrackID TRACK_ID="0" /></FilteredTracks></Model></TrackMate>'
    )
    return path


SPOTS = {start + t: t for start in (1, 11) for t in range(6)}


def write_spots(path, columns, marks):
    """The exported table of the same cells; ``marks`` are {spot: values of columns}, after LABEL."""
    none = "," * columns.count(",")
    head = [f"LABEL,ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME{columns}", *[f",,,,,{none}"] * 2, f",,,(pixel),(pixel),{none}"]
    body = []
    for s, t in SPOTS.items():
        label, more = marks.get(s, (f"ID{s}", ""))
        body.append(f"{label},{s},{s // 10},{t},{s},{t}{more or none}")
    path.write_text("\n".join(head + body) + "\n")
    return path


@pytest.mark.parametrize("named", ["name", "LABEL"])
def test_names_that_somebody_gave_to_spots(tmp_path, named):
    marks = {4: 'name="division"', 5: 'name="division"', 6: 'name="6"', 15: 'name="dead"', 11: 'name="ID99"'}
    settings = {"words": {"division": "mitosis", f"{named}=dead": "apoptosis"}, "events": [named]}
    xml = check(write_xml(tmp_path / "t.xml", marks), "trackmate", **settings)
    assert ends(xml) == {1: ("mitosis", 3), 11: ("apoptosis", 4)}
    assert xml.sources["where"].tolist() == [f"spot 4, {named}", f"spot 15, {named}"]
    labels = {4: ("division", ""), 5: ("division", ""), 6: ("6", ""), 15: ("dead", "")}
    table = check(write_spots(tmp_path / "t_spots.csv", "", labels), "trackmate", **settings)
    assert ends(table) == {1: ("mitosis", 3), 11: ("apoptosis", 4)}
    assert not [line for line in (*xml.warnings, *table.warnings) if "its events are" in line or "has no" in line]


def test_features_of_spots(tmp_path):
    marks = {s: f'name="ID{s}" MANUAL_INTEGER_SPOT_FEATURE="{int(s > 3)}.0"' for s in SPOTS if s != 2}
    settings = {"words": {"MANUAL_INTEGER_SPOT_FEATURE=1": "mitosis"}, "events": ["MANUAL_INTEGER_SPOT_FEATURE"]}
    assert ends(check(write_xml(tmp_path / "t.xml", marks), "trackmate", **settings)) == {1: ("mitosis", 3), 11: ("mitosis", 0)}
    values = {s: (f"ID{s}", f",{int(s > 3)}") for s in SPOTS if s != 2}
    path = write_spots(tmp_path / "t_spots.csv", ",MANUAL_INTEGER_SPOT_FEATURE", values)
    assert ends(check(path, "trackmate", **settings)) == {1: ("mitosis", 3), 11: ("mitosis", 0)}


@pytest.mark.parametrize("write", [lambda path: write_xml(path / "t.xml", {}), lambda path: write_spots(path / "t_spots.csv", "", {})])
def test_a_feature_that_trackmate_did_not_write_is_named(tmp_path, write):
    lines = check(write(tmp_path), "trackmate", events=["name", "state"]).warnings
    assert [line for line in lines if "it has no state, which" in line and "FRAME" in line]


def write_geff(path, nodes, edges=((1, 2), (2, 3), (3, 4), (3, 5), (4, 6))):
    """Nodes 1 to 6, of which 3 divides into 4 and 5; ``nodes`` are {node: more of its properties}."""
    graph = nx.DiGraph()
    for node, frame in {1: 0, 2: 1, 3: 2, 4: 3, 5: 3, 6: 4}.items():
        graph.add_node(node, t=frame, y=2.0 * node, x=3.0, **nodes.get(node, {}))
    graph.add_edges_from(edges)
    geff.write(graph, path, axis_names=["t", "y", "x"], axis_units=["frame", "pixel", "pixel"], axis_types=["time", "space", "space"])
    return path


@pytest.mark.parametrize(
    ("nodes", "word"),
    [
        ({3: {"p": "division"}, 5: {"p": "death"}}, "division"),
        ({node: {"p": "division" if node == 3 else ""} for node in range(1, 7)}, "division"),
        ({node: {"p": node == 3} for node in range(1, 7)}, "p=1"),
        ({3: {"p": True}}, "p=1"),
        ({node: {"p": 4 * (node == 3)} for node in range(1, 7)}, "p=4"),
        ({3: {"p": 4.0}, 6: {"p": float("nan")}}, "p=4"),
    ],
)
def test_properties_of_nodes(tmp_path, nodes, word):
    checked = check(write_geff(tmp_path / "t.geff", nodes), "geff", words={word: "mitosis"}, events=["p"])
    assert ends(checked) == {1: ("mitosis", 2), 4: ("censored", None), 5: ("censored", None)}
    assert checked.sources["where"].tolist()[0] == "node 3, p"
    assert not [line for line in checked.warnings if "has no" in line]


def test_a_property_that_no_node_has_is_named(tmp_path):
    checked = check(write_geff(tmp_path / "t.geff", {3: {"p": "division"}}), "geff", words={"division": "mitosis"}, events=["p", "tag"])
    assert [line.split("t.geff: ")[1] for line in checked.warnings if "has no" in line] == [
        "it has no tag, which tracks.outcomes_from.events names; there are p, t, x, y"
    ]


def test_lists_of_tags_of_nodes(tmp_path):
    nodes = {node: {"tags": np.array([1, 2]) if node == 3 else np.array([0, 2])} for node in range(1, 7)}
    checked = check(write_geff(tmp_path / "t.geff", nodes), "geff", words={"1;2": "mitosis"}, events=["tags"])
    assert ends(checked)[1] == ("mitosis", 2)
