"""What a run says of every cell, as an h5ad file that anndata reads."""

import h5py
import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.transition.annotated import annotated_cells, view_table, write_annotated
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import prepare_cells, prepare_left_out, read_cells
from cellfate.transition.h5ad import cell_names, read_h5ad, read_view, write_h5ad
from cellfate.transition.network.model import TransitionSettings
from cellfate.transition.network.variants import build_network
from cellfate.transition.summaries import counted_matrix_table
from cellfate.transition.tables import CELL_VIEW

READING = {"layer": "X", "kind": "counts", "label": "type", "min_cells": 10, "components": 3}
SIZES = {"width": 4, "heads": 1, "layers": 1, "keep": 4, "dropout": 0.0, "prior_weight": 0.0}


@pytest.fixture
def made(tmp_path):
    """60 cells of which the first two have no label, an untrained network, and everything as it is written."""
    rng = np.random.default_rng(3)
    labels = np.array([None] * 2 + ["A", "B/C"] * 29, object)
    columns = {"type": labels, "following": np.array(["A", "B/C", "B/C"] * 19 + ["A", "B/C", None], object)}
    names = [f"c{n}" for n in range(60)]
    write_h5ad(tmp_path / "c.h5ad", rng.poisson(3, (60, 8)) + 1, names, [f"g{n}" for n in range(8)], columns)
    targets = {"kind": "observed", "column": "following", "step": None}
    table = read_cells(tmp_path / "c.h5ad", targets=targets, **READING, leave_out=["unlabelled"])
    prepared, cells = prepare_cells(table, fractions=(0.6, 0.2, 0.2), genes=8, components=3, seed=0)
    gone, codes = prepare_left_out(table, prepared), table.left_out.codes(table.phenotypes)
    file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, "observed", left_out=gone, left_out_phenotype=codes)
    network = build_network("no_cell_learner", TransitionSettings(n_genes=8, n_phenotypes=2, embedding_size=3, **SIZES)).eval()
    fates = pd.DataFrame({"group": "targets", "source": ["A", "B/C"], "fate": "B/C", "probability": 1.0, "ci_low": 0.9, "ci_high": 1.0})
    ends = pd.DataFrame({"cell": prepared.cells, "phenotype": "A", "along": np.nan, "f_B/C": np.linspace(0, 1, 57)})
    found = annotated_cells(file, "no_cell_learner", [network], counted_matrix_table(file), fates, ends)
    found = found.in_order(cell_names(tmp_path / "c.h5ad"))
    write_annotated(found, tmp_path / "out.h5ad")
    return tmp_path, found


def test_cells_stand_in_the_order_of_the_file_and_say_why_they_were_left_out(made):
    _, found = made
    assert found.obs.index.tolist() == [f"c{n}" for n in range(60)]
    assert found.obs["cellfate_part"].tolist()[:2] == ["no label"] * 2
    assert found.obs["cellfate_phenotype"].isna().tolist() == [True] * 2 + [False] * 58
    assert found.obs["cellfate_predicted"].notna().all()
    next_ones = found.obs[["cellfate_next_A", "cellfate_next_B/C"]]
    assert next_ones.iloc[:2].isna().all(axis=None)
    np.testing.assert_allclose(next_ones.iloc[2:].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.obs["cellfate_fate_B/C"].iloc[2:-1], np.linspace(0, 1, 57))
    assert found.obs.iloc[-1]["cellfate_part"] == "no next phenotype"  # it has its label, and the network's next phenotype, and no fate
    assert found.obs.iloc[-1]["cellfate_phenotype"] == "B/C"
    assert np.isnan(found.obs.iloc[-1]["cellfate_fate_B/C"])


def test_the_file_is_read_again_and_the_view_has_a_row_for_each_cell(made):
    folder, found = made
    again = read_h5ad(folder / "out.h5ad", layer="X", kind="lognorm")
    np.testing.assert_allclose(again.values, found.logs, rtol=1e-6)
    assert again.columns["cellfate_part"][0] == "no label"
    np.testing.assert_allclose(read_view(folder / "out.h5ad", "X_cellfate"), found.embedding)
    view = check_table(view_table(found, None), CELL_VIEW, "cell_view")
    CELL_VIEW.check(view) if hasattr(CELL_VIEW, "check") else None
    assert view.columns.tolist() == ["cell", "part", "phenotype", "predicted", "x", "y", "f_B/C"]
    assert len(view) == 60


def test_a_view_that_is_not_there_is_named(made):
    with pytest.raises(InputError, match=r"no 'X_umap' in obsm \(transition.view\); the file has X_cellfate"):
        read_view(made[0] / "out.h5ad", "X_umap")


def test_a_file_that_cannot_be_finished_is_not_there(made, tmp_path, monkeypatch):
    _, found = made
    monkeypatch.setattr("cellfate.transition.annotated._write_frame", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_annotated(found, tmp_path / "half.h5ad")
    assert not list(tmp_path.glob("*half*"))


def test_every_node_says_what_it_is_as_anndata_asks(made):
    kinds = {}
    with h5py.File(made[0] / "out.h5ad") as file:
        file.visititems(lambda name, node: kinds.update({name: node.attrs.get("encoding-type")}))
    assert None not in kinds.values()
    assert kinds["obs/cellfate_part"] == "categorical"
    assert kinds["uns/cellfate/transitions_counted/P"] == "array"


def test_anndata_reads_it(made):
    anndata = pytest.importorskip("anndata")
    folder, found = made
    cells = anndata.read_h5ad(folder / "out.h5ad")
    assert cells.shape == (60, 8)
    assert cells.obs["cellfate_predicted"].tolist() == found.obs["cellfate_predicted"].tolist()
    assert cells.obs["cellfate_phenotype"].isna().sum() == 2
    assert "cellfate_next_B_C" in cells.obs
    assert cells.uns["cellfate"]["phenotypes"].tolist() == ["A", "B/C"]
    np.testing.assert_allclose(cells.uns["cellfate"]["transitions_counted"]["P"].sum(axis=1), 1)
    assert cells.uns["cellfate"]["fates_targets"]["absorption"]["low"].tolist() == [[0.9], [0.9]]
    np.testing.assert_allclose(cells.obsm["X_cellfate"], found.embedding)
