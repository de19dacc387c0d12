"""Several next phenotypes of a cell, shares of them, and clones over time points."""

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.transition.fit import read_cells
from cellfate.transition.h5ad import write_h5ad
from cellfate.transition.matrix.counted import SHARES, counted_matrix
from cellfate.transition.targets.lineage import clone_targets, distributed_targets, listed_targets

NAMES = ["A", "B", "C"]
NONE = [np.nan] * 3


def test_lists_are_shares_and_what_was_left_out_is_taken_from_them():
    found, lost = listed_targets(np.array(["A;A; B", None, "rare;C", "rare"], object), ";", NAMES, {"rare"}, "f")
    np.testing.assert_allclose(found, [[2 / 3, 1 / 3, 0], NONE, [0, 0, 1], NONE])
    assert lost.tolist() == [0, 0, 1, 1]
    with pytest.raises(InputError, match="row 1: next phenotype 'Z' is none of the phenotypes A, B, C"):
        listed_targets(np.array(["A;Z"], object), ";", NAMES, (), "f")


def test_shares_and_counts_of_descendants_are_scaled():
    columns = {"next_A": np.array([3.0, 0, np.nan]), "next_C": np.array([1.0, 0, np.nan])}
    found, lost = distributed_targets(columns.__getitem__, "next_", NAMES, columns, (), "f")
    np.testing.assert_allclose(found, [[0.75, 0, 0.25], NONE, NONE])
    assert not lost.any()
    with pytest.raises(InputError, match="no column is called to_<phenotype>, such as to_A"):
        distributed_targets(columns.__getitem__, "to_", NAMES, columns, (), "f")
    with pytest.raises(InputError, match="row 1 has -3 in a column next_<phenotype>, 0 or more is needed"):
        distributed_targets({"next_A": -columns["next_A"]}.__getitem__, "next_", NAMES, {"next_A"}, (), "f")


def test_shares_of_what_is_no_phenotype_are_lost_or_refused():
    columns = {"next_A": np.array([3.0, 0, 0]), "next_rare": np.array([1.0, 2.0, 0]), "next_rest": np.zeros(3)}
    found, lost = distributed_targets(columns.__getitem__, "next_", NAMES, columns, {"rare"}, "f")
    np.testing.assert_allclose(found, [[1, 0, 0], NONE, NONE])
    assert lost.tolist() == [1, 1, 0]
    with pytest.raises(InputError, match="f: row 1: next_rare is 1, but 'rare' is none of the phenotypes A, B, C"):
        distributed_targets(columns.__getitem__, "next_", NAMES, columns, (), "f")


def test_a_clone_becomes_what_it_is_at_the_next_time():
    clones = np.array(["x", "x", "x", "x", "y", "z", None, "z"], object)
    times = np.array([0, 0, 2, 2, 0, 0, 0, 4.0])
    labels = np.array([0, 1, 1, 2, 0, 0, 0, 1])
    found = clone_targets(clones, times, labels, NAMES, "f")[0]
    expected = [[0, 0.5, 0.5]] * 2 + [NONE] * 6  # z is not there at time 2, what it is at 4 comes too late
    np.testing.assert_allclose(found, expected)
    with pytest.raises(InputError, match="all cells are of one time"):
        clone_targets(clones, np.zeros(8), labels, NAMES, "f")
    with pytest.raises(InputError, match="no cell has a next phenotype"):
        clone_targets(np.arange(8).astype(str).astype(object), times, labels, NAMES, "f")


def test_cells_of_a_clone_that_were_left_out_are_lost():
    clones, times = np.array(["x", "x", "y", "y", "z", "z"], object), np.array([0, 1, 0, 1, 0, 2.0])
    found, lost = clone_targets(clones, times, np.array([0, -1, 0, 1, 0, 1]), NAMES, "f")
    np.testing.assert_allclose(found[2], [0, 1, 0])
    assert np.isnan(found[[0, 1, 3, 4, 5]]).all()
    assert lost.tolist() == [1, 0, 0, 0, 0, 0]


def test_shares_have_limits_by_clone_alone():
    rng = np.random.default_rng(0)
    rows, groups = rng.dirichlet([1, 1, 1], size=12).repeat(2, axis=0), np.arange(12).repeat(2)
    phenotype = np.zeros(24, int)
    assert counted_matrix(rows, phenotype, (1, 2), observed=True).intervals[0] == SHARES
    found = counted_matrix(rows, phenotype, (1, 2), groups, observed=True)
    assert found.intervals[0] == "cluster-robust, by group"
    np.testing.assert_allclose(found.P[0], rows.mean(axis=0))
    assert (found.low[0] < found.P[0]).all()
    assert (found.P[0] < found.high[0]).all()
    assert counted_matrix(rows, phenotype, (1, 2), groups).intervals[0].startswith("none: the next phenotypes are estimated")


def test_clones_are_read_from_a_file_and_are_the_groups(tmp_path):
    rng = np.random.default_rng(1)
    labels = np.where(np.arange(80) < 40, "stem", np.array(["left", "right"])[np.arange(80) // 2 % 2]).astype(object)
    columns = {"type": labels, "clone": np.array([f"k{n % 20}" for n in range(80)], object), "day": (np.arange(80) >= 40).astype(float)}
    write_h5ad(tmp_path / "c.h5ad", rng.poisson(3, (80, 6)) + 1, [f"c{n}" for n in range(80)], [f"g{n}" for n in range(6)], columns)
    targets = {"kind": "clones", "clone": "clone", "time": "day", "time_unit": "day", "step": None}
    reading = {"layer": "X", "kind": "counts", "label": "type", "min_cells": 10, "components": 3}
    table = read_cells(tmp_path / "c.h5ad", targets=targets, **reading)
    assert table.phenotypes == ["left", "right", "stem"]
    assert table.absorbing == (0, 1)
    assert table.groups[:3].tolist() == ["k0", "k1", "k2"]
    np.testing.assert_allclose(table.targets[:4, :2], [[1, 0], [1, 0], [0, 1], [0, 1]])
