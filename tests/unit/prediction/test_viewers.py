import warnings

import geff
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from geff.core_io._base_read import read_to_memory
from geff.validate.data import ValidationConfig, validate_data
from toy_crops import OUTCOMES
from toy_model import toy_predictions, toy_tracks

from cellfate.base.tables import check_table
from cellfate.prediction.risks import given_event
from cellfate.prediction.tables import NEW_FATES
from cellfate.prediction.viewers import risks_by_frame, write_geff, write_napari_tracks
from cellfate.tracks.links import track_edges
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.raw import RecordingFacts

MIN_FRAMES = 4


@pytest.fixture
def tables():
    """Mother 1 divides into 2 and 3; track 9 is too short for a value; 5 names a mother that is not there; 2 has a gap."""
    tracks = toy_tracks({1: (0, 7), 2: (8, 15), 3: (9, 15), 5: (0, 15), 9: (3, 5)}, parents={2: 1, 3: 1, 5: 77})
    tracks = tracks[~((tracks["track_id"] == 2) & (tracks["frame"] == 11))].reset_index(drop=True)
    seen = tracks.groupby("track_id").cumcount() + 1
    rows = tracks[["track_id", "frame"]].assign(n_frames_seen=seen, logit=np.linspace(-3, 3, len(tracks)))[seen >= MIN_FRAMES]
    return tracks, toy_predictions(rows, tracks, shifts=(-0.5, 0.5))


HOURS = (5.0, 0.5)


def fates_of(predictions):
    """Risks of the predicted frames but the last of each track, for two numbers of hours."""
    rows = predictions[predictions.duplicated("track_id", keep="last")][["recording", "track_id", "frame", "hours_since_start"]]
    rng, tables = np.random.default_rng(0), []
    for hours in HOURS:
        negative, positive = rng.uniform(0.1, 0.4, (2, len(rows)))
        said = {"negative": negative, "positive": positive, "neither": 1 - negative - positive, "horizon_hours": hours}
        said["positive_given_event"] = positive / (negative + positive)
        tables.append(rows.assign(**said, spread_negative=0.1, spread_positive=0.1))
    made = {"n_frames": 4, "model": "risks", "networks": 3, "seen_in_training": "no"}
    table = pd.concat(tables, ignore_index=True).assign(**made)
    return check_table(table.assign(trajectory="r0/" + table["track_id"].astype(str)), NEW_FATES, "fates")


NAMES = [f"{what}_{hours}h" for hours in ("0.5", "5") for what in ("apoptosis_within", "mitosis_within", "mitosis_given_event")]


def test_a_model_without_risks_adds_no_columns(tables):
    _, predictions = tables
    assert risks_by_frame(given_event(predictions, OUTCOMES), OUTCOMES) is None
    assert risks_by_frame(fates_of(predictions).iloc[:0], OUTCOMES) is None


def test_edges_join_frames_and_mothers_to_daughters(tables):
    tracks, _ = tables
    named = list(zip(tracks["track_id"], tracks["frame"], strict=True))
    edges = {(named[a], named[b]) for a, b in track_edges(tracks)}
    assert ((1, 7), (2, 8)) in edges
    assert ((1, 7), (3, 9)) in edges
    assert ((2, 10), (2, 12)) in edges
    assert not any(b == (5, 0) for _, b in edges)
    assert len(edges) == len(tracks) - 5 + 2


def test_a_mother_that_goes_on_is_left_at_the_frame_before_her_daughter():
    tracks = toy_tracks({1: (0, 9), 2: (6, 9)}, parents={2: 1})
    assert [5, 10] in track_edges(tracks).tolist()


def test_the_geff_holds_tracks_and_probabilities(tables, tmp_path):
    tracks, predictions = tables
    risks = risks_by_frame(fates_of(predictions), OUTCOMES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_geff(tracks, predictions, risks, tmp_path / "r0.geff", OUTCOMES, frame_interval_min=30, pixel_size_um=0.65, images=None)
        graph, metadata = geff.read(tmp_path / "r0.geff", structure_validation=True)
    assert (tmp_path / "r0.geff/.zgroup").exists(), "zarr format 2"
    nodes = pd.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index").sort_values(["track_id", "t"], ignore_index=True)
    pd.testing.assert_series_equal(nodes["y"], tracks["y"], check_exact=True)
    pd.testing.assert_series_equal(nodes["x"], tracks["x"], check_exact=True)
    assert nodes["t"].tolist() == tracks["frame"].tolist()
    merged = tracks.merge(predictions, on=["track_id", "frame"], how="left", suffixes=("", "_again"))
    for name in ("probability_mitosis", "probability_apoptosis"):
        np.testing.assert_array_equal(nodes[name], merged[name])
    known = merged["call"].notna()
    assert nodes.loc[known, "call"].tolist() == merged.loc[known, "call"].tolist()
    assert set(nodes.loc[known, "call"]) == {"apoptosis", "mitosis"}
    assert (nodes.loc[known, "lowest_member"] < nodes.loc[known, "highest_member"]).all()
    assert set(nodes.loc[known, "seen_in_training"]) == {"no"}
    assert metadata.node_props_metadata["call"].dtype == "str"
    assert "probability_mitosis" not in next(data for _, data in graph.nodes(data=True) if data["track_id"] == 9)
    fates = fates_of(predictions).set_index(["horizon_hours", "track_id", "frame"]).sort_index()
    for name, hours, column in (("mitosis_within_5h", 5.0, "positive"), ("apoptosis_within_0.5h", 0.5, "negative")):
        expected = fates.loc[hours, column].reindex(pd.MultiIndex.from_frame(nodes[["track_id", "t"]]))
        np.testing.assert_array_equal(nodes[name], expected)
        assert expected.notna().sum() < known.sum(), "a frame without risks has none"
    assert set(NAMES) < set(metadata.node_props_metadata)
    assert metadata.node_props_metadata["mitosis_within_5h"].description.startswith("probability of mitosis within 5 hours")
    given_event = metadata.node_props_metadata["mitosis_given_event_0.5h"].description
    assert given_event == "probability of mitosis, given that an event comes within 0.5 hours"
    assert not set(NAMES) & set(next(data for _, data in graph.nodes(data=True) if data["track_id"] == 9))
    lineage = next(part for part in nx.weakly_connected_components(graph) if len({graph.nodes[n]["track_id"] for n in part}) == 3)
    assert {graph.nodes[n]["track_id"] for n in lineage} == {1, 2, 3}
    axes = {axis.name: (axis.type, axis.unit, axis.scale, axis.scaled_unit) for axis in metadata.axes}
    assert axes == {
        "t": ("time", "frame", 30, "minute"),
        "y": ("space", "pixel", 0.65, "micrometer"),
        "x": ("space", "pixel", 0.65, "micrometer"),
    }
    given = "the track ends in apoptosis or mitosis"
    assert metadata.extra["cellfate"]["probabilities_given"] == given
    assert given in metadata.node_props_metadata["probability_mitosis"].description


def test_a_geff_without_a_pixel_size_or_a_value(tables, tmp_path):
    tracks, predictions = tables
    write_geff(tracks, predictions.iloc[:0], None, tmp_path / "r0.geff", OUTCOMES, frame_interval_min=30, pixel_size_um=None, images=None)
    graph, metadata = geff.read(tmp_path / "r0.geff")
    assert graph.number_of_nodes() == len(tracks)
    assert {axis.name: axis.scaled_unit for axis in metadata.axes} == {"t": "minute", "y": None, "x": None}


def test_the_napari_tracks_hold_what_napari_wants(tables, tmp_path):
    """Rows sorted by track and time, four numeric columns first; the graph is {track: [its parent]}."""
    tracks, predictions = tables
    risks = risks_by_frame(fates_of(predictions), OUTCOMES)
    write_napari_tracks(tracks, predictions, risks, tmp_path / "r0.napari.csv", OUTCOMES)
    table = pd.read_csv(tmp_path / "r0.napari.csv", float_precision="round_trip")
    assert list(table.columns[:5]) == ["track_id", "t", "y", "x", "parent"]
    np.testing.assert_array_equal(table[["track_id", "t", "y", "x"]], tracks[["track_id", "frame", "y", "x"]])
    parents = table.dropna(subset="parent").drop_duplicates("track_id").set_index("track_id")["parent"]
    assert parents.to_dict() == {2: 1, 3: 1, 5: 77}
    assert table.loc[table["track_id"] == 9, "probability_mitosis"].isna().all()
    assert [name for name in table.columns if name in NAMES] == NAMES
    positive = fates_of(predictions).query("horizon_hours == 5").sort_values(["track_id", "frame"])["positive"]
    np.testing.assert_allclose(table["mitosis_within_5h"].dropna(), positive)
    known = table["probability_mitosis"].dropna()
    np.testing.assert_allclose(known, predictions.sort_values(["track_id", "frame"])["probability_mitosis"])
    assert set(table["call"].dropna()) == {"apoptosis", "mitosis"}
    assert table["call"].isna().tolist() == table["lowest_member"].isna().tolist() == table["probability_mitosis"].isna().tolist()
    assert (table["given"] == "the track ends in apoptosis or mitosis").all()


@pytest.mark.parametrize("tracks_format", ["napari", "geff"])
def test_exported_tracks_come_back_as_tracks_of_a_sheet(tables, tmp_path, tracks_format):
    tracks, predictions = tables
    path = tmp_path / ("r0.napari.csv" if tracks_format == "napari" else "r0.geff")
    if tracks_format == "napari":
        write_napari_tracks(tracks, predictions, None, path, OUTCOMES)
    else:
        write_geff(tracks, predictions, None, path, OUTCOMES, frame_interval_min=30, pixel_size_um=0.65, images=None)
    found, _ = read_tracks(path, tracks_format, RecordingFacts("r0", 1000, (10_000, 10_000), 0.65, 30), 2)
    columns = ["track_id", "frame", "y", "x"]
    pd.testing.assert_frame_equal(found[columns], tracks[columns], check_dtype=False)
    mothers = found.drop_duplicates("track_id").set_index("track_id")["parent_id"].dropna()
    assert {daughter: mother for daughter, mother in mothers.items() if daughter != 5} == {2: 1, 3: 1}, "5 names a track that is not there"


@pytest.mark.parametrize(
    ("spans", "parents", "declared"),
    [
        ({1: (0, 7), 2: (8, 15), 3: (9, 15)}, {2: 1, 3: 1}, True),
        ({1: (0, 7), 2: (8, 15)}, {2: 1}, False),  # one daughter: GEFF would call both one tracklet
        ({1: (0, 9), 2: (6, 9)}, {2: 1}, False),  # a mother that goes on
        ({1: (0, 0)}, None, True),
    ],
)
def test_tracks_are_called_tracklets_where_they_are_what_geff_means_by_it(tmp_path, spans, parents, declared):
    tracks = toy_tracks(spans, parents=parents)
    write_geff(tracks, None, None, tmp_path / "r0.geff", OUTCOMES, frame_interval_min=30, pixel_size_um=None, images=None)
    found = read_to_memory(tmp_path / "r0.geff")
    assert (found["metadata"].track_node_props == {"tracklet": "track_id"}) is declared
    validate_data(found, ValidationConfig(graph=True, tracklet=declared))
