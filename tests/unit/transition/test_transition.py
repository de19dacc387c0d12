"""The simulator, a short fit from file to ranking, scores, and the files between the steps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.transition.files import PreparedFile, read_gene_sets, read_genes, read_prepared, write_gene_sets, write_prepared
from cellfate.transition.fit import fit, fit_seeds, logistic, look, prepare_cells, read_cells, together
from cellfate.transition.genes.calls import report
from cellfate.transition.genes.knockouts import knock_out_genes, with_refits
from cellfate.transition.genes.rankings import explainer_scores, network_scores, rank_genes, rank_regulators, ranking_table
from cellfate.transition.genes.sets import knock_out_gene_sets
from cellfate.transition.metrics import classification_scores, confidence, precision_at_k, transition_factor, uncertainty
from cellfate.transition.network.training import kept_genes
from cellfate.transition.network.variants import VARIANTS, load_networks, save_networks
from cellfate.transition.simulation import simulate_cells, write_cells, write_truth
from cellfate.transition.summaries import (
    cell_table,
    counted_matrix_table,
    logistic_matrix_table,
    matrices_table,
    matrix_table,
    reliability_table,
    score_table,
)
from cellfate.transition.tables import (
    GENE_KNOCKOUTS,
    GENE_RANKINGS,
    KNOCKOUT_EDGES,
    SET_DRAWS,
    SET_KNOCKOUTS,
    TRANSITION_CURVES,
    TRANSITION_MATRIX,
    TRANSITION_SCORES,
)
from cellfate.transition.truth import discovery, matrix_error, read_truth, truth_scores

READING = {
    "label": "phenotype",
    "targets": {"kind": "observed", "column": "next_phenotype"},
    "layer": "X",
    "kind": "counts",
    "min_cells": 20,
    "components": 20,
}
PREPARATION = {"fractions": (0.6, 0.15, 0.25), "genes": 200, "components": 20, "seed": 1}
MODEL = {"width": 16, "heads": 2, "layers": 1, "keep": 20, "dropout": 0.1, "prior_weight": 0.0}
TRAINING = {
    "steps": 7,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "regulation_rate": 2.0,
    "identity_rate": 30,
    "weight_decay": 0.05,
    "l1": 0.006,
    "warm_up": 0.6,
}
FITTING = {"model": MODEL, "training": TRAINING, "seed": 1}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Cells of a small simulation as read back from their file, and the truth."""
    folder = tmp_path_factory.mktemp("simulated")
    cells = simulate_cells(n_cells=1500, n_later=60, n_genes=50, seed=1)
    write_cells(cells, folder / "cells.h5ad")
    write_truth(cells, folder / "truth.h5")
    return cells, read_cells(folder / "cells.h5ad", **READING), read_truth(folder / "truth.h5")


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
        simulate_cells(n_cells=100, n_later=0, n_genes=40, seed=0)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_variant_trains_and_comes_back_from_its_file(simulated, tmp_path, variant):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, **PREPARATION, standardise=VARIANTS[variant].get("standardise", True))
    run = fit(prepared, cells, 4, variant, **FITTING)
    assert run.matrix.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert check_table(run.curves.assign(seed=0), TRANSITION_CURVES, "curves")["step"].tolist() == list(range(1, 8))
    save_networks([run.network], tmp_path / "networks.pt", variant)
    name, networks = load_networks(tmp_path / "networks.pt")
    assert (name, len(networks)) == (variant, 1)
    again = look(variant, networks[0], prepared, cells, 4)
    assert again.matrix == pytest.approx(run.matrix, abs=1e-6)
    assert again.scores(confidence_k=None) == pytest.approx(run.scores(confidence_k=None), nan_ok=True)


def test_the_same_seed_gives_the_same_network(simulated):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, **PREPARATION)
    first, second = (fit(prepared, cells, 4, "full", **FITTING) for _ in range(2))
    assert (first.matrix == second.matrix).all()


def test_logistic_regression_finds_regulators_and_beats_a_uniform_matrix(simulated):
    _, table, truth = simulated
    prepared, cells = prepare_cells(table, **PREPARATION)
    regression, matrix, scores, held = logistic(prepared, cells, 4, confidence_k=None)
    known = truth.of(list(prepared.cells[prepared.parts == "test"]), list(prepared.genes))
    assert precision_at_k(regression.gene_scores(), known.regulators) > 0.4
    assert matrix_error(matrix, known) < 0.6 * matrix_error(np.full((4, 4), 0.25), known)
    assert scores["accuracy"] > 0.7
    assert len(held) == (prepared.parts == "test").sum()


def test_tables_and_prepared_cells_survive_their_files(simulated, tmp_path):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, **PREPARATION)
    donors = np.array([f"donor{place % 3}" for place in range(len(cells))])
    file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, table.targets_kind, donors)
    write_prepared(file, tmp_path / "prepared.h5")
    back = read_prepared(tmp_path / "prepared.h5")
    assert back.prepared.values == pytest.approx(prepared.values, abs=1e-5)
    assert back.phenotypes == table.phenotypes
    assert back.groups.tolist() == donors.tolist()
    run = fit(*back.cells(), 4, "full", **FITTING)
    matrix = check_table(matrix_table(run, back), TRANSITION_MATRIX, "matrix")
    assert matrix["ci_low"].isna().all()
    assert (matrix["kind"] == "transition").all()
    assert matrix.groupby("source")["probability"].sum().to_numpy() == pytest.approx(np.ones(4), abs=1e-5)
    narrow, wide = (cell_table(run, back, confidence_k=k)["confidence"] for k in (2, None))
    assert (narrow > wide).all()
    assert run.scores(confidence_k=2)["confidence"] == pytest.approx(narrow.mean())
    known = reliability_table("full", run.predictions.fused, run.cells.phenotype, confidence_k=2)
    assert np.average(known["mean_probability"].fillna(0), weights=known["count"]) == pytest.approx(narrow.mean(), abs=1e-6)
    assert {"q_A", "p_D", "transition_factor"} <= set(cell_table(run, back, confidence_k=None).columns)
    static = without_targets(back)
    assert (matrix_table(run, static)["kind"] == "confusion").all()
    assert not any(column.startswith("q_") for column in cell_table(run, static, confidence_k=None).columns)


def without_targets(file):
    """The same cells with static labels."""
    return replace(file, targets=np.full_like(file.targets, np.nan), targets_kind="static")


@pytest.fixture(scope="module")
def fitted(simulated):
    """The prepared cells, and the full network after one epoch."""
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, **PREPARATION)
    file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, table.targets_kind)
    return file, fit(prepared, cells, 4, "full", **FITTING)


def test_seeds_speak_together_and_their_spread_stands_beside(fitted):
    file, _ = fitted
    fits = fit_seeds(*file.cells(), 4, "no_cell_learner", **FITTING, seeds=2)
    said = together(fits)
    assert (fits[0].q != fits[1].q).any()
    assert said.q == pytest.approx((fits[0].q + fits[1].q) / 2)
    assert said.matrix == pytest.approx((fits[0].matrix + fits[1].matrix) / 2)
    scores = check_table(score_table(said, fits, confidence_k=None), TRANSITION_SCORES, "scores").set_index("metric")
    single = sorted(run.scores(confidence_k=None)["accuracy"] for run in fits)
    assert scores.loc["accuracy", ["value_min", "value_max"]].tolist() == pytest.approx(single)
    assert scores.loc["accuracy", "value"] == pytest.approx(said.scores(confidence_k=None)["accuracy"])


def test_the_matrices_of_a_run_have_the_counted_one_and_say_what_their_intervals_rest_on(fitted):
    file, run = fitted
    regression, _, _, held = logistic(*file.cells(), 4, confidence_k=None)
    tables = [logistic_matrix_table(regression, held, file), matrix_table(run, file), matrix_table(replace(run, variant="mlp"), file)]
    none = pd.DataFrame({"variant": [], "refit": [], "source": [], "target": [], "probability": []})
    found = check_table(matrices_table(tables, none, file, "full"), TRANSITION_MATRIX, "matrices")
    assert list(dict.fromkeys(found["variant"])) == ["full", "counted", "logistic", "mlp"]
    reasons = found.groupby("variant")["interval"].first()
    assert "matrix_refits is 0" in reasons["full"]
    assert "not refitted" in reasons["mlp"]
    counted = found[found["variant"] == "counted"]
    assert (counted["ci_low"] < counted["probability"]).all()
    assert counted["n_cells"].iloc[0] == (file.phenotype == 0).sum()
    assert counted_matrix_table(without_targets(file)).empty
    static = matrices_table([matrix_table(run, without_targets(file))], none, without_targets(file), "full")
    assert set(static["kind"]) == {"confusion"}


def test_rankings_name_each_network_by_its_best_method(fitted):
    file, run = fitted
    others = {name: [fit(*file.cells(), 4, name, **FITTING).network] for name in ("no_regulation", "no_fusion", "mlp")}
    settings = {"explain": False, "cells_each": 5, "seed": 1}
    table = check_table(
        rank_regulators(file, {"full": [run.network]} | others, "full", **settings, prior=["MARKER01"]), GENE_RANKINGS, "rankings"
    )
    methods = ["attention x weight", "weight", "cls attention", "differential expression", "differential expression of fates"]
    assert list(dict.fromkeys(table["method"])) == [*methods, "cls attention, no_regulation", "attention x weight, no_fusion"]
    assert set(table.loc[table["in_prior"], "gene"]) == {"MARKER01"}
    own = table[table["method"] == "attention x weight"].set_index("gene").loc[list(file.prepared.genes), "score"]
    assert own.to_numpy() == pytest.approx(network_scores(run)["attention x weight"])
    assert set(rank_regulators(file, {"full": [run.network]}, "full", **settings)["in_prior"]) == {False}


def test_explainers_are_asked_only_where_there_are_transitions(fitted):
    file, run = fitted
    settings = {"explain": True, "cells_each": 5, "seed": 1}
    found = rank_genes(run, **settings, regression=logistic(*file.cells(), 4, confidence_k=None)[0])
    assert list(found)[3:] == [
        "permutation importance",
        "LIME",
        "differential expression",
        "differential expression of fates",
        "logistic regression",
    ]
    assert (found["LIME"] == explainer_scores(run, cells_each=5, seed=1)["LIME"]).all()
    static = rank_regulators(without_targets(file), {"full": [run.network]}, "full", **settings)
    assert list(dict.fromkeys(static["method"])) == ["cls attention", "differential expression"]


def test_knockouts_of_a_network_look_at_held_out_cells_and_refuse_static_labels(fitted):
    file, run = fitted
    found = knock_out_genes(file, [run.network, run.network], cells_each=5, permutations=1000, level=0.05, seed=1)
    genes = check_table(with_refits(found.table, [], 0.05), GENE_KNOCKOUTS, "genes")
    assert not genes["significant"].any()
    assert (genes["change_min"] == genes["change_max"]).all()  # twice the same network
    called = np.arange(len(genes)) < 2
    assert set(check_table(found.edges(called), KNOCKOUT_EDGES, "edges")["gene"]) == set(genes.loc[called, "gene"])
    sets, draws = knock_out_gene_sets(file, [run.network], {"first": list(file.prepared.genes[:3])}, cells_each=5, set_draws=20, seed=1)
    assert len(check_table(sets, SET_KNOCKOUTS, "sets")) == 1
    assert len(check_table(draws, SET_DRAWS, "draws")) == 20
    with pytest.raises(InputError, match="the labels are static"):
        knock_out_genes(without_targets(file), [run.network], cells_each=5, permutations=1000, level=0.05, seed=1)
    with pytest.raises(InputError, match="the labels are static"):
        knock_out_gene_sets(without_targets(file), [run.network], {}, cells_each=5, set_draws=20, seed=1)


def test_a_report_says_what_so_many_draws_can_find():
    q_values = pd.Series([0.01, 0.05, 0.2, 0.9])
    assert report(q_values, 0.05, 999, "gene") == "2 of 4 genes; smallest attainable p 0.001, a lone gene needs 0.013"
    assert report(q_values[:0], 0.05, 999, "gene set").startswith("0 of 0 gene sets;")


def test_without_targets_the_phenotype_alone_is_learned(simulated):
    _, table, _ = simulated
    prepared, cells = prepare_cells(table, **PREPARATION)
    static = type(cells)(cells.expression, cells.embedding, cells.phenotype, np.full_like(cells.targets, np.nan))
    run = fit(prepared, static, 4, "full", **FITTING)
    assert np.isfinite(run.scores(confidence_k=None)["accuracy"])


def test_scores_of_known_predictions():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]])
    assert confidence(p, None) == pytest.approx([0.7, 0.8, 0.4])
    assert confidence(p, 2) == pytest.approx([0.7 / 0.9, 0.8 / 0.9, 0.4 / 0.7])
    with pytest.raises(InputError, match="confidence_k is 4: it must be from 2 to the number of phenotypes, 3"):
        confidence(p, 4)
    assert uncertainty(p, p) == pytest.approx(np.zeros(3))
    assert uncertainty(np.eye(3), np.eye(3)[[1, 2, 0]]) == pytest.approx(np.ones(3))
    assert transition_factor(p, np.array([0, 1, 2]), np.zeros(3)) == pytest.approx([0.3, 0.2, 0.7])
    scores = classification_scores(np.array([0, 1, 2]), p, np.array([0, 0, 1.0]), confidence_k=None)
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
    ).assign(variant="same")
    called = np.where(truth.regulators, 0.01, 1.0)
    knockouts = pd.DataFrame({"gene": truth.genes, "use_q_value": called, "held_out_q_value": called, "refit_q_value": np.nan})
    found = truth_scores(truth, matrix, perfect, knockouts).set_index(["what", "metric"])["value"]
    assert found["P: same", "mean_error"] == pytest.approx(0, abs=1e-9)
    assert found["ranking: perfect", "precision_at_k"] == 1
    assert found["knockouts by the test of use, which calls none", "false_discovery_proportion"] == 0
    assert "knockouts by refitting" not in found.index.get_level_values("what")
    refitted = truth_scores(truth, matrix, perfect, knockouts.assign(refit_q_value=1 - called)).set_index(["what", "metric"])["value"]
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
