"""Phenotypes that nothing follows: found, kept, exactly one-hot in P, and refused where only a few cells have a next one."""

from dataclasses import replace

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.transition.files import PreparedFile, read_prepared, write_prepared
from cellfate.transition.fit import fit, logistic, prepare_cells, read_cells
from cellfate.transition.genes.knockouts import knock_out_genes
from cellfate.transition.genes.refits import refit_p_values
from cellfate.transition.h5ad import write_h5ad
from cellfate.transition.parts import split_cells
from cellfate.transition.summaries import counted_matrix_table, matrix_table
from cellfate.transition.tables import TRANSITION_MATRIX
from cellfate.transition.targets.absorbing import held, with_absorbing

MODEL = {"width": 16, "heads": 2, "layers": 1, "keep": 8, "dropout": 0.1, "prior_weight": 0.0}
TRAINING = {"steps": 6, "batch_size": 64, "learning_rate": 2e-3, "regulation_rate": 2.0, "identity_rate": 30}
TRAINING |= {"weight_decay": 0.05, "l1": 0.006, "warm_up": 0.6}
FITTING = {"model": MODEL, "training": TRAINING, "seed": 1}
READING = {"label": "type", "layer": "X", "kind": "counts", "min_cells": 20, "components": 5}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Types stem, early and ripe; nothing is seen to follow a ripe cell, and ripe cells are of the last time alone."""
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    rng = np.random.default_rng(0)
    kind = np.repeat(["early", "ripe", "stem"], 80)
    rates = 5 + 10 * (np.arange(20) % 3 == np.repeat([0, 1, 2], 80)[:, None])
    following = np.where(kind == "ripe", "", np.where(rng.random(240) < 0.5, kind, np.where(kind == "stem", "early", "ripe")))
    columns = {"type": kind.astype(object), "next": following.astype(object), "time": (kind == "ripe").astype(float)}
    write_h5ad(path, rng.poisson(rates).astype(np.int32), [f"c{i}" for i in range(240)], [f"g{i}" for i in range(20)], columns)
    return path


TARGETS = {
    "observed": {"kind": "observed", "column": "next"},
    "optimal_transport": {
        "kind": "optimal_transport",
        "time": "time",
        "epsilon": 0.1,
        "growth": {"source": "none"},
        "time_unit": "day",
        "plan_cells": 5000,
    },
}


@pytest.mark.parametrize("kind", list(TARGETS))
def test_a_phenotype_that_nothing_follows_is_absorbing_by_name(cells, kind):
    table = read_cells(cells, targets=TARGETS[kind], **READING)
    assert [table.phenotypes[code] for code in table.absorbing] == ["ripe"]
    assert len(table.phenotype) == 240
    assert (table.targets[table.phenotype == 1] == [0, 1, 0]).all()
    assert "absorbing, as no cell of them has a next phenotype: ripe (80 cells)" in table.describe()


@pytest.fixture(scope="module")
def prepared(cells):
    table = read_cells(cells, targets=TARGETS["observed"], **READING)
    found, own = prepare_cells(table, fractions=(0.6, 0.15, 0.25), genes=20, components=5, seed=1)
    return PreparedFile(found, own.phenotype, table.phenotypes, own.targets, table.targets_kind, None, table.absorbing)


@pytest.mark.parametrize("variant", ["no_cell_learner", "literal", "mlp"])
def test_its_row_of_p_is_exactly_one_hot_and_has_no_interval(prepared, variant, tmp_path):
    write_prepared(prepared, tmp_path / "prepared.h5")
    file = read_prepared(tmp_path / "prepared.h5")
    run = fit(*file.cells(), 3, variant, **FITTING)
    assert run.matrix[1].tolist() == [0, 1, 0]
    assert (run.matrix[[0, 2]] < 1).all()
    for table in (matrix_table(run, file), counted_matrix_table(file)):
        own = check_table(table, TRANSITION_MATRIX, "matrix").set_index("source")
        assert own.loc["ripe", "absorbing"].all()
        assert not own.loc[["stem", "early"], "absorbing"].any()
        assert own.loc["ripe", "ci_low"].isna().all()
        assert own.loc["ripe", "interval"].iloc[0] == "none: absorbing, by definition"
        assert own.loc["ripe", "entropy"].iloc[0] == 0
    assert logistic(*file.cells(), 3, confidence_k=None)[1][1].tolist() == [0, 1, 0]


def test_its_cells_teach_the_transitions_nothing(prepared):
    own = prepared.cells()[1].without_absorbing()
    assert np.isnan(own.targets[own.phenotype == 1]).all()
    assert not np.isnan(own.targets[own.phenotype != 1]).any()


def test_knockouts_and_refits_leave_it_out_and_have_numbers(prepared):
    run = fit(*prepared.cells(), 3, "no_cell_learner", **FITTING)
    found = knock_out_genes(prepared, [run.network], cells_each=10, permutations=400, level=0.05, seed=1)
    assert found.table["statistic"].notna().all()
    assert "ripe" not in set(found.table["source"])
    assert set(found.edges(np.ones(20, bool))["source"]) == {"stem", "early"}
    settings = {"refits": 2, "permutations": 400, "level": 0.05, "cells_each": 10}
    genes = refit_p_values(*prepared.cells(), prepared.phenotypes, "no_cell_learner", **settings, **FITTING)
    assert (genes["n_cells"] == 40).all()
    assert genes["refit_p_value"].between(0, 1).all()


def test_a_few_cells_with_a_next_phenotype_are_refused_by_name_before_any_training():
    targets = np.full((60, 2), np.nan)
    targets[:33] = [1, 0]
    phenotype = np.repeat([0, 1], 30)
    with pytest.raises(InputError, match="only 3 of the 30 cells of phenotype 'ripe' have a next phenotype, at least 20 are"):
        with_absorbing(targets, phenotype, ["stem", "ripe"], 20, "x.h5ad")
    found, absorbing = with_absorbing(targets, phenotype, ["stem", "ripe"], 3, "x.h5ad")
    assert absorbing == ()
    assert np.isnan(found[33:]).all()


def test_a_split_without_a_phenotype_names_it():
    phenotype = np.repeat([0, 1], 20)
    donors = np.where(phenotype == 1, "one", np.array([f"d{i % 10}" for i in range(40)]))
    with pytest.raises(InputError, match=r"phenotype 'ripe' has no cell in the \w+ part; more groups \(transition.group\) with it"):
        split_cells(phenotype, (0.6, 0.2, 0.2), 1, donors, names=["stem", "ripe"])


def test_what_is_held_stays():
    q = np.array([[0.5, 0.5], [0.5, 0.5]])
    assert held(q, np.array([0, 1]), (1,)).tolist() == [[0.5, 0.5], [0, 1]]
    assert held(q, np.array([0, 1]), ()) is q


def test_a_fit_without_any_absorbing_phenotype_is_what_it_was(prepared):
    plain = replace(prepared, absorbing=())
    assert fit(*plain.cells(), 3, "mlp", **FITTING).matrix[1, 1] < 1
