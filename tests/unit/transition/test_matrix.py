"""P by counting and from refits: limits of known counts, groups that stay together, and limits from a known spread."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from cellfate.transition.cells import Cells, Prepared
from cellfate.transition.fit import logistic
from cellfate.transition.matrix.counted import ESTIMATED, JEFFREYS, counted_matrix, jeffreys
from cellfate.transition.matrix.refits import NO_REFITS, long_matrix, refit_interval, refits_of, refitted_matrices, resampled

PHENOTYPE = np.repeat([0, 1, 2], [10, 20, 5])
TARGETS = np.eye(3)[[0] * 4 + [1] * 6 + [1] * 20 + [2] * 5]


def test_shares_have_jeffreys_limits():
    found = counted_matrix(TARGETS, PHENOTYPE, absorbing=(2,))
    assert found.P.tolist() == [[0.4, 0.6, 0], [0, 1, 0], [0, 0, 1]]
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx(beta.ppf([0.025, 0.975], 4.5, 6.5))
    assert found.low[1].tolist() == pytest.approx([0, beta.ppf(0.025, 20.5, 0.5), 0])
    assert found.high[1].tolist() == pytest.approx([beta.ppf(0.975, 0.5, 20.5), 1, beta.ppf(0.975, 0.5, 20.5)])
    assert np.isnan(found.low[2]).all()
    assert found.intervals[:2] == [JEFFREYS] * 2


def test_jeffreys_limits_hold_the_share_at_the_level():
    rng = np.random.default_rng(0)
    held = []
    for share in (0.05, 0.3, 0.5):
        counts = rng.binomial(60, share, 2000)
        low, high = jeffreys(counts, 60)
        held.append(((low <= share) & (share <= high)).mean())
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_cells_of_one_donor_are_not_independent():
    rng = np.random.default_rng(0)
    donors = np.repeat([f"d{i}" for i in range(10)], 20)
    shares = rng.choice([0.1, 0.9], 10)
    stays = rng.random(200) < np.repeat(shares, 20)
    targets = np.eye(2)[(~stays).astype(int)]
    phenotype = np.zeros(200, int)
    by_cell, by_donor = counted_matrix(targets, phenotype, ()), counted_matrix(targets, phenotype, (), donors, "donor")
    assert (by_donor.high - by_donor.low)[0, 0] > 2.5 * (by_cell.high - by_cell.low)[0, 0]
    assert by_donor.intervals[0] == "cluster-robust, by donor"
    two = counted_matrix(targets, phenotype, (), np.repeat(["a", "b"], 100), "donor")
    assert two.intervals[0] == "none: 2 donors, at least 3 are needed"
    assert np.isnan(two.low[0]).all()


def test_estimated_next_phenotypes_have_no_counts():
    found = counted_matrix(np.array([[0.3, 0.7], [0.4, 0.6], [0, 1]]), np.array([0, 0, 1]), (1,))
    assert found.P[0].tolist() == pytest.approx([0.35, 0.65])
    assert found.intervals == [ESTIMATED, "none: absorbing, by definition"]


def test_limits_of_refits_are_t_limits_on_the_logit_scale():
    rng = np.random.default_rng(0)
    shares = 1 / (1 + np.exp(-rng.normal(0.4, 0.2, 400)))
    refits = np.stack([np.stack([shares, 1 - shares], axis=1), np.tile([0.0, 1.0], (400, 1))], axis=1)
    found = refit_interval(np.array([[0.6, 0.4], [0, 1]]), refits, (1,))
    middle, half = np.log(0.6 / 0.4), 1.966 * np.log(shares / (1 - shares)).std(ddof=1)
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx(
        [1 / (1 + np.exp(-(middle - half))), 1 / (1 + np.exp(-(middle + half)))], abs=1e-4
    )
    assert found.low[0, 1] == pytest.approx(1 - found.high[0, 0])
    assert np.isnan(found.low[1]).all()
    assert refit_interval(np.eye(2), np.empty((0, 2, 2)), ()).intervals == [NO_REFITS] * 2
    gone = refits[:4].copy()
    gone[:2, 0] = np.nan
    assert (
        refit_interval(np.array([[0.6, 0.4], [0, 1]]), gone, (1,)).intervals[0]
        == "none: 2 of 4 refits have such cells, at least 3 are needed"
    )


def test_resampled_cells_stay_in_their_part_and_donors_whole():
    parts = np.tile(np.repeat(["train", "validation", "test"], [6, 2, 4]), 10).astype(object)
    phenotype = np.arange(120) % 2
    prepared = Prepared(
        np.zeros((120, 1)), np.zeros(1), np.zeros((120, 1)), np.array(["g"]), np.arange(120), parts, np.zeros((120, 1)), "PCA"
    )
    cells = Cells(np.zeros((120, 1)), np.zeros((120, 1)), phenotype, np.zeros((120, 2)))
    chosen = resampled(prepared, cells, None, np.random.default_rng(0))
    for part in ("train", "validation", "test"):
        for code in (0, 1):
            assert ((parts[chosen] == part) & (phenotype[chosen] == code)).sum() == ((parts == part) & (phenotype == code)).sum()
    assert len(np.unique(chosen)) < 120
    donors = np.array([f"{part}{i % 3}" for i, part in enumerate(parts)])
    chosen = resampled(prepared, cells, donors, np.random.default_rng(0))
    times = pd.Series(chosen).value_counts().reindex(range(120), fill_value=0)
    assert (times.groupby(donors).nunique() == 1).all()


@pytest.mark.parametrize("scarce", ["train", "validation", "test"])
def test_a_phenotype_of_one_track_in_a_part_has_no_row_in_samples_without_that_track(scarce):
    """Of tracked cells a rare phenotype may be in one track of a part, which a third of the bootstrap samples lack."""
    rng = np.random.default_rng(0)
    parts = np.tile(np.repeat(["train", "validation", "test"], 40), 2).astype(object)
    phenotype = np.repeat([0, 1], 120)
    tracks = np.array([f"{part}{i % 4}" for i, part in enumerate(parts)], object)
    tracks[(phenotype == 1) & (parts == scarce)] = f"{scarce}0"
    x = rng.normal(size=(240, 3))
    prepared = Prepared(x, np.zeros(3), x, np.array(["a", "b", "c"]), np.arange(240), parts, x, "PCA")
    cells = Cells(x, x, phenotype, np.eye(2)[rng.integers(2, size=240)])

    def regression(again: Prepared, own: Cells, turn: int) -> np.ndarray:
        model, _, _, held = logistic(again, own, 2, confidence_k=None)
        return model(held.expression, held.embedding, held.phenotype)

    def even(again: Prepared, own: Cells, turn: int) -> np.ndarray:
        return np.full((len(again.held_out), 2), 0.5)

    for said, parts_that_count in ((regression, ("train", "validation", "test")), (even, ("train", "test"))):
        P = refitted_matrices(prepared, cells, 2, said, refits=12, seed=0, groups=tracks)
        lacking = np.isnan(P[:, 1]).any(axis=1)
        assert np.isfinite(P[:, 0]).all()
        assert (0 < lacking.sum() < 12) == (scarce in parts_that_count)
        assert np.nansum(P[~lacking], axis=2) == pytest.approx(1)


def test_refits_come_back_from_their_table():
    P = np.random.default_rng(0).random((3, 2, 2))
    table = pd.concat([long_matrix(own, ["a", "b"]).assign(variant="x", refit=turn) for turn, own in enumerate(P)])
    assert (refits_of(table, "x", ["a", "b"]) == P).all()
    assert len(refits_of(table, "y", ["a", "b"])) == 0
