"""Knockouts, their nulls and corrections on a model whose answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.transition.cells import Cells
from cellfate.transition.files import read_gene_sets
from cellfate.transition.genes.calls import agreed, p_value, q_values, smallest_p
from cellfate.transition.genes.knockouts import genes_against_null, knockout_effects, largest, moving, permuted, strongest, with_refits
from cellfate.transition.genes.sets import found_sets, matched_sets, sets_against_null
from cellfate.transition.tables import GENE_KNOCKOUTS, KNOCKOUT_EDGES, SET_KNOCKOUTS

GENES = [f"g{i}" for i in range(12)]
ZERO = np.full(12, -2.0)


def cells(n: int = 120) -> Cells:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 12))
    phenotype = np.arange(n) % 2
    becomes = rng.random(n) < model(x, None, phenotype)[:, 1]
    return Cells(x, np.zeros((n, 1)), phenotype, np.eye(2)[becomes.astype(int)])


def model(expression, embedding, phenotype):
    """Genes 0 and 1 drive the way from phenotype 0 to 1; nothing else matters."""
    logit = np.where(phenotype == 0, 1.5 * expression[:, 0] + 1.5 * expression[:, 1], 0.0)
    return softmax(np.column_stack([np.zeros(len(logit)), logit]), axis=1)


def test_a_knockout_changes_its_own_row_alone():
    effects = knockout_effects(model, cells(), ZERO, [[0], [5], [0, 1]], 2)
    assert effects[0, 0, 1] < -0.2
    assert effects[2, 0, 1] < effects[0, 0, 1]
    assert effects[:, 1] == pytest.approx(np.zeros((3, 2)))
    assert effects[1] == pytest.approx(np.zeros((2, 2)))
    assert effects.sum(axis=2) == pytest.approx(np.zeros((3, 2)))


NULL = {"permutations": 400, "level": 0.05, "seed": 0}


def refits(p: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"gene": GENES, "refit_p_value": p, "refit_q_value": q_values(p), "n_cells": 100})


def test_genes_that_matter_are_used_and_the_test_of_use_calls_none():
    found = genes_against_null([model], cells(), ZERO, GENES, ["a", "b"], **NULL)
    assert found.table.loc[found.table["use_q_value"] <= 0.05, "gene"].tolist() == ["g0", "g1"]
    assert found.table.loc[found.table["held_out_q_value"] <= 0.05, "gene"].tolist() == ["g0", "g1"]
    assert found.table["use_p_value"].min() == pytest.approx(smallest_p(400))
    without = check_table(with_refits(found.table, [], 0.05), GENE_KNOCKOUTS, "genes")
    assert not without["significant"].any()
    assert check_table(found.edges(without["significant"].to_numpy()), KNOCKOUT_EDGES, "edges").empty
    p = [0.001] + [0.5] * 11
    genes = with_refits(found.table, [refits(p)], 0.05)
    assert genes.loc[genes["significant"], "gene"].tolist() == ["g0"]
    edges = found.edges(genes["significant"].to_numpy())
    assert set(edges["gene"]) == {"g0"}
    assert (edges.loc[edges["source"] == "a", "q_value"] < 0.05).all()
    assert (edges.loc[edges["source"] == "b", "q_value"] == 1).all()


def test_nothing_is_called_that_one_seed_does_not_call():
    def opposite(expression, embedding, phenotype):
        return model(-expression, embedding, phenotype)

    found = genes_against_null([model, opposite], cells(), ZERO, GENES, ["a", "b"], **NULL)
    first = found.table.iloc[0]
    assert first["change_min"] < -0.2
    assert first["change_max"] > 0.2
    assert (found.edges(np.arange(12) == 0)["p_value"] == 1).all()  # both seeds move it, each the other way
    both, one = [0.001] + [0.5] * 11, [0.5] * 12
    genes = with_refits(found.table, [refits(both), refits(one)], 0.05)
    assert not genes["significant"].any()
    assert genes["seeds_calling"].tolist() == [1] + [0] * 11
    agreeing = with_refits(found.table, [refits(both), refits(both)], 0.05)
    assert agreeing["significant"].tolist() == [True] + [False] * 11


def test_no_number_is_never_significant():
    assert np.isnan(p_value(np.zeros(10), np.nan))
    found = q_values(np.array([0.01, np.nan, 0.02]))
    assert found[[0, 2]].tolist() == pytest.approx([0.02, 0.02])
    assert np.isnan(found[1])
    assert np.isnan(agreed([[0.1, 0.2], [0.1, np.nan]])).tolist() == [False, True]
    assert np.isnan(q_values(np.array([np.nan]))).all()


def test_rows_of_absorbing_and_of_absent_phenotypes_are_no_part_of_the_statistic():
    data = replace(cells(), absorbing=(1,))
    assert moving(data, 3) == [0]  # phenotype 2 has no cell
    changes = np.array([[0.1, -0.1, 0.0], [0.9, 0.0, -0.9], [np.nan] * 3])
    assert largest(changes, [0]) == pytest.approx(0.1)
    assert np.isnan(largest(changes, []))
    assert strongest(changes, [0]) == (0, 0)

    def third(*given):
        return np.pad(model(*given), ((0, 0), (0, 1)))

    found = genes_against_null(
        [third], replace(data, targets=third(data.expression, None, data.phenotype)), ZERO, GENES, ["a", "b", "c"], **NULL
    )
    assert found.table.loc[found.table["use_q_value"] <= 0.05, "gene"].tolist() == ["g0", "g1"]
    assert set(found.edges(np.ones(12, bool))["source"]) == {"a"}


def test_too_few_permutations_could_find_nothing_and_are_refused():
    with pytest.raises(InputError, match="permutations is 100: a lone gene could never be found among 12; 240 are needed"):
        genes_against_null([model], cells(), ZERO, GENES, ["a", "b"], permutations=100, level=0.05, seed=0)


def test_interpolated_permutations_are_close_to_exact_ones():
    data = cells()
    changes, _ = permuted(model, data, 0, 2, 50, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    before = model(data.expression, None, data.phenotype)
    orders = {i: [rng.permutation(60) for _ in range(50)] for i in (0, 1)}
    for r in range(5):
        x = data.expression.copy()
        for i in (0, 1):
            members = np.flatnonzero(data.phenotype == i)
            x[members, 0] = x[members[orders[i][r]], 0]
        after = model(x, None, data.phenotype)
        exact = after[data.phenotype == 0, 1].mean() - before[data.phenotype == 0, 1].mean()
        assert changes[r, 0, 1] == pytest.approx(exact, abs=0.01)


def test_matched_sets_are_other_genes_of_like_expression():
    means = np.arange(12.0)
    drawn = matched_sets([0, 11], means, 50, np.random.default_rng(0))
    assert not np.isin(drawn, [0, 11]).any()
    assert set(drawn[:, 0]) == {1, 2}
    assert set(drawn[:, 1]) == {9, 10}


def against_null(sets, models=(model,)):
    return sets_against_null(list(models), cells(), ZERO, GENES, sets, np.arange(12.0), ["a", "b"], set_draws=99, seed=0)


def test_a_set_that_matters_beats_random_sets():
    sets, draws = against_null({"path": ["g0", "g1"], "idle": ["g4", "g5"]})
    sets = check_table(sets, SET_KNOCKOUTS, "sets").set_index("gene_set")
    assert sets.loc["path", "p_value"] == pytest.approx(0.01)
    assert (sets.loc["path", "source"], sets.loc["path", "target"]) in {("a", "b"), ("a", "a")}
    assert sets.loc["path", "ratio"] > 5
    assert sets.loc["idle", "p_value"] > 0.5
    assert len(draws) == 198


def test_a_typical_file_of_gene_sets_is_tested_as_far_as_it_can_be(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text(
        "WHOLE\thttp://x\tg0\tg1\n"
        "MIXED\t\tg1\tTP53\tg0\tg1\tMYC\n"  # two genes that are not there, one that occurs twice
        "\n"
        "OTHER_SPECIES\tna\tG0\tG1\tActb\n"
        "LARGE\tna\tg0\tg1\tg2\tg3\tg4\tg5\tg6\n"
    )
    sets = read_gene_sets(path)
    table, draws = against_null(sets)
    table = check_table(table, SET_KNOCKOUTS, "sets").set_index("gene_set")
    assert table["n_absent"].to_dict() == {"WHOLE": 0, "MIXED": 2, "OTHER_SPECIES": 3, "LARGE": 0}
    assert table.loc["MIXED", "absent"] == "TP53 MYC"
    assert table.loc["MIXED", "change"] == pytest.approx(table.loc["WHOLE", "change"])
    assert table.loc[["WHOLE", "MIXED"], "q_value"].notna().all()
    assert table.loc[["OTHER_SPECIES", "LARGE"], ["change", "p_value", "q_value"]].isna().all(axis=None)
    assert "2 would be there but for upper and lower case" in table.loc["OTHER_SPECIES", "left_out"]
    assert "only 5 other genes" in table.loc["LARGE", "left_out"]
    assert set(draws["gene_set"]) == {"WHOLE", "MIXED"}
    reports = [own.report() for own in found_sets(sets, GENES)]
    assert reports[0] is None
    assert reports[1] == "gene set MIXED: 2 of 4 genes are not there: TP53, MYC; tested with the other 2"
    none, no_draws = against_null({"x": ["nothing"]})
    assert check_table(none, SET_KNOCKOUTS, "sets")["p_value"].isna().all()
    assert no_draws.empty


def test_a_set_is_called_when_every_seed_calls_it():
    def blind(expression, embedding, phenotype):
        return model(np.zeros_like(expression), embedding, phenotype)

    sets, _ = against_null({"path": ["g0", "g1"]}, (model, blind))
    assert sets["p_value"].item() == 1
    assert sets["change_max"].abs().item() == pytest.approx(0, abs=1e-9) or sets["change_min"].abs().item() == pytest.approx(0, abs=1e-9)
