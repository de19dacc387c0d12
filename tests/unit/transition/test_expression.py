"""Reading h5ad files, their checks, and the preparation of cells."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellfate.base.errors import InputError
from cellfate.transition.expression import prepare, read_embedding
from cellfate.transition.fit import logistic, prepare_cells, read_cells
from cellfate.transition.h5ad import read_h5ad, write_h5ad
from cellfate.transition.kinds import are_logarithms, why_no_logarithms
from cellfate.transition.parts import split_cells

SOURCES = str(Path(__file__).parents[3] / "src")
GENES = [f"g{i}" for i in range(6)]
COUNTS = {"layer": "X", "kind": "counts"}
READING = COUNTS | {"label": "phenotype", "targets": {"kind": "static"}, "min_cells": 4, "components": 20}
PREPARATION = {"fractions": (0.5, 0.25, 0.25), "genes": 200, "components": 3, "seed": 0}


def counts(n: int = 40) -> np.ndarray:
    return np.random.default_rng(0).poisson(5, (n, 6)) + 1


def write(path, values=None, cells=None, genes=GENES, **columns):
    values = counts() if values is None else values
    cells = [f"c{i}" for i in range(len(values))] if cells is None else cells
    labels = np.array(["a", "b"] * (len(values) // 2), object)
    write_h5ad(path, values, cells, genes, {"phenotype": labels, **columns})
    return path


def test_what_was_written_is_read(tmp_path):
    path = write(tmp_path / "cells.h5ad", time=np.arange(40.0))
    found = read_h5ad(path, **COUNTS)
    assert (found.values == counts()).all()
    assert found.genes.tolist() == GENES
    assert found.columns["phenotype"].tolist() == ["a", "b"] * 20
    assert found.columns["time"].tolist() == list(range(40))


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix"])
def test_sparse_layers_and_categories(tmp_path, kind):
    path = write(tmp_path / "cells.h5ad")
    matrix = getattr(sparse, kind)(counts())
    with h5py.File(path, "a") as file:
        group = file.create_group("layers/raw")
        group.attrs.update({"encoding-type": kind, "shape": matrix.shape})
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)
        category = file["obs"].create_group("kind")
        category["codes"], category["categories"] = np.array([0, 1, -1, 0] * 10), ["x", "y"]
    found = read_h5ad(path, layer="layers/raw", kind="counts")
    assert (found.values == counts()).all()
    assert found.columns["kind"].tolist() == ["x", "y", None, "x"] * 10


def scaled() -> np.ndarray:
    values = counts().astype(float)
    return (values - values.mean(axis=0)) / values.std(axis=0)


def changed(value: float) -> np.ndarray:
    values = counts().astype(float)
    values[3, 2] = value
    return values


def logs(total: float | None) -> np.ndarray:
    """log1p of counts, of cells of different depth normalised to one total where that is given."""
    depth = np.random.default_rng(1).uniform(0.5, 3, (40, 1))
    values = np.random.default_rng(0).poisson(5 * depth, (40, 6)) + 1.0
    return np.log1p(values if total is None else values / values.sum(axis=1, keepdims=True) * total).astype(np.float32)


def corrected() -> np.ndarray:
    """Counts of which a fraction, another one in each value, was ambient RNA."""
    rng = np.random.default_rng(2)
    return np.minimum(rng.poisson(12, (40, 6)) * rng.uniform(0.7, 0.99, (40, 6)), 19.5)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (changed(-1), "counts", "cell 'c3', gene 'g2': -1; counts cannot be negative"),
        (logs(1e4), "counts", "these are logarithms, not counts .*: say kind: lognorm"),
        (logs(None), "counts", "these are logarithms, not counts .*: say kind: lognorm"),
        (corrected(), "lognorm", r"exp\(x\) - 1 adds up to .* in a cell, more than is ever counted, .* say kind: counts"),
        (changed(1.5), "lognorm", "most values are whole numbers, so these are counts, not logarithms: say kind: counts"),
        (changed(np.nan), "counts", "cell 'c3', gene 'g2': nan; a finite number"),
        (scaled(), "lognorm", "scaled .z-scored. data, which is refused"),
        (scaled(), "counts", "scaled data"),
        (counts(), "lognorm", "counts, not logarithms: say kind: counts"),
        (counts() * 10.5, "lognorm", "logarithms above 20"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path, values, kind, message):
    with pytest.raises(InputError, match=message):
        read_h5ad(write(tmp_path / "cells.h5ad", values), layer="X", kind=kind)


@pytest.mark.parametrize("values", [corrected(), corrected() * 7, changed(1.5), counts(), counts() * 1.25])
def test_fractions_are_counts_after_a_correction_for_ambient_rna(tmp_path, values):
    found = read_h5ad(write(tmp_path / "cells.h5ad", values), **COUNTS)
    np.testing.assert_array_equal(found.values, values)


def many_cells(n_genes: int = 300) -> np.ndarray:
    """Counts of 60 cells, most of them 0, as single cells have them."""
    rng = np.random.default_rng(5)
    return rng.poisson(rng.gamma(0.3, 2.0, n_genes) * rng.uniform(0.3, 3, (60, 1))) + np.eye(60, n_genes)


@pytest.mark.parametrize("part", [slice(None), slice(0, 300, 4)], ids=["all genes", "some genes"])
@pytest.mark.parametrize("total", [None, 1e4, 1e6])
def test_logarithms_are_known_also_where_genes_were_chosen_after_the_normalisation(part, total):
    values = many_cells()
    values = np.log1p(values if total is None else values / values.sum(axis=1, keepdims=True) * total).astype(np.float32)[:, part]
    assert are_logarithms(values.astype(float))
    assert why_no_logarithms(values.astype(float)) is None


def test_logarithms_of_corrected_counts_of_chosen_genes_pass_as_what_they_are_said_to_be():
    rng = np.random.default_rng(6)
    values = many_cells() * rng.uniform(0.7, 1, (60, 300))
    values = np.log1p(values / values.sum(axis=1, keepdims=True) * 1e4)[:, ::4]
    assert why_no_logarithms(values) is None


def test_an_index_of_nullable_text_is_read(tmp_path):
    path = write(tmp_path / "cells.h5ad")
    with h5py.File(path, "a") as file:
        for name, names in (("obs", [f"c{i}" for i in range(40)]), ("var", GENES)):
            del file[name]["_index"]
            group = file[name].create_group("_index")
            group.attrs.update({"encoding-type": "nullable-string-array", "encoding-version": "0.1.0"})
            group["values"], group["mask"] = np.array(names, object), np.zeros(len(names), bool)
    found = read_h5ad(path, **COUNTS)
    assert found.cells.tolist() == [f"c{i}" for i in range(40)]
    assert found.genes.tolist() == GENES
    with h5py.File(path, "a") as file:
        file["obs/_index/mask"][7] = True
    with pytest.raises(InputError, match=r"cells.h5ad: row 7 of obs has no name \(obs/_index\)"):
        read_h5ad(path, **COUNTS)


@pytest.mark.parametrize(
    "compression", [hdf5plugin.Zstd(), hdf5plugin.Blosc(cname="zstd"), hdf5plugin.Blosc2()], ids=["zstd", "blosc", "blosc2"]
)
def test_compressed_values_are_read_in_a_process_that_has_nothing_else_imported(tmp_path, compression):
    path = write(tmp_path / "cells.h5ad")
    with h5py.File(path, "a") as file:
        del file["X"]
        file.create_dataset("X", data=counts(), **compression)
    code = f"from cellfate.transition.h5ad import read_h5ad; print(read_h5ad({str(path)!r}, layer='X', kind='counts').values.sum())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": SOURCES}
    )
    assert done.stdout.split() == [str(float(counts().sum()))], done.stderr


def test_columns_that_nothing_asks_for_are_never_opened(tmp_path):
    path = write(tmp_path / "cells.h5ad", time=np.arange(40.0))
    with h5py.File(path, "a") as file:
        obs = file["obs"]
        obs.create_group("odd").attrs["encoding-type"] = "awkward-array"
        obs["batch/run"] = np.arange(40)  # anndata writes a slash as a group in a group
        obs["damaged"] = h5py.SoftLink("/nowhere")
        obs.attrs["column-order"] = ["phenotype", "time", "odd", "batch/run", "damaged"]
    table = read_cells(path, **READING)
    assert table.phenotypes == ["a", "b"]
    columns = table.expression.columns
    assert columns.columns == ("phenotype", "time", "odd", "batch/run", "damaged")
    assert columns["batch/run"].tolist() == list(range(40))
    with pytest.raises(InputError, match=r"cells.h5ad: column 'odd' of obs has the encoding 'awkward-array', which cannot be read"):
        read_cells(path, **READING | {"label": "odd"})
    with pytest.raises(InputError, match=r"cells.h5ad: cannot be read, .*column 'damaged' of the cells"):
        read_cells(path, **READING | {"label": "damaged"})


def test_columns_follow_the_cells_that_are_kept(tmp_path):
    columns = read_h5ad(write(tmp_path / "cells.h5ad", time=np.arange(40.0)), **COUNTS).columns
    odd = np.arange(40) % 2 == 1
    assert columns.of(odd)["time"].tolist() == list(range(1, 40, 2))
    assert columns.of(odd).of(np.arange(20) < 3)["time"].tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"genes": ["g0", *GENES[:5]]}, "gene 'g0' occurs 2 times"),
        ({"cells": ["c1"] + [f"c{i}" for i in range(39)]}, "cell 'c1' occurs 2 times"),
    ],
)
def test_names_that_occur_twice_are_refused(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_h5ad(write(tmp_path / "cells.h5ad", **changes), **COUNTS)


def test_missing_files_and_layers_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_h5ad(tmp_path / "nothing.h5ad", **COUNTS)
    (tmp_path / "text.h5ad").write_text("no HDF5")
    with pytest.raises(InputError, match="not readable as HDF5, an h5ad file"):
        read_h5ad(tmp_path / "text.h5ad", **COUNTS)
    with pytest.raises(InputError, match="no layer 'raw/X'; the file has X"):
        read_h5ad(write(tmp_path / "cells.h5ad"), layer="raw/X", kind="counts")


def with_labels(labels: list) -> dict:
    return {"phenotype": np.array(labels, object)}


@pytest.mark.parametrize(
    ("label", "columns", "message"),
    [
        ("kind", {}, "no column 'kind' .transition.label.; the columns of the cells are"),
        ("phenotype", with_labels([""] + ["a", "b"] * 19 + ["a"]), "cell 'c0' has no label in 'phenotype'"),
        ("phenotype", with_labels(["a"] * 40), "all cells are 'a'"),
        ("phenotype", with_labels(["a"] * 37 + ["b"] * 3), "phenotype 'b' has 3 cells in column 'phenotype', at least 4 are needed"),
    ],
)
def test_labels_that_do_not_do_are_refused(tmp_path, label, columns, message):
    path = tmp_path / "cells.h5ad"
    write_h5ad(path, counts(), [f"c{i}" for i in range(40)], GENES, {"phenotype": np.array(["a", "b"] * 20, object)} | columns)
    with pytest.raises(InputError, match=message):
        read_cells(path, **READING | {"label": label})


def test_static_labels_are_refused_as_transitions(tmp_path):
    path = write(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="static labels are refused"):
        read_cells(path, **READING | {"targets": {"kind": "observed", "column": "phenotype"}})
    assert np.isnan(read_cells(path, **READING).targets).all()


@pytest.mark.parametrize(
    ("targets", "missing"),
    [
        ({"kind": "observed"}, "column is missing: kind observed needs it"),
        ({"kind": "optimal_transport", "time": None}, "time is missing"),
        ({"kind": "optimal_transport", "time": "time", "growth": {"source": "none"}, "time_unit": "day"}, "epsilon is missing"),
        ({"kind": "pseudotime", "column": "time", "neighbours": 5}, "bias is missing"),
    ],
)
def test_what_a_kind_of_targets_needs_must_be_given(tmp_path, targets, missing):
    path = write(tmp_path / "cells.h5ad", time=np.arange(40.0))
    with pytest.raises(InputError, match=f"transition.targets.{missing}"):
        read_cells(path, **READING | {"targets": targets})


def test_training_cells_alone_set_the_scale(tmp_path):
    table = read_cells(write(tmp_path / "cells.h5ad"), **READING)
    prepared, cells = prepare_cells(table, **PREPARATION)
    train = prepared.parts == "train"
    assert prepared.values[train].mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-9)
    assert prepared.values[train].std(axis=0) == pytest.approx(np.ones(6))
    assert prepared.embedding_name == "PCA"
    middle, width = prepared.log_expression[train].mean(axis=0), prepared.log_expression[train].std(axis=0)
    assert prepared.zero == pytest.approx(-middle / width)
    assert cells.expression.shape == (40, 6)


def test_the_split_keeps_groups_and_phenotypes():
    codes = np.tile([0, 1], 30)
    parts = split_cells(codes, (0.5, 0.25, 0.25), seed=1, names="ab")
    assert {name: int((parts == name).sum()) for name in ("train", "validation", "test")} == {"train": 30, "validation": 14, "test": 16}
    groups = np.repeat(np.arange(12), 5)
    parts = split_cells(codes, (0.5, 0.25, 0.25), 1, groups, names="ab")
    assert all(len(set(parts[groups == group])) == 1 for group in range(12))
    with pytest.raises(InputError, match="has no cell in the"):
        split_cells(codes, (0.5, 0.25, 0.25), 1, codes, names="ab")


def test_a_given_embedding_is_called_so(tmp_path):
    path = tmp_path / "embedding.csv"
    table = pd.DataFrame({"cell": [f"c{i}" for i in reversed(range(40))], "x": np.arange(40.0)})
    table.to_csv(path, index=False)
    cells = read_h5ad(write(tmp_path / "cells.h5ad"), **COUNTS)
    found = read_embedding(path, cells.cells)
    assert found[:, 0].tolist() == list(reversed(range(40)))
    prepared = prepare(cells, np.tile([0, 1], 20), **PREPARATION, names="ab", embedding=found)
    assert prepared.embedding_name == "given embedding"
    table.iloc[1:].to_csv(path, index=False)
    with pytest.raises(InputError, match="cell 'c39' is missing"):
        read_embedding(path, cells.cells)


def pbmc68k() -> Path:
    """The file that comes inside scanpy's wheel: CELLFATE_PBMC68K, or scanpy where it is installed."""
    named = os.environ.get("CELLFATE_PBMC68K")
    if named:
        return Path(named)
    found = importlib.util.find_spec("scanpy")
    if found is None:
        pytest.skip("NOT CHECKED on real cells: scanpy is not installed (set CELLFATE_PBMC68K to its datasets/10x_pbmc68k_reduced.h5ad)")
    return Path(found.origin).parent / "datasets/10x_pbmc68k_reduced.h5ad"


def test_the_real_cells_of_scanpy_are_read_and_classified():
    path = pbmc68k()
    table = read_cells(path, **READING | {"label": "bulk_labels", "layer": "raw/X", "kind": "lognorm", "min_cells": 8})
    assert table.expression.values.shape == (700, 765)
    assert len(table.phenotypes) == 10
    prepared, cells = prepare_cells(table, fractions=(0.6, 0.15, 0.25), genes=100, components=20, seed=1)
    _, _, scores, _ = logistic(prepared, cells, 10, confidence_k=None)
    assert scores["accuracy"] > 0.6
    with pytest.raises(InputError, match=r"scaled .z-scored. data, which is refused"):
        read_h5ad(path, layer="X", kind="lognorm")
