"""Which genes are analysed: variance over that of genes of their mean, named genes always, constant ones never, absent ones reported."""

import numpy as np
import pandas as pd

from cellfate.transition.genes.named import NamedGenes
from cellfate.transition.genes.variable import adjusted_variance, choose_genes, local_fit

VARYING = [20, 35, 50, 65]


def counts(seed: int = 0) -> np.ndarray:
    """400 cells: 100 Poisson genes of means 1 to 100; those of VARYING vary more than chance."""
    rng = np.random.default_rng(seed)
    means = np.geomspace(1, 100, 100)
    rates = np.tile(means, (400, 1))
    rates[:, VARYING] *= rng.choice([0.2, 1.8], (400, len(VARYING)))
    return rng.poisson(rates).astype(float)


def test_genes_that_vary_more_than_their_mean_says_come_first():
    linear = counts()
    assert choose_genes(linear, 4, []).tolist() == VARYING
    largest = np.argsort(-linear.var(axis=0))[:4]
    assert not set(largest) & set(VARYING[:3])  # plain variance finds the genes with the most counts
    assert 0.9 < np.median(adjusted_variance(linear)) < 1.1


def test_named_genes_come_on_top_and_constant_ones_never():
    linear = counts()
    linear[:, 40] = 3
    assert choose_genes(linear, 4, [40, 90, 20]).tolist() == [*VARYING, 90]
    assert choose_genes(linear, 1000, []).tolist() == [g for g in range(100) if g != 40]


def test_one_cell_makes_no_gene_variable():
    linear = counts()
    linear[0, 80] = 1000
    assert linear[:, 80].var() > linear[:, 99].var()
    assert choose_genes(linear, 4, []).tolist() == VARYING


def test_a_local_fit_follows_a_curve_and_few_genes_have_their_mean():
    x = np.linspace(0, 3, 200)
    assert np.abs(local_fit(x, x**2) - x**2).max() < 0.01
    assert local_fit(np.array([1.0, 2.0]), np.array([1.0, 3.0])).tolist() == [2, 2]


def test_names_that_are_no_genes_are_reported():
    named = NamedGenes(["g1", "Sox2"], {"a": ["g2", "G3", "g1"], "b": ["g9", "TP53"]})
    assert named.all == ["g1", "Sox2", "g2", "G3", "g9", "TP53"]
    lines = named.report(np.array(["g1", "g2", "g3", "g9"]), np.array(["g1", "g2", "g3"]), 2)
    assert lines[0] == "transition.prior: 1 of 2 genes are not among the genes of the cells: Sox2"
    assert "transition.gene_sets: 2 of 4 genes are not among the genes of the cells: G3, TP53" in lines
    assert "transition.gene_sets: 1 of 4 genes are the same in all training cells, and left out: g9" in lines
    assert any("1 of these are there in other upper and lower case" in line for line in lines)
    assert "1 genes that the list or the sets name come on top of transition.genes (2)" in lines
    assert NamedGenes([], {}).report(np.array(["g1"]), np.array(["g1"]), 2) == []


def test_a_duplicate_name_counts_once():
    assert NamedGenes(["g1", "g1"], {}).all == ["g1"]
    assert pd.Series(NamedGenes(["g1"], {"s": ["g1", "g1"]}).all).is_unique
