"""The test of genes on cells that a network was trained without, on a model whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from cellfate.base.errors import InputError
from cellfate.transition.cells import Cells
from cellfate.transition.fit import prepare_cells, read_cells
from cellfate.transition.genes.calls import p_value
from cellfate.transition.genes.refits import conditional_likelihoods, expected_expression, permuted_places, refit_p_values
from cellfate.transition.parts import check_refits, deal
from cellfate.transition.simulation import simulate_cells, write_cells

READING = {
    "label": "phenotype",
    "targets": {"kind": "observed", "column": "next_phenotype"},
    "layer": "X",
    "kind": "counts",
    "min_cells": 20,
    "components": 20,
}
TRAINING = {
    "steps": 8,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "regulation_rate": 2.0,
    "identity_rate": 30,
    "weight_decay": 0.05,
    "l1": 0.006,
    "warm_up": 0.6,
}
QUICK = {
    "refits": 2,
    "permutations": 1000,
    "level": 0.05,
    "cells_each": 10,
    "seed": 1,
    "model": {"width": 16, "heads": 2, "layers": 1, "keep": 20, "dropout": 0.1, "prior_weight": 0.0},
    "training": TRAINING,
}


def cells(n: int, seed: int) -> Cells:
    """Gene 0 drives the way from phenotype 0 to 1, gene 1 goes with it and does nothing, genes 2 to 4 are noise."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 5))
    x[:, 1] = 0.7 * x[:, 0] + np.sqrt(1 - 0.7**2) * x[:, 1]
    phenotype = np.arange(n) % 2
    x[:, 2] += phenotype
    chance = np.where(phenotype == 0, softmax(np.column_stack([0 * x[:, 0], 2 * x[:, 0]]), axis=1)[:, 1], 0.5)
    return Cells(x, np.zeros((n, 1)), phenotype, np.eye(2)[(rng.random(n) < chance).astype(int)])


def model(expression, embedding, phenotype):
    """What a fit could take for the truth: the follower has half of the regulator's weight."""
    logit = np.where(phenotype == 0, 1.3 * expression[:, 0] + 0.7 * expression[:, 1] + 0.1 * expression[:, 3], 0.0)
    return softmax(np.column_stack([np.zeros(len(logit)), logit]), axis=1)


def test_expected_expression_is_what_other_genes_tell():
    known, new = cells(4000, 0), cells(4000, 1)
    expected = expected_expression(known, new)
    assert expected[:, 1] == pytest.approx(0.7 * new.expression[:, 0], abs=0.25)
    assert expected[:, 2] == pytest.approx(new.phenotype, abs=0.25)
    residual = (new.expression - expected)[:, 1]
    assert abs(np.corrcoef(residual, new.expression[:, 0])[0, 1]) < 0.05


def test_a_follower_that_the_model_uses_is_not_called_and_the_regulator_is():
    known, new = cells(2000, 0), cells(1000, 1)
    orders = permuted_places(new.phenotype, 400, np.random.default_rng(0))

    def p_values(expected):
        found = [conditional_likelihoods(model, new, gene, expected[:, gene], orders) for gene in range(5)]
        return np.array([p_value(row[:-1], row[-1]) for row in found])

    p = p_values(expected_expression(known, new))
    assert p[0] == pytest.approx(1 / 401)
    assert p[1] > 0.1
    assert (p[[2, 4]] == 1).all()
    assert p_values(np.zeros_like(new.expression))[1] < 0.01  # permuting all of the follower, not what is its own, calls it


def test_the_true_order_gives_the_models_own_likelihood():
    new = cells(200, 1)
    found = conditional_likelihoods(model, new, 0, np.zeros(200), permuted_places(new.phenotype, 20, np.random.default_rng(0)))
    exact = (np.log(model(new.expression, None, new.phenotype)) * new.targets).sum()
    assert len(found) == 21
    assert found[-1] == pytest.approx(exact, rel=0.05)  # linear between seven values


def test_every_cell_is_held_out_once_and_donors_stay_whole():
    phenotype = np.repeat([0, 1], 40)
    held = deal(phenotype, 4, seed=0, names=["a", "b"])
    assert np.sum(held, axis=0).tolist() == [1] * 80
    assert [part[phenotype == 0].sum() for part in held] == [10] * 4
    donors = np.array([f"donor{i % 8}" for i in range(80)])
    for part in deal(phenotype, 4, donors, seed=0, names=["a", "b"]):
        assert not set(donors[part]) & set(donors[~part])
    with pytest.raises(InputError, match="refits is 9: it must be 0 or from 2 to 8; the rarest phenotype, 'a', has 8 groups"):
        deal(phenotype, 9, donors, seed=0, names=["a", "b"])
    with pytest.raises(InputError, match="refits is 1"):
        deal(phenotype, 1, seed=0, names=["a", "b"])
    with pytest.raises(InputError, match=r"it must be 0; the rarest phenotype, 'b', has 1 group$"):
        check_refits(phenotype, 4, np.where(phenotype == 1, "one", donors), names=["a", "b"])
    check_refits(phenotype, 0, np.where(phenotype == 1, "one", donors), names=["a", "b"])


def test_a_short_fit_gives_a_p_value_for_every_gene(tmp_path):
    write_cells(simulate_cells(n_cells=300, n_later=30, n_genes=46, seed=1), tmp_path / "cells.h5ad")
    table = read_cells(tmp_path / "cells.h5ad", **READING)
    prepared, data = prepare_cells(table, fractions=(0.6, 0.15, 0.25), genes=200, components=20, seed=1)
    found = refit_p_values(prepared, data, table.phenotypes, "no_cell_learner", **QUICK)
    assert found["gene"].tolist() == prepared.genes.tolist()
    assert (found["n_cells"] == 80).all()
    assert found["refit_p_value"].between(1 / 1001, 1).all()
    assert (found["refit_q_value"] >= found["refit_p_value"]).all()
    assert found.equals(refit_p_values(prepared, data, table.phenotypes, "no_cell_learner", **QUICK))
    with pytest.raises(InputError, match="permutations is 100: a lone gene could never be found among 46; 920 are needed"):
        refit_p_values(prepared, data, table.phenotypes, "no_cell_learner", **QUICK | {"permutations": 100})
    with pytest.raises(InputError, match="the labels are static"):
        refit_p_values(prepared, replace(data, targets=np.full_like(data.targets, np.nan)), table.phenotypes, "full", **QUICK)
