"""Knockouts, their nulls and corrections on a model whose answer is known."""

import numpy as np
import pytest
from scipy.special import softmax

from cellfate.base.errors import InputError
from cellfate.transition.genes.knockouts import genes_against_null, knockout_effects, matched_sets, permuted, sets_against_null, smallest_p
from cellfate.transition.network.training import Cells

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


def test_genes_that_matter_are_found_and_no_other():
    genes, edges = genes_against_null(model, cells(), ZERO, GENES, ["a", "b"], permutations=400, level=0.05, seed=0)
    assert genes.loc[genes["significant"], "gene"].tolist() == ["g0", "g1"]
    assert genes.loc[genes["held_out_q_value"] <= 0.05, "gene"].tolist() == ["g0", "g1"]
    assert set(edges["gene"]) == {"g0", "g1"}
    assert (edges.loc[edges["source"] == "a", "q_value"] < 0.05).all()
    assert (edges.loc[edges["source"] == "b", "q_value"] == 1).all()
    assert genes["p_value"].min() == pytest.approx(smallest_p(400))


def test_too_few_permutations_could_find_nothing_and_are_refused():
    with pytest.raises(InputError, match="permutations is 100: a lone gene could never be found among 12; 240 are needed"):
        genes_against_null(model, cells(), ZERO, GENES, ["a", "b"], permutations=100, level=0.05, seed=0)


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
    with pytest.raises(InputError, match="only 5 other genes"):
        matched_sets(range(7), means, 5, np.random.default_rng(0))


def test_a_set_that_matters_beats_random_sets():
    sets, draws = sets_against_null(
        model, cells(), ZERO, GENES, {"path": ["g0", "g1"], "idle": ["g4", "g5"]}, np.arange(12.0), ["a", "b"], set_draws=99, seed=0
    )
    sets = sets.set_index("gene_set")
    assert sets.loc["path", "p_value"] == pytest.approx(0.01)
    assert (sets.loc["path", "source"], sets.loc["path", "target"]) in {("a", "b"), ("a", "a")}
    assert sets.loc["path", "ratio"] > 5
    assert sets.loc["idle", "p_value"] > 0.5
    assert len(draws) == 198
    with pytest.raises(InputError, match="gene set x: gene 'nothing' is not among the 12 genes"):
        sets_against_null(model, cells(), ZERO, GENES, {"x": ["nothing"]}, np.arange(12.0), ["a", "b"], set_draws=99, seed=0)
