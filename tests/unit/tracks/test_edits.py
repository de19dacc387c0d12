"""Tracks edited in the data models of other programs' libraries (networkx, geff) come back with their numbers and outcomes."""

import geff
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from geff_spec import Axis, GeffMetadata
from toy_crops import OUTCOMES

from cellfate.base.errors import InputError
from cellfate.prediction.viewers import write_geff
from cellfate.tracks.edits.apply import check_edited_tracks, completed, with_edits
from cellfate.tracks.edits.compare import edited_tracks
from cellfate.tracks.edits.file import PLACES, EditedRecording, read_edited, write_edited
from cellfate.tracks.edits.match import match_nodes
from cellfate.tracks.outcomes import check_tracks, read_raw
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.readers.geff import read_graph
from cellfate.tracks.statements import AS_IN_THE_FILE
from cellfate.tracks.tables import EDITS

FACTS = RecordingFacts("r", 20, (100, 100), pixel_size_um=0.5, frame_interval_min=30)
SPANS = {1: (0, 7, None), 2: (8, 19, 1), 3: (8, 14, 1), 4: (0, 5, None), 7: (2, 16, None), 8: (0, 19, None), 9: (12, 19, 8)}


@pytest.fixture
def given(tmp_path):
    """A recording: 1 divides into 2 and 3 (which dies), 4 is lost, 7 divides unseen, 8 goes on beside her daughter 9."""
    rows = [
        (track, parent, t, 10 * track + 0.123456789 * t, 2 * t + 0.5)
        for track, (first, last, parent) in SPANS.items()
        for t in range(first, last + 1)
    ]
    table = pd.DataFrame(rows, columns=["track_id", "parent_id", "frame", "y", "x"]).astype({"parent_id": "Int64"})
    table.to_csv(tmp_path / "r.csv", index=False)
    (tmp_path / "r_outcomes.csv").write_text("track_id,outcome,event_frame,continues_as\n1,mitosis,8,\n3,apoptosis,15,\n7,mitosis,17,4\n")
    return tmp_path


def tracks_of(folder):
    return check_tracks(folder / "r.csv", "csv", FACTS, 2)


def exported(folder):
    """The graph that a person opens, as networkx holds it: {(track, frame): node} and the graph with its metadata."""
    path = folder / "r.geff"
    write_geff(tracks_of(folder).tracks, None, None, path, OUTCOMES, frame_interval_min=30, pixel_size_um=0.5, images=None)
    graph, metadata = geff.read(path)
    return {(data["track_id"], data["t"]): node for node, data in graph.nodes.items()}, graph, metadata


def saved(folder, graph, metadata=None, **how):
    path = folder / "edited.geff"
    if metadata is None:
        axes = {"axis_names": ["t", "y", "x"], "axis_types": ["time", "space", "space"]}
        geff.write(graph, path, **{**axes, **how}, overwrite=True)
    else:
        geff.write(graph, path, metadata=metadata, overwrite=True, **how)
    return path


def compared(folder, path, facts=FACTS):
    before = tracks_of(folder).tracks[list(PLACES)]
    matched = match_nodes(before, read_graph(path, facts), str(path), facts.pixel_size_um)
    return before, edited_tracks(before, matched, str(path)), matched


def written(folder, path):
    """The file of the edits of a GEFF."""
    before, edited, _ = compared(folder, path)
    rows = pd.DataFrame(edited.differences, columns=list(EDITS.columns)).assign(recording="r")
    found = EditedRecording("r", str(path), before, edited.tracks, edited.ends_as, (), rows, {"mitosis": (2, 1)})
    write_edited(found, folder / "r.json")
    return folder / "r.json"


def said(edited):
    return [(row["track_id"], row["what"], row["first_frame"], row["last_frame"], row["detail"]) for row in edited.differences]


def positions(tracks, track):
    return tracks.loc[tracks["track_id"] == track, "frame"].tolist()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_graph_that_was_only_opened_and_saved_has_no_differences(given, zarr_format):
    _, graph, metadata = exported(given)
    before, edited, _ = compared(given, saved(given, graph, metadata, zarr_format=zarr_format))
    assert edited.differences == []
    pd.testing.assert_frame_equal(edited.tracks, before, check_dtype=False)
    assert edited.ends_as == {track: track for track in SPANS}


def test_cut_join_move_delete_and_new(given):
    node, graph, metadata = exported(given)
    graph.remove_edge(node[7, 9], node[7, 10])
    graph.add_edge(node[4, 5], node[7, 10])
    graph.remove_nodes_from([node[9, t] for t in range(12, 20)])
    for t in (3, 4):
        graph.nodes[node[1, t]]["y"] += t
    new = max(graph) + 1
    for t in range(3):
        graph.add_node(new + t, t=t, y=90.0, x=5.0 + t)
    nx.add_path(graph, [new, new + 1, new + 2])
    before, edited, _ = compared(given, saved(given, graph, metadata))
    assert said(edited) == [
        (1, "moved", 3, 4, "by up to 4.0 px"),
        (4, "joined", 10, 16, "here what was track 7"),
        (7, "cut", 10, 16, "from here on track 4"),
        (9, "deleted", 12, 19, None),
        (10, "new", 0, 2, None),
    ]
    assert positions(edited.tracks, 7) == list(range(2, 10))
    assert positions(edited.tracks, 4) == [*range(6), *range(10, 17)]
    assert edited.ends_as[4] == 7
    assert edited.ends_as[7] is None
    untouched = before[before["track_id"].isin([2, 3, 8])].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        edited.tracks[edited.tracks["track_id"].isin([2, 3, 8])].reset_index(drop=True), untouched, check_dtype=False
    )


def test_a_false_daughter_taken_away_leaves_one_cell(given):
    node, graph, metadata = exported(given)
    graph.remove_nodes_from([node[3, t] for t in range(8, 15)])
    _, edited, _ = compared(given, saved(given, graph, metadata))
    assert said(edited) == [(1, "joined", 8, 19, "here what was track 2"), (3, "deleted", 8, 14, None)]
    assert positions(edited.tracks, 1) == list(range(20))
    assert edited.ends_as[1] == 2


def test_a_new_daughter_divides_her_mother(given):
    node, graph, metadata = exported(given)
    graph.add_edge(node[7, 11], node[9, 12])
    graph.remove_edge(node[8, 11], node[9, 12])
    _, edited, _ = compared(given, saved(given, graph, metadata))
    assert said(edited) == [(7, "divided", 12, 16, "from here on track 10, a daughter"), (9, "mother", 12, 12, "8 before, 7 now")]
    parents = edited.tracks.drop_duplicates("track_id").set_index("track_id")["parent_id"]
    assert (parents[10], parents[9]) == (7, 7)
    assert edited.ends_as[10] == 7


def test_outcomes_go_with_the_end_of_a_track(given):
    node, graph, metadata = exported(given)
    graph.remove_edge(node[7, 9], node[7, 10])
    graph.add_edge(node[4, 5], node[7, 10])
    graph.remove_nodes_from([node[3, t] for t in range(8, 15)])
    file = written(given, saved(given, graph, metadata))
    after = check_edited_tracks(given / "r.csv", "csv", FACTS, 2, edited=file)
    outcomes = after.outcomes.set_index("track_id")
    assert outcomes["outcome"].to_dict() == {1: "no_event_by_end", 4: "mitosis", 7: "censored", 8: "no_event_by_end", 9: "no_event_by_end"}
    assert outcomes.loc[4, "event_frame"] == 17
    assert outcomes.loc[4, "warning"].startswith("edited by hand: joined (frames 10 to 16: here what was track 7)")
    assert pd.isna(outcomes.loc[8, "warning"]) or "edited" not in outcomes.loc[8, "warning"]
    (line,) = [line for line in after.warnings if "no track ends any more" in line]
    assert "track 1 (mitosis), track 3 (apoptosis)" in line


def test_the_file_is_not_written_again_where_nothing_changed(given):
    node, graph, metadata = exported(given)
    graph.remove_edge(node[7, 9], node[7, 10])
    path = saved(given, graph, metadata)
    file = written(given, path)
    time = file.stat().st_mtime_ns
    assert written(given, path).stat().st_mtime_ns == time
    found = read_edited(file)
    assert found.counts == {"mitosis": (2, 1)}
    pd.testing.assert_frame_equal(found.before, tracks_of(given).tracks[list(PLACES)], check_exact=True, check_dtype=False)


def test_other_tracks_than_those_that_were_edited_are_refused(given):
    node, graph, metadata = exported(given)
    graph.remove_edge(node[7, 9], node[7, 10])
    file = written(given, saved(given, graph, metadata))
    text = (given / "r.csv").read_text().replace("7,,5,70.6172", "7,,5,71.6172")
    (given / "r.csv").write_text(text)
    with pytest.raises(InputError, match=r"r.json: the tracks of r are others than those that were edited, the first is track 7"):
        check_edited_tracks(given / "r.csv", "csv", FACTS, 2, edited=file)
    other = RecordingFacts("s", 20, (100, 100))
    raw = read_raw(given / "r.csv", "csv", other, AS_IN_THE_FILE)
    with pytest.raises(InputError, match=r"it is of recording r, not of s"):
        with_edits(raw, read_edited(file), file, other)
    (given / "broken.json").write_text('{"recording": "r"}')
    with pytest.raises(InputError, match=r"broken.json: not readable as edited tracks, which cellfate edits writes"):
        read_edited(given / "broken.json")


def test_tracks_that_corrections_set_aside_stay_for_them(given):
    """A person does not see them in the graph, so they are not deleted by it."""
    before = tracks_of(given).tracks[list(PLACES)]
    seen = before[before["track_id"] != 4].reset_index(drop=True)
    found = EditedRecording("r", "r.geff", seen, seen, {t: t for t in SPANS if t != 4}, (4,), pd.DataFrame(columns=list(EDITS.columns)), {})
    raw = with_edits(read_raw(given / "r.csv", "csv", FACTS, AS_IN_THE_FILE), found, "r.json", FACTS)
    pd.testing.assert_frame_equal(completed(raw, found, given / "r.csv", FACTS, 2).tracks, tracks_of(given).tracks)


def renumbered(graph, offset=500):
    """Nodes numbered anew, and tracks too, as by a program that numbers them itself."""
    graph = nx.relabel_nodes(graph, {node: offset - place for place, node in enumerate(graph)})
    for number, part in enumerate(sorted(map(sorted, nx.weakly_connected_components(graph)), reverse=True), start=1):
        for node in part:
            graph.nodes[node]["track_id"] = number
    return graph


def bare(graph):
    """Without any property but the axes."""
    for data in graph.nodes.values():
        for name in set(data) - {"t", "y", "x"}:
            del data[name]
    return graph


@pytest.mark.parametrize("change", [renumbered, bare])
def test_tracks_keep_their_numbers_where_a_program_gave_others_or_none(given, change):
    node, graph, _ = exported(given)
    graph.remove_edge(node[7, 9], node[7, 10])
    _, edited, _ = compared(given, saved(given, change(graph)))
    assert said(edited) == [(7, "cut", 10, 16, "from here on track 10")]


def test_numbers_that_a_program_kept_find_what_moved(given):
    node, graph, metadata = exported(given)
    graph = nx.relabel_nodes(graph, {one: 1000 + one for one in graph})
    graph.nodes[1000 + node[7, 9]]["x"] += 30
    assert said(compared(given, saved(given, graph, metadata))[1]) == [(7, "moved", 9, 9, "by up to 30.0 px")]


def in_micrometres(graph):
    for data in graph.nodes.values():
        data["y"], data["x"] = np.float32(data["y"] * 0.5).item(), np.float32(data["x"] * 0.5).item()


def exchanged(graph):
    for data in graph.nodes.values():
        data["y"], data["x"] = data["x"], data["y"]


@pytest.mark.parametrize(
    ("change", "line"),
    [(in_micrometres, "its positions are in micrometres and are divided by 0.5"), (exchanged, "its y and x are exchanged")],
)
def test_positions_that_a_program_scaled_or_exchanged_without_a_word_are_found(given, change, line):
    """As funtracks (motile tracker) writes them: multiplied by the axes' scale, without scale and unit, the time axis called time."""
    node, graph, _ = exported(given)
    graph.remove_edge(node[7, 9], node[7, 10])
    change(graph)
    for data in graph.nodes.values():
        data["time"] = data.pop("t")
    _, edited, matched = compared(given, saved(given, graph, axis_names=["time", "y", "x"]))
    assert said(edited) == [(7, "cut", 10, 16, "from here on track 10")]
    assert line in matched.lines[0]


def test_a_file_of_funtracks_without_a_unit_is_named(given):
    _, graph, metadata = exported(given)
    axes = [Axis(name=axis.name, type=axis.type) for axis in metadata.axes]
    known = {**metadata.model_dump(), "axes": axes, "extra": {"funtracks": {"version": "2.2.0"}}}
    path = saved(given, graph, GeffMetadata(**known))
    assert any(
        "funtracks wrote it, which may multiply positions by a scale" in line for line in check_tracks(path, "geff", FACTS, 2).warnings
    )
    assert not any("funtracks wrote" in line for line in check_tracks(saved(given, graph, metadata), "geff", FACTS, 2).warnings)


def test_a_graph_inside_a_folder_of_its_export_is_found(given):
    """As funtracks exports it: <folder>/tracks.geff."""
    _, graph, metadata = exported(given)
    (given / "export").mkdir()
    saved(given, graph, metadata).rename(given / "export/tracks.geff")
    assert compared(given, given / "export")[1].differences == []
    (given / "export/tracks.geff").rename(given / "export/a.geff")
    saved(given, graph, metadata).rename(given / "export/b.geff")
    with pytest.raises(InputError, match=r"export: it holds several GEFFs, name one of them: a.geff, b.geff"):
        compared(given, given / "export")


def test_frames_counted_from_one_another_recording_and_merging_tracks_are_refused(given):
    node, graph, metadata = exported(given)
    merging = graph.copy()
    merging.add_edge(node[4, 5], node[7, 6])
    with pytest.raises(InputError, match=r"track 4 and track 7 both go on in node \d+, frame 6: tracks that merge cannot be read"):
        compared(given, saved(given, merging, metadata))
    for data in graph.nodes.values():
        data["t"] += 1
    with pytest.raises(InputError, match=r"its positions are those of the tracks in the frame before: frames count from 0"):
        compared(given, saved(given, graph, metadata))
    for data in graph.nodes.values():
        data["x"] = 100 - data["x"]
    with pytest.raises(InputError, match=r"0 of its \d+ positions are those of the tracks .*: is it of another recording"):
        compared(given, saved(given, graph, metadata))


def test_two_cells_at_one_place_are_told_apart_by_their_numbers(given):
    text = (given / "r.csv").read_text().splitlines()
    places = {line.split(",")[2]: line.split(",", 3)[3] for line in text if line.startswith("8,")}
    moved = [f"7,,{line.split(',')[2]},{places[line.split(',')[2]]}" if line.startswith("7,") else line for line in text]
    (given / "r.csv").write_text("\n".join(moved) + "\n")
    _, graph, metadata = exported(given)
    assert compared(given, saved(given, graph, metadata))[1].differences == []


def test_the_reader_of_a_sheet_keeps_numbers_and_says_where_it_cannot(given, capsys):
    node, graph, metadata = exported(given)
    path = saved(given, graph, metadata)
    found = check_tracks(path, "geff", FACTS, 2)
    pd.testing.assert_frame_equal(found.tracks, tracks_of(given).tracks)
    graph.remove_edge(node[7, 9], node[7, 10])
    found = check_tracks(saved(given, graph, metadata), "geff", FACTS, 2)
    assert any("the tracks' numbers of its nodes are not used: node" in line and "both have 7" in line for line in found.warnings)


def test_the_property_that_the_file_names_counts(tmp_path):
    graph = nx.DiGraph()
    for number, (frame, tracklet) in enumerate([(0, 30), (1, 30), (2, 31), (2, 32)]):
        graph.add_node(number, t=frame, y=1.0 + number, x=2.0, cell=tracklet, track_id=5)
    graph.add_edges_from([(0, 1), (1, 2), (1, 3)])
    axes = [Axis(name="t", type="time"), Axis(name="y", type="space"), Axis(name="x", type="space")]
    named = {"tracklet": "cell"}
    metadata = GeffMetadata(directed=True, axes=axes, node_props_metadata={}, edge_props_metadata={}, track_node_props=named)
    geff.write(graph, tmp_path / "t.geff", metadata=metadata)
    found = check_tracks(tmp_path / "t.geff", "geff", FACTS, 2)
    assert found.outcomes["track_id"].tolist() == [30, 31, 32]
    assert found.outcomes["parent_id"].tolist() == [pd.NA, 30, 30]
