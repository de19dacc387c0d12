"""The Boolean network: its rules, its exact fates beside walks, and what the loss of a factor leaves."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from boolean_model import ALL_STATES, FACTORS, FATES, REGULATORS, Network, code_of, updated


def test_each_factor_follows_its_regulators_and_nothing_else():
    wanted = updated(ALL_STATES)
    for place, factor in enumerate(FACTORS):
        acting = {other for g, other in enumerate(FACTORS) if (wanted[:, place] != wanted[np.arange(2048) ^ (1 << g), place]).any()}
        assert acting == set(REGULATORS[factor])


def test_the_four_fates_of_the_paper_are_the_ends_of_the_wild_type_and_fixed():
    network = Network()
    assert sorted(network.fate(end) for end in network.ends) == sorted(FATES)
    for factors in FATES.values():
        assert (network.steps[code_of(factors)] == code_of(factors)).all()


@pytest.mark.parametrize("lost", [None, "EKLF", "Cebpa"])
def test_exact_probabilities_are_those_of_walks(lost):
    network, rng = Network(lost), np.random.default_rng(0)
    state = np.full(4000, network.early)
    for _ in range(300):
        state = network.steps[state, rng.integers(len(FACTORS), size=len(state))]
    ends = {network.fate(end): np.isin(state, end).mean() for end in network.ends}
    exact = network.fates()
    assert sum(exact.values()) == pytest.approx(1)
    for fate in FATES:
        assert ends.get(fate, 0) == pytest.approx(exact[fate], abs=0.03)


def test_a_lost_factor_is_off_for_good():
    network = Network("Pu1")
    assert not ALL_STATES[network.early, FACTORS.index("Pu1")]
    assert not ALL_STATES[np.concatenate(network.ends)][:, FACTORS.index("Pu1")].any()
    assert network.fates()["monocyte"] == 0
