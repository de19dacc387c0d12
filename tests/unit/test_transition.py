"""The simulator, a short fit from file to ranking, scores, and the files between the steps."""

import numpy as np
import pandas as pd
import pytest

from cellfate.errors import InputError
from cellfate.transition import VARIANTS, fit, load_network, logistic, look, prepare_cells, rank_genes, read_cells, save_network
from cellfate.transition_files import PreparedFile, read_gene_sets, read_genes, read_prepared, write_gene_sets, write_prepared
from cellfate.transition_metrics import classification_scores, confidence, precision_at_k, transition_factor, uncertainty
from cellfate.transition_rankings import ranking_table
from cellfate.transition_simulation import simulate_cells, write_cells, write_truth
from cellfate.transition_tables import cell_table, matrix_table, reliability_table
from cellfate.transition_training import kept_genes
from cellfate.transition_truth import discovery, matrix_error, read_truth, truth_scores

OBSERVED = {"kind": "observed", "column": "next_phenotype"}
TRAINING = {"epochs": 1}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Cells of a small simulation as read back from their file, and the truth."""
    folder = tmp_path_factory.mktemp("simulated")
    cells = simulate_cells(1500, 60, 50, seed=1)
    write_cells(cells, folder / "cells.h5ad")
    write_truth(cells, folder / "truth.h5")
    return cells, read_cells(folder / "cells.h5ad", targets=OBSERVED), read_truth(folder / "truth.h5")


def test_knockouts_of_regulators_alone_change_the_truth(simulated):
    cells, _, truth = simulated
    changed = np.abs(truth.effects()).max(axis=(1, 2)) > 1e-6
    assert (changed == truth.regulators).all()
    assert truth.probabilities.sum(axis=1) == pytest.approx(np.ones(1500), abs=1e-5)
    for (i, j), effect in zip(truth.pathway_edges, truth.pathway_effects(), strict=True):
        assert effect[i, j] < -0.3
    assert sum(map(len, cells.pathways.values())) == truth.regulators.sum() == 15


def test_the_simulators_file_has_nothing_of_the_truth(simulated):
    cells, table, _ = simulated
    assert set(table.expression.columns.columns) == {"phenotype", "next_phenotype", "time", "pseudotime"}
    assert len(table.phenotype) == 1500
    assert (table.targets.argmax(axis=1) == cells.following[:1500]).all()


def test_too_few_genes_are_refused():
    with pytest.raises(InputError, match="at least 46 are planted"):
        simulate_cells(100, 0, 40)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_variant_trains_and_comes_back_from_its_file(simulated, tmp_path, variant):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, seed=1, standardise=VARIANTS[variant].get("standardise", True))
    run = fit(prepared, cells, 4, variant, {"keep": 20}, TRAINING, bootstrap=20, seed=1)
    assert run.matrix.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert (run.low <= run.matrix + 1e-6).all()
    assert (run.high >= run.matrix - 1e-6).all()
    save_network(run.network, tmp_path / "network.pt", variant)
    again = look(variant, load_network(tmp_path / "network.pt"), prepared, cells, 4, 20, 1)
    assert again.matrix == pytest.approx(run.matrix, abs=1e-6)
    assert again.scores == pytest.approx(run.scores, nan_ok=True)


def test_the_same_seed_gives_the_same_network(simulated):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, seed=1)
    first, second = (fit(prepared, cells, 4, training={"epochs": 1}, bootstrap=5, seed=3) for _ in range(2))
    assert (first.matrix == second.matrix).all()


def test_logistic_regression_finds_regulators_and_beats_a_uniform_matrix(simulated):
    _, table, truth = simulated
    prepared, cells = prepare_cells(table, seed=1)
    regression, matrix, scores, held = logistic(prepared, cells, 4)
    known = truth.of(list(prepared.cells[prepared.parts == "test"]), list(prepared.genes))
    assert precision_at_k(regression.gene_scores(), known.regulators) > 0.4
    assert matrix_error(matrix, known) < 0.6 * matrix_error(np.full((4, 4), 0.25), known)
    assert scores["accuracy"] > 0.7
    assert len(held) == (prepared.parts == "test").sum()


def test_tables_and_prepared_cells_survive_their_files(simulated, tmp_path):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, seed=1)
    donors = np.array([f"donor{place % 3}" for place in range(len(cells))])
    file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, table.targets_kind, donors)
    write_prepared(file, tmp_path / "prepared.h5")
    back = read_prepared(tmp_path / "prepared.h5")
    assert back.prepared.values == pytest.approx(prepared.values, abs=1e-5)
    assert back.phenotypes == table.phenotypes
    assert back.groups.tolist() == donors.tolist()
    run = fit(*back.cells(), 4, training={"epochs": 1}, bootstrap=5)
    matrix = matrix_table(run, back)
    assert (matrix["kind"] == "transition").all()
    assert matrix.groupby("source")["probability"].sum().to_numpy() == pytest.approx(np.ones(4), abs=1e-5)
    narrow = fit(*back.cells(), 4, training={"epochs": 1}, bootstrap=5, confidence_k=2)
    assert (cell_table(narrow, back)["confidence"] > cell_table(run, back)["confidence"]).all()
    assert narrow.scores["confidence"] == pytest.approx(cell_table(narrow, back)["confidence"].mean())
    known = reliability_table("full", narrow.predictions.fused, narrow.cells.phenotype, k=2)
    assert np.average(known["mean_probability"].fillna(0), weights=known["count"]) == pytest.approx(narrow.scores["confidence"], abs=1e-6)
    assert {"q_A", "p_D", "transition_factor"} <= set(cell_table(run, back).columns)
    static = PreparedFile(prepared, cells.phenotype, table.phenotypes, np.full_like(cells.targets, np.nan), "static")
    assert (matrix_table(run, static)["kind"] == "confusion").all()
    assert not any(column.startswith("q_") for column in cell_table(run, static).columns)
    assert "differential expression of fates" in rank_genes(run, explain=False)


def test_without_targets_the_phenotype_alone_is_learned(simulated):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, seed=1)
    static = type(cells)(cells.expression, cells.embedding, cells.phenotype, np.full_like(cells.targets, np.nan))
    run = fit(prepared, static, 4, training={"epochs": 2}, bootstrap=5)
    assert np.isfinite(run.scores["accuracy"])


def test_scores_of_known_predictions():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]])
    assert confidence(p) == pytest.approx([0.7, 0.8, 0.4])
    assert confidence(p, 2) == pytest.approx([0.7 / 0.9, 0.8 / 0.9, 0.4 / 0.7])
    with pytest.raises(InputError, match="confidence_k is 4: it must be from 2 to the number of phenotypes, 3"):
        confidence(p, 4)
    assert uncertainty(p, p) == pytest.approx(np.zeros(3))
    assert uncertainty(np.eye(3), np.eye(3)[[1, 2, 0]]) == pytest.approx(np.ones(3))
    assert transition_factor(p, np.array([0, 1, 2]), np.zeros(3)) == pytest.approx([0.3, 0.2, 0.7])
    scores = classification_scores(np.array([0, 1, 2]), p, np.array([0, 0, 1.0]))
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["auroc_uncertainty"] == 1
    assert precision_at_k(np.array([3, 2, 1]), np.array([True, False, True])) == 0.5


def test_the_kept_genes_fall_and_then_stay():
    found = [kept_genes(epoch, 10, 80, 20, 0.6) for epoch in range(10)]
    assert found[0] == 80
    assert found[6:] == [20] * 4
    assert found == sorted(found, reverse=True)
    assert kept_genes(0, 1, 80, 20, 0.6) == kept_genes(1, 2, 80, 20, 0.6) == 20
    assert kept_genes(0, 10, 80, 20, 0.0) == 20


def test_scores_against_the_truth(simulated):
    _, _, truth = simulated
    perfect = ranking_table({"perfect": truth.regulators.astype(float)}, np.array(truth.genes))
    matrix = pd.DataFrame(
        [(a, b, truth.matrix()[i, j]) for i, a in enumerate(truth.phenotypes) for j, b in enumerate(truth.phenotypes)],
        columns=["source", "target", "probability"],
    )
    called = np.where(truth.regulators, 0.01, 1.0)
    knockouts = pd.DataFrame({"gene": truth.genes, "q_value": called, "held_out_q_value": called, "refit_q_value": np.nan})
    found = truth_scores(truth, {"same": matrix}, perfect, knockouts).set_index(["what", "metric"])["value"]
    assert found["P: same", "mean_error"] == pytest.approx(0, abs=1e-9)
    assert found["ranking: perfect", "precision_at_k"] == 1
    assert found["knockouts by use", "false_discovery_proportion"] == 0
    assert "knockouts by refitting" not in found.index.get_level_values("what")
    refitted = truth_scores(truth, {"same": matrix}, perfect, knockouts.assign(refit_q_value=1 - called)).set_index(["what", "metric"])[
        "value"
    ]
    assert refitted["knockouts by refitting", "regulators_found"] == 0
    assert discovery(~truth.regulators, truth)["false_discovery_proportion"] == 1


def test_lists_of_genes(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_text("A  # one\n\n# two\nB\n")
    assert read_genes(path) == ["A", "B"]
    write_gene_sets({"s": ["A", "B"]}, tmp_path / "sets.gmt")
    assert read_gene_sets(tmp_path / "sets.gmt") == {"s": ["A", "B"]}
    (tmp_path / "bad.gmt").write_text("s\tnothing\n")
    with pytest.raises(InputError, match="line 1: name, description and at least one gene"):
        read_gene_sets(tmp_path / "bad.gmt")
    with pytest.raises(InputError, match="no such file"):
        read_genes(tmp_path / "nothing.txt")
