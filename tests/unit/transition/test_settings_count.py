"""Settings that a result cannot show are taken up: how many components, and which genes are expected."""

import numpy as np
import pytest
import torch
from scipy import sparse

from cellfate.transition.expression import principal_axes, principal_components
from cellfate.transition.fit import prepare_cells, read_cells, train
from cellfate.transition.h5ad import write_h5ad

READING = {"label": "type", "layer": "X", "kind": "counts", "min_cells": 5}
TARGETS = {
    "optimal_transport": {"time": "time", "epsilon": 0.05, "growth": {"source": "none"}, "time_unit": "day", "plan_cells": 5000},
    "pseudotime": {"column": "time", "neighbours": 6, "bias": 10},
}
MODEL = {"width": 4, "heads": 1, "layers": 1, "keep": 4, "dropout": 0.0, "prior_weight": 5.0}
TRAINING = {"steps": 1, "batch_size": 16, "learning_rate": 1e-3, "regulation_rate": 1.0, "identity_rate": 1}
TRAINING |= {"weight_decay": 0.0, "l1": 0.0, "warm_up": 0.5}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """120 cells of two types at two times; the first component tells the type, later ones carry noise that shuffles who is near whom."""
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    rng = np.random.default_rng(0)
    kind = np.tile(["early", "late"], 60)
    rates = 6 + 20 * ((np.arange(16) < 6) & (kind == "late")[:, None]) + 6 * rng.random((120, 16))
    columns = {"type": kind.astype(object), "time": np.repeat([0.0, 1.0], 60)}
    write_h5ad(path, rng.poisson(rates).astype(np.int32), [f"c{i}" for i in range(120)], [f"g{i}" for i in range(16)], columns)
    return path


@pytest.mark.parametrize("kind", list(TARGETS))
def test_who_becomes_whom_rests_on_as_many_components_as_were_asked_for(cells, kind):
    found = {n: read_cells(cells, targets={"kind": kind, **TARGETS[kind]}, components=n, **READING).targets for n in (1, 2, 10)}
    for one, other in ((1, 2), (2, 10)):
        assert not np.allclose(found[one], found[other], equal_nan=True), f"{one} and {other} components give the same"


@pytest.mark.parametrize("components", [1, 3, 7])
def test_networks_get_as_many_components_as_were_asked_for(cells, components):
    table = read_cells(cells, targets={"kind": "static"}, components=2, **READING)
    prepared, own = prepare_cells(table, fractions=(0.6, 0.2, 0.2), genes=8, components=components, seed=0)
    assert prepared.embedding.shape == own.embedding.shape == (120, components)


def test_components_are_counted_in_sparse_and_dense_values():
    values = np.random.default_rng(0).random((30, 8))
    assert principal_components(values, 3).shape == principal_components(sparse.csr_array(values), 3).shape == (30, 3)
    assert principal_axes(values, 3)[1].shape == (3, 8)
    assert principal_axes(values, 20)[1].shape == (8, 8)


def test_expected_genes_share_one_weight_and_are_kept(cells):
    table = read_cells(cells, targets={"kind": "static"}, components=2, **READING)
    prepared, own = prepare_cells(table, fractions=(0.6, 0.2, 0.2), genes=8, components=2, seed=0, always=["g14", "g15"])

    def network(prior):
        return train(prepared, own, 2, "full", model=MODEL, training=TRAINING, seed=1, prior=prior)[0]

    listed = np.isin(prepared.genes, ["g14", "g15"])
    trained = network(["g14", "g15", "not there"])
    assert trained.prior.tolist() == pytest.approx((listed / 2).tolist())
    with torch.no_grad():
        kept = trained(*(torch.as_tensor(part[:20], dtype=torch.float32) for part in (own.expression, own.embedding))).kept.numpy()
    assert kept[:, listed].all()
    assert network([]).prior.tolist() == network(["not there"]).prior.tolist() == [0.0] * len(prepared.genes)
