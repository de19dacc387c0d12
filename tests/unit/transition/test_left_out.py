"""Cells without a label and of rare phenotypes, left out and counted; and values that stay sparse."""

import h5py
import numpy as np
import pytest
from scipy import sparse

from cellfate.base.errors import InputError
from cellfate.transition import h5ad
from cellfate.transition.expression import principal_components
from cellfate.transition.files import PreparedFile, read_prepared, write_prepared
from cellfate.transition.fit import prepare_cells, prepare_left_out, read_cells
from cellfate.transition.genes.variable import adjusted_variance, choose_genes
from cellfate.transition.h5ad import read_h5ad, write_h5ad

READING = {"layer": "X", "kind": "counts", "label": "type", "min_cells": 10, "components": 3}
OBSERVED = {"kind": "observed", "column": "following", "step": None}
STATIC = {"kind": "static"}
SPLIT = {"fractions": (0.6, 0.2, 0.2), "genes": 8, "components": 3, "seed": 0}


def counts(n: int = 60) -> np.ndarray:
    return np.random.default_rng(3).poisson(np.linspace(0.3, 6, 12), (n, 12)) + np.eye(n, 12)


@pytest.fixture
def cells(tmp_path):
    """30 cells A, 25 B, 3 rare ones, 2 without a label; every fifth has no next phenotype, that of one is the rare type."""
    labels = np.array(["A"] * 30 + ["B"] * 25 + ["rare"] * 3 + [None] * 2, object)
    following = np.array(["A", "B", "B", "A", None] * 12, object)
    following[1] = "rare"
    values = counts() + 1
    write_h5ad(
        tmp_path / "c.h5ad", values, [f"c{n}" for n in range(60)], [f"g{n}" for n in range(12)], {"type": labels, "following": following}
    )
    return tmp_path / "c.h5ad"


def test_what_may_not_be_left_out_stops_the_run_and_says_how_to(cells):
    with pytest.raises(InputError, match=r"cell 'c58' has no label in 'type' \(2 cells have none\).*unlabelled in transition.leave_out"):
        read_cells(cells, targets=STATIC, **READING)
    with pytest.raises(InputError, match=r"phenotype 'rare' has 3 cells .* rare in transition.leave_out"):
        read_cells(cells, targets=STATIC, **READING, leave_out=["unlabelled"])


def test_cells_that_are_left_out_are_counted(cells):
    table = read_cells(cells, targets=OBSERVED, **READING, leave_out=["unlabelled", "rare"])
    assert table.phenotypes == ["A", "B"]
    assert "left out: 2 with no label; 12 with no next phenotype; 3 of rare phenotypes: rare (3)" in table.describe()
    assert len(table.phenotype) + len(table.left_out.why) == 60
    assert "the next phenotype of 1 cells is one that was left out, and counts as unknown: P is of the others" in table.found.lines
    assert not set(table.expression.cells) & set(table.left_out.expression.cells)


@pytest.fixture
def seldom(tmp_path):
    """30 cells each of A, B, C and late; 3 late cells have a next phenotype, and all of C are followed by late ones; nothing follows B."""
    labels = np.repeat(np.array(["A", "B", "C", "late"], object), 30)
    following = np.array([*["A", "B"] * 14, "late", "late", *[None] * 30, *["late"] * 30, *["A"] * 3, *[None] * 27], object)
    write_h5ad(
        tmp_path / "s.h5ad",
        counts(120) + 1,
        [f"c{n}" for n in range(120)],
        [f"g{n}" for n in range(12)],
        {"type": labels, "following": following, **{f"next_{name}": (following == name).astype(float) for name in ("A", "B", "C", "late")}},
    )
    return tmp_path / "s.h5ad"


KINDS = {"observed": OBSERVED, "listed": OBSERVED | {"separator": ";"}, "shares": {"kind": "distribution", "column": "next_", "step": None}}


@pytest.mark.parametrize("targets", KINDS.values(), ids=KINDS)
def test_phenotypes_of_which_too_few_cells_are_followed_are_left_out_and_counted(seldom, targets):
    with pytest.raises(InputError, match=r"only 3 of the 30 cells of phenotype 'late' have a next phenotype.*rare in transition.leave_out"):
        read_cells(seldom, targets=targets, **READING)
    table = read_cells(seldom, targets=targets, **READING, leave_out=["rare"])
    assert "60 of phenotypes too few cells of which have a next one: C (30), late (30)" in table.describe()
    assert table.phenotypes == ["A", "B"]
    assert [table.phenotypes[code] for code in table.absorbing] == ["B"]  # C is followed, by what was left out, so it is not absorbing
    assert (table.left_out.why == "phenotype seldom followed").sum() == 60
    assert (table.left_out.why == "no next phenotype").sum() == 2  # those of A whose next phenotype was left out


def test_a_phenotype_that_rare_ones_follow_is_not_absorbing(cells):
    with h5py.File(cells, "a") as file:
        del file["obs/following"]
        file["obs/following"] = np.array(["A", "B"] * 15 + ["rare"] * 30, object).astype("S4")
    with pytest.raises(InputError, match="all cells are 'A'"):
        read_cells(cells, targets=OBSERVED, **READING, leave_out=["unlabelled", "rare"])


@pytest.fixture
def followed_by_rare(tmp_path):
    """Clones of 30 cells A each followed by one B, and of 15 cells B each followed by a rare or an unlabelled one; shares say the same."""
    labels = np.array(["A"] * 30 + ["B"] * 15 + ["B"] * 30 + ["rare"] * 5 + [None] * 10, object)
    n, times = len(labels), np.array([0] * 45 + [1] * 45)
    clones = np.array([f"k{n % 45}" for n in range(n)], object)
    shares = {"next_B": np.where(labels == "A", 1.0, 0), "next_rare": np.where((labels == "B") & (times == 0), 1.0, 0)}
    columns = {"type": labels, "clone": clones, "day": times, **shares}
    write_h5ad(tmp_path / "f.h5ad", counts(n) + 1, [f"c{n}" for n in range(n)], [f"g{n}" for n in range(12)], columns)
    return tmp_path / "f.h5ad"


LINEAGE = {"clones": {"kind": "clones", "clone": "clone", "time": "day"}, "shares": {"kind": "distribution", "column": "next_"}}


@pytest.mark.parametrize("targets", LINEAGE.values(), ids=LINEAGE)
def test_what_only_cells_that_were_left_out_follow_is_not_absorbing(followed_by_rare, targets):
    with pytest.raises(InputError, match="all cells are 'A'"):  # B is followed by what was left out, and is left out too
        read_cells(followed_by_rare, targets=targets | {"step": None}, **READING, leave_out=["unlabelled", "rare"])


def test_what_only_unlabelled_cells_of_a_clone_follow_is_named(followed_by_rare):
    with h5py.File(followed_by_rare, "a") as file:
        labels = file["obs/type"].asstr()[()]
        del file["obs/type"]
        file["obs/type"] = np.where(labels == "rare", "", labels).astype("S4")
    targets = LINEAGE["clones"] | {"step": None}
    with pytest.raises(InputError, match=r"phenotype 'B' is followed, but only by cells that were left out .* so it is not absorbing"):
        read_cells(followed_by_rare, targets=targets, **READING, leave_out=["unlabelled"])


def test_cells_that_are_left_out_are_prepared_like_the_others(cells, tmp_path):
    both = read_cells(cells, targets=STATIC, **READING, leave_out=["unlabelled", "rare"])
    prepared, made = prepare_cells(both, **SPLIT)
    gone = prepare_left_out(both, prepared)
    assert gone.cells.tolist() == ["c55", "c56", "c57", "c58", "c59"]
    again = prepared.scaling(both.expression, prepared.parts, None)
    np.testing.assert_allclose(again.values, prepared.values)
    np.testing.assert_allclose(again.embedding, prepared.embedding, atol=1e-9)
    file = PreparedFile(
        prepared,
        made.phenotype,
        both.phenotypes,
        made.targets,
        both.targets_kind,
        left_out=gone,
        left_out_phenotype=both.left_out.codes(both.phenotypes),
    )
    write_prepared(file, tmp_path / "prepared.h5")
    again = read_prepared(tmp_path / "prepared.h5")
    assert again.left_out_phenotype.tolist() == [-1] * 5
    found = again.left_out
    assert found.parts.tolist() == ["rare phenotype"] * 3 + ["no label"] * 2
    np.testing.assert_allclose(found.values, gone.values, rtol=1e-5, atol=1e-6)


def as_sparse(path, values, name="layers/sparse"):
    matrix = sparse.csr_matrix(values.astype(np.float32))
    with h5py.File(path, "a") as file:
        group = file.create_group(name)
        group.attrs.update({"encoding-type": "csr_matrix", "shape": matrix.shape})
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)


def test_sparse_values_give_what_dense_ones_do(cells):
    values = np.where(counts() > 2, counts(), 0) + np.eye(60, 12)
    with h5py.File(cells, "a") as file:
        file["X"][...] = values
    as_sparse(cells, values)
    leaving = READING | {"leave_out": ["unlabelled", "rare"]}
    dense, thin = (read_cells(cells, targets=STATIC, **leaving | {"layer": layer}) for layer in ("X", "layers/sparse"))
    assert sparse.issparse(thin.expression.values)
    of_dense, of_thin = (prepare_cells(table, **SPLIT)[0] for table in (dense, thin))
    assert of_thin.genes.tolist() == of_dense.genes.tolist()
    np.testing.assert_allclose(of_thin.values, of_dense.values, atol=1e-5)
    np.testing.assert_allclose(np.abs(of_thin.embedding), np.abs(of_dense.embedding), atol=1e-4)


def test_moments_and_components_of_sparse_values_are_those_of_dense_ones():
    values = np.where(counts(200) > 2, counts(200), 0)
    values = values[:, values.var(axis=0) > 0]
    thin = sparse.csr_array(values)
    np.testing.assert_allclose(adjusted_variance(thin), adjusted_variance(values))
    assert choose_genes(thin, 4, [0]).tolist() == choose_genes(values, 4, [0]).tolist()
    np.testing.assert_allclose(np.abs(principal_components(thin, 3)), np.abs(principal_components(values, 3)), atol=1e-6)


def test_wrong_values_are_named_in_sparse_matrices_and_in_large_dense_ones(cells, monkeypatch):
    values = counts()
    values[4, 7] = -2
    as_sparse(cells, values)
    with h5py.File(cells, "a") as file:
        file["X"][...] = values
    with pytest.raises(InputError, match="cell 'c4', gene 'g7': -2; counts cannot be negative"):
        read_h5ad(cells, layer="layers/sparse", kind="counts")
    monkeypatch.setattr(h5ad, "LARGE", 100)
    with pytest.raises(InputError, match="cell 'c4', gene 'g7': -2; counts cannot be negative"):
        read_h5ad(cells, layer="X", kind="counts")
    with h5py.File(cells, "a") as file:
        file["X"][...] = counts()
    found = read_h5ad(cells, layer="X", kind="counts").values
    assert sparse.issparse(found)
    assert (found.toarray() == counts()).all()
