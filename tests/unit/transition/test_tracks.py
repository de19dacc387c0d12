"""Tracked cells as cells: tables of any program, looks, and their faults."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.states.clusters import found_states
from cellfate.transition.fit import prepare_cells, read_cells
from cellfate.transition.h5ad import write_h5ad
from cellfate.transition.matrix.counted import counted_matrix
from cellfate.transition.tracks.looks import find_looks
from cellfate.transition.tracks.reading import TrackColumns, read_tracks

COLUMNS = TrackColumns("movie", "TRACK_ID", "POSITION_T", "state")
P = np.array([[0.8, 0.2], [0.3, 0.7]])


def chain(seed: int = 0, tracks: int = 60, frames: int = 13, recordings: int = 3) -> pd.DataFrame:
    """Another program's table, frames each 0.25 h: states change by P from hour to hour and stay within it."""
    rng, rows = np.random.default_rng(seed), []
    for movie in range(recordings):
        for track in range(tracks):
            state = int(rng.integers(2))
            for frame in range(frames):
                if frame and frame % 4 == 0:
                    state = int(rng.random() < P[state, 1])
                area = 100 + 80 * state + 10 * rng.normal()
                rows.append((f"m{movie}", float(track), 0.25 * frame, "ab"[state], area, rng.normal() - 3, 7.0))
    return pd.DataFrame(rows, columns=["movie", "TRACK_ID", "POSITION_T", "state", "AREA", "MEAN_INTENSITY_CH2", "same"])


def read(table: pd.DataFrame, tmp_path, columns: TrackColumns = COLUMNS, features=None, sep=","):
    table.to_csv(tmp_path / "spots.csv", index=False, sep=sep)
    return read_tracks([tmp_path / "spots.csv"], columns, features)


def looks(table: pd.DataFrame, tmp_path, lag_h: float = 1.0, drop_incomplete: bool = False, **reading):
    tracks = read(table, tmp_path, **reading)
    return find_looks(tracks, tracks.rows["time"].to_numpy(), lag_h, drop_incomplete=drop_incomplete)


def test_the_counted_matrix_is_that_of_the_chain(tmp_path):
    found = looks(chain(tracks=400), tmp_path)
    assert found.features == ["AREA", "MEAN_INTENSITY_CH2"]  # neither the columns that are named nor what never varies
    known = (found.columns["phenotype"] != "") & (found.columns["next_phenotype"] != "")
    pairs = pd.crosstab(found.columns["phenotype"][known], found.columns["next_phenotype"][known], normalize="index")
    assert known.sum() == 1200 * 3
    assert pairs.to_numpy() == pytest.approx(P, abs=0.04)


def test_features_go_through_to_a_counted_p_with_limits_by_track(tmp_path):
    found = looks(chain(), tmp_path)
    write_h5ad(tmp_path / "looks.h5ad", found.values, found.names, found.features, found.columns)
    targets = {"kind": "observed", "column": "next_phenotype", "step": 1, "time_unit": "hour"}
    reading = {"layer": "X", "kind": "features", "min_cells": 20, "components": 2, "group": "track"}
    table = read_cells(tmp_path / "looks.h5ad", label="phenotype", targets=targets, **reading)
    assert not table.absorbing
    prepared, cells = prepare_cells(table, fractions=(0.6, 0.15, 0.25), genes=4, components=2, seed=1)
    train = prepared.parts == "train"
    assert list(prepared.genes) == found.features
    assert prepared.values[train].mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert (prepared.zero == 0).all()  # a knockout holds a feature at its mean; an area of nothing is no cell
    assert all(len(set(prepared.parts[table.groups == track])) == 1 for track in set(table.groups))
    counted = counted_matrix(cells.targets, cells.phenotype, (), table.groups)
    assert np.abs(counted.P - P).max() < 0.1
    assert ((counted.low < counted.P) & (counted.high > counted.P)).all()
    assert counted.intervals == ["cluster-robust, by group"] * 2


def test_other_separators_times_and_track_names(tmp_path):
    table = chain()
    plain = looks(table, tmp_path)
    table["TRACK_ID"] = table["TRACK_ID"].map(lambda number: f" cell {number:g}")
    table["POSITION_T"] += np.random.default_rng(1).normal(0, 0.005, len(table))  # clocks are not exact
    other = looks(table, tmp_path, sep=";")
    assert (other.columns["next_phenotype"] == plain.columns["next_phenotype"]).mean() == 1
    assert other.columns["track"][0] == "m0:cell 0"


def test_a_gap_is_no_step(tmp_path):
    table = chain(tracks=20)
    gone = table["TRACK_ID"].eq(3) & table["POSITION_T"].between(0.6, 1.4)
    whole, found = looks(table, tmp_path), looks(table[~gone], tmp_path)
    assert len(found.names) == len(whole.names) - 3
    own = found.columns["track"] == "m0:3"
    assert found.columns["hours"][own].tolist() == [0, 2, 3]
    assert found.columns["next_phenotype"][own][0] == ""


def test_tables_without_a_column_of_recordings_are_one_each(tmp_path):
    paths = []
    for movie, own in chain(tracks=5).groupby("movie"):
        paths.append(tmp_path / f"{movie}.parquet")
        own.drop(columns="movie").to_parquet(paths[-1])
    tracks = read_tracks(paths, TrackColumns(None, "TRACK_ID", "POSITION_T", "state"), None)
    assert sorted(set(tracks.rows["recording"])) == ["m0", "m1", "m2"]
    assert set(tracks.rows["track"]) == set("01234")


def test_phenotypes_by_clusters_of_the_features(tmp_path):
    table = chain(tracks=20)
    table.loc[5, "AREA"] = np.nan
    tracks = read(table, tmp_path, TrackColumns("movie", "TRACK_ID", "POSITION_T", None), ["AREA", "MEAN_INTENSITY_CH2"])
    clustered, lines = tracks.clustered(lambda values, names: found_states(values, names, 2, seed=1))
    assert clustered.rows["phenotype"][5] is None
    states = clustered.rows["phenotype"].drop(5)
    assert set(states) == {"1", "2"}
    assert (states.eq("2") == table["state"].eq("b").drop(5)).mean() > 0.9
    assert lines[0].startswith("state 1: low AREA")


def changed(column, row, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[row, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.drop(columns="TRACK_ID"),
            r"no column 'TRACK_ID' \(transition.tracks.track\); the columns are movie, POSITION_T",
        ),
        (lambda table: table.assign(state=None), r"no row has a phenotype in column 'state' \(transition.tracks.phenotype\)"),
        (lambda table: table[table["POSITION_T"] == 0], "every track has one row only"),
        (changed("AREA", 8, np.nan), r"spots.csv: row 9: AREA is empty \(1 looks lack a feature\)"),
        (changed("POSITION_T", 3, "soon"), r"spots.csv: row 4: POSITION_T is 'soon', a number is needed \(1 rows\)"),
        (changed("POSITION_T", 3, None), "spots.csv: row 4: POSITION_T is empty, a number is needed"),
        (changed("TRACK_ID", 4, None), r"spots.csv: row 5: TRACK_ID is empty \(1 rows\)"),
        (lambda table: table.drop(columns=["AREA", "MEAN_INTENSITY_CH2"]), "no column of numbers that vary is left"),
        (lambda table: table.assign(movie="one"), "track 0 of recording one is there twice at time 0 .*name the column of the recordings"),
        (lambda table: table[table["POSITION_T"] < 0.9], "no track has a phenotype at two looks 1 h apart .*the longest spans 0.75 h"),
        (lambda table: table.iloc[:0], "spots.csv: no row in it"),
    ],
)
def test_faults_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        looks(change(chain(tracks=10)), tmp_path)


def test_features_that_are_asked_for_must_be_numbers(tmp_path):
    with pytest.raises(InputError, match=r"spots\.csv: row 1: state is '[ab]', a number is needed"):
        read(chain(tracks=3), tmp_path, features=["AREA", "state"])
    with pytest.raises(InputError, match=r"no column 'AREAS' \(transition.tracks.features: AREAS\)"):
        read(chain(tracks=3), tmp_path, features=["AREAS"])


def test_looks_without_a_feature_can_be_left_out(tmp_path):
    table = chain(tracks=10)
    table.loc[[8, 9], "AREA"] = np.nan
    found = looks(table, tmp_path, drop_incomplete=True)
    assert len(found.names) == 10 * 3 * 4 - 1
    assert found.lines[-1].startswith("2 rows that lack a feature were left out")


@pytest.mark.parametrize("lag_h", [0.1, 0.6])
def test_a_lag_between_frames_is_refused(tmp_path, lag_h):
    with pytest.raises(InputError, match=f"lag_h is {lag_h:g}, no whole number of frames: they are 0.25 h apart"):
        looks(chain(tracks=10), tmp_path, lag_h=lag_h)


def test_another_column_is_kept_as_a_condition(tmp_path):
    table = chain(tracks=10).assign(drug=lambda rows: np.where(rows["movie"] == "m0", "none", "cisplatin"))
    found = looks(table, tmp_path, columns=TrackColumns("movie", "TRACK_ID", "POSITION_T", "state", ("drug",)))
    assert (found.columns["drug"] == np.where(found.columns["recording"] == "m0", "none", "cisplatin")).all()
