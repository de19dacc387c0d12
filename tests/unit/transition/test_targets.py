"""What cells become: observed, transported, by pseudotime; static labels are refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from cellfate.base.errors import InputError
from cellfate.transition.files import write_gene_sets
from cellfate.transition.h5ad import Expression
from cellfate.transition.targets.cells import squared_distances
from cellfate.transition.targets.control import _controls, mean_rows, pair_tables, warnings_of
from cellfate.transition.targets.growth import Growth, growth_of
from cellfate.transition.targets.observed import check_transitions, observed_targets, static_targets
from cellfate.transition.targets.pseudotime import pseudotime_graph, soft_weights
from cellfate.transition.targets.transport import Pair, plan_of, targets_of, time_points, transport, transport_pairs

NAMES = ["A", "B"]
STEADY = Growth("none", None, None)
PLAN = {"epsilon": 0.05, "time_unit": "day", "plan_cells": 5000}
LABELS = np.array([0, 0, 1, 1])


def test_observed_descendants_are_one_hot_and_unknown_ones_are_left_out():
    found = observed_targets(np.array(["b", "a", "", "b"], object), LABELS, ["a", "b"])
    assert found[[0, 1, 3]].tolist() == [[0, 1], [1, 0], [0, 1]]
    assert np.isnan(found[2]).all()


@pytest.mark.parametrize(
    ("following", "message"),
    [
        (["a", "a", "b", "b"], "equals the cell's own label; the labels are static"),
        (["", "", "", ""], "no cell has a next phenotype"),
        (["a", "c", "b", "b"], "next phenotype 'c' is none of the phenotypes a, b"),
    ],
)
def test_static_and_unknown_labels_are_refused(following, message):
    with pytest.raises(InputError, match=message):
        observed_targets(np.array(following, object), LABELS, ["a", "b"])


def test_static_targets_are_no_transitions():
    with pytest.raises(InputError, match="static"):
        check_transitions(static_targets(4, 2))


# ---- transport ----


def plan_in_logarithms(cost, source, epsilon, relaxation):
    """The same optimum by plain iterations on logarithms: rows and masses of the plan."""
    share = 1.0 if relaxation is None else relaxation / (relaxation + epsilon)
    log_a, log_b = np.log(source / source.sum()), np.full(cost.shape[1], -np.log(cost.shape[1]))
    scaled = -cost / epsilon + log_a[:, None] + log_b[None]
    f, g = np.zeros(len(log_a)), np.zeros(len(log_b))
    for _ in range(3000):
        f = share * (log_a - logsumexp(scaled + g[None], axis=1))
        g = log_b - logsumexp(scaled + f[:, None], axis=0)
    return np.exp(scaled + f[:, None] + g[None])


@pytest.mark.parametrize("relaxation", [None, 1.0, 0.1])
def test_the_plan_is_the_optimum(relaxation):
    rng = np.random.default_rng(0)
    cost, source, later = rng.random((12, 9)) * 3, rng.random(12) + 0.2, rng.integers(0, 2, 9)
    rows, mass = transport(cost, source, later, 2, epsilon=0.1, relaxation=relaxation)
    plan = plan_in_logarithms(cost, source, 0.1, relaxation)
    assert mass == pytest.approx(plan.sum(axis=1) / plan.sum(), abs=1e-4)
    assert rows == pytest.approx(plan @ np.eye(2)[later] / plan.sum(axis=1, keepdims=True), abs=1e-4)
    if relaxation is None:
        assert mass == pytest.approx(source / source.sum(), rel=1e-3)


def test_a_plan_that_misses_its_marginals_is_refused():
    cost = np.array([[0.0, 5.0], [5.0, 0.0]])
    with pytest.raises(InputError, match=r"epsilon is 0\.001: the transport plan misses its marginals"):
        transport(cost, np.array([3.0, 1.0]), np.array([0, 1]), 2, epsilon=0.001, relaxation=None)


def growing(rate, switching=0.0, seed=0, n=400, gap=8.0):
    """Cells of A and B at day 0, as many of each, and as many cells a day later: B grows by ``rate`` per day, a share of A is B then."""
    rng = np.random.default_rng(seed)
    shares = np.array([0.5 * (1 - switching), 0.5 * switching + 0.5]) * np.exp([0.0, rate])
    labels = np.concatenate([np.arange(n) % 2, np.arange(n) >= round(n * shares[0] / shares.sum())]).astype(int)
    times = np.repeat([0.0, 1.0], n)
    space = rng.normal(0, 1, (2 * n, 6))
    space[:, 0] += gap * labels
    space[:, 1] += 0.5 * times  # all cells drift
    return space, labels, times


def switching_of(cells, growth):
    (pair,) = transport_pairs(*cells, 2, growth=growth, **PLAN)
    return mean_rows(pair.rows, cells[1][pair.first], 2, np.ones(len(pair.first)))[0, 1], pair


def test_growth_is_no_switching_where_it_is_known_or_fitted():
    """No cell switches and B grows by 1 per day: B is e / (1 + e) = 0.73 of the later cells, so that 0.46 of A would have switched."""
    cells = growing(1.0)
    assert switching_of(cells, STEADY)[0] == pytest.approx(0.46, abs=0.08)
    given, pair = switching_of(cells, Growth("column", cells[1] * 1.0, None))
    assert given < 0.05
    assert pair.mass[cells[1][pair.first] == 1].sum() == pytest.approx(np.e / (1 + np.e))
    assert switching_of(cells, Growth("unbalanced", None, 0.1))[0] < 0.05


def test_switching_stays_where_growth_is_known():
    cells = growing(0.0, switching=0.3)
    assert switching_of(cells, Growth("column", np.zeros(len(cells[1])), None))[0] == pytest.approx(0.3, abs=0.07)
    assert switching_of(cells, Growth("unbalanced", None, 0.1))[0] < 0.15, "a fit of growth takes it for growth: docs/transition.md says so"


def pair_of(cells, growth):
    (pair,) = transport_pairs(*cells, 2, growth=growth, **PLAN)
    return pair_tables(*cells, NAMES, pair, growth, PLAN)


def test_the_control_without_switching_tells_what_growth_alone_gives():
    table, grown = pair_of(growing(1.0), STEADY)
    row = table.set_index(["source", "target"]).loc[("A", "B")]
    assert row["control"] == pytest.approx(row["probability"], abs=0.05)
    assert "growth alone could explain" in warnings_of(table, grown, measured=False)[0]
    rates = grown.set_index("phenotype")["rate_without_switching"]
    assert rates["B"] - rates["A"] == pytest.approx(1.0, abs=0.25)
    assert grown["rate_used"].abs().max() == pytest.approx(0, abs=1e-6)


def test_switching_beyond_known_growth_is_not_explained_by_it():
    cells = growing(0.0, switching=0.3)
    table, grown = pair_of(cells, Growth("column", np.zeros(len(cells[1])), None))
    assert not table.set_index(["source", "target"]).loc[("A", "B"), "explained"]
    assert warnings_of(table, grown, measured=True) == []


def test_switching_that_a_fit_takes_for_growth_is_warned_of():
    table, grown = pair_of(growing(0.0, switching=0.3), Growth("unbalanced", None, 0.1))
    (warning,) = warnings_of(table, grown, measured=False)
    assert "P(A > B) is 0.0" in warning
    assert "0.3" in warning.split("and ")[1]


def test_p_per_descendant_weighs_cells_by_their_descendants():
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert mean_rows(rows, np.array([0, 0]), 2, np.array([3.0, 1.0]))[0] == pytest.approx([0.75, 0.25])
    assert np.isnan(mean_rows(rows, np.array([0, 0]), 2, np.ones(2))[1]).all()


@pytest.mark.parametrize("relaxation", [None, 0.1])
def test_the_targets_of_cells_outside_the_plan_follow_from_it(relaxation):
    rng = np.random.default_rng(3)
    labels = rng.integers(2, size=900)
    embedding = rng.normal(3 * labels[:, None], 1.0, (900, 2))
    times = np.repeat([0.0, 1.0], [500, 400])
    growth = Growth("unbalanced" if relaxation else "none", None, relaxation)
    (whole,) = transport_pairs(embedding, labels, times, 2, growth=growth, **PLAN)
    (drawn,) = transport_pairs(embedding, labels, times, 2, growth=growth, **PLAN | {"plan_cells": 200})
    assert whole.in_words() == ""
    assert "the plan is of 200 of 500 and 200 of 400 cells" in drawn.in_words()
    assert drawn.rows.sum(axis=1) == pytest.approx(1)
    assert drawn.mass.sum() == pytest.approx(1)
    first = labels[:500]
    P = [mean_rows(pair.rows, first, 2, np.ones(500)) for pair in (whole, drawn)]
    assert np.abs(P[0] - P[1]).max() < 0.05
    cost = squared_distances(embedding[:500], embedding[500:]) / 4
    potentials, plan = plan_of(cost, np.ones(500), epsilon=0.2, relaxation=relaxation)
    mass = potentials.mass(cost, np.ones(500))
    assert mass / mass.sum() == pytest.approx(plan.sum(axis=1) / plan.sum(), rel=1e-3)


def test_transport_goes_to_the_nearest_of_the_next_time():
    rng = np.random.default_rng(0)
    place = np.concatenate([np.zeros(20), np.full(20, 9.0), np.zeros(20), np.full(20, 9.0)])
    embedding = place[:, None] + rng.normal(0, 0.1, (80, 2))
    labels, times = np.repeat([0, 1, 0, 1], 20), np.repeat([0.0, 0, 1, 1], 20)
    found = targets_of(transport_pairs(embedding, labels, times, 2, growth=STEADY, **PLAN), 80, 2)
    assert found[:20, 0].min() > 0.95
    assert found[20:40, 1].min() > 0.95
    assert np.isnan(found[40:]).all()


@pytest.mark.parametrize(("times", "message"), [([1, 1, 1, 1], "all cells have time 1"), (["a", 1, 1, 2], "row 1 is 'a', a number")])
def test_times_that_are_none_are_refused(times, message):
    with pytest.raises(InputError, match=message):
        time_points(np.array(times, object), "transition.targets")


# ---- growth ----


def expression(**columns):
    values = np.array([[9.0, 0, 3], [9, 0, 3], [0, 9, 3], [0, 9, 3]])
    genes, cells = np.array(["MKI67", "CASP3", "ACTB"]), np.array(list("abcd"))
    return Expression(values, "counts", cells, genes, pd.DataFrame(columns), "cells.h5ad")  # a table has what is asked of the columns


def test_growth_comes_from_columns():
    cells = expression(birth=[1.0, 1, 0, 0], death=[0.0, 0, 0.5, 0.5], net=[1.0, 2, 3, 4])
    logs = np.log1p(cells.values)
    both = growth_of(cells, logs, {"source": "birth_death", "birth": "birth", "death": "death"})
    assert both.rates.tolist() == [1, 1, -0.5, -0.5]
    assert growth_of(cells, logs, {"source": "column", "column": "net"}).rates.tolist() == [1, 2, 3, 4]
    assert growth_of(cells, logs, {"source": "column", "column": "net"}).weights(2.0) == pytest.approx(np.exp([-6, -4, -2, 0]))


def test_growth_comes_from_marker_sets(tmp_path):
    write_gene_sets({"DIVIDE": ["MKI67", "PCNA"], "DIE": ["CASP3"]}, tmp_path / "sets.gmt")
    settings = {"source": "markers", "gene_sets": str(tmp_path / "sets.gmt"), "relaxation": 0.1}
    settings |= {"proliferation": "DIVIDE", "apoptosis": "DIE"}
    found = growth_of(expression(), np.log1p(expression().values), settings)
    assert found.rates[:2].min() > 1.3  # near 1.7 - 0.3 per day, the range that is assumed
    assert found.rates[2:].max() < -1.3
    assert found.relaxation == 0.1
    with pytest.raises(InputError, match=r"no set 'APOPTOSIS' .* the file has DIVIDE, DIE"):
        growth_of(expression(), np.log1p(expression().values), settings | {"apoptosis": "APOPTOSIS"})
    write_gene_sets({"DIVIDE": ["PCNA"], "DIE": ["CASP3"]}, tmp_path / "sets.gmt")
    with pytest.raises(InputError, match="no gene of the set 'DIVIDE'"):
        growth_of(expression(), np.log1p(expression().values), settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "column", "column": None}, "growth.column is missing: source column needs it"),
        ({"source": "column", "column": "rate"}, r"no column 'rate' \(transition.targets.growth.column\)"),
        ({"source": "column", "column": "words"}, "growth.column: row 2 is 'fast', a number is needed"),
        ({"source": "birth_death", "birth": "low", "death": "low"}, "cell 'b' has a birth rate of -1"),
        ({"source": "unbalanced", "relaxation": None}, "growth.relaxation is missing"),
    ],
)
def test_growth_that_cannot_be_is_refused(settings, message):
    cells = expression(words=np.array([1, "fast", 2, 3], object), low=[0.0, -1, 0, 0])
    with pytest.raises(InputError, match=message):
        growth_of(cells, np.log1p(cells.values), settings)


# ---- pseudotime ----


def test_the_soft_scheme_is_that_of_cellrank():
    assert soft_weights(np.array([0.03, 0.0, -0.5]), 10) == pytest.approx([2 / (1 + np.exp(0.3)) ** 2, 1, 1])
    assert soft_weights(np.array([0.03]), 10) == pytest.approx(0.362, abs=1e-3)


def test_pseudotime_holds_neighbours_behind_down():
    place = np.linspace(0, 1, 40)
    labels = (np.arange(40) >= 20).astype(int)
    line = (place[:, None], labels, place, 2)
    directed, hardly = (pseudotime_graph(*line, neighbours=10, bias=bias) for bias in (200, 0))
    assert directed.rows.sum(axis=1) == pytest.approx(np.ones(40))
    assert directed.rows[20, 1] > 0.9
    assert hardly.rows[20, 1] < 0.8


def test_how_directed_a_chain_is_is_said():
    place = np.linspace(0, 1, 41)
    line = (place[:, None], np.zeros(41, int), place, 2)
    strong = pseudotime_graph(*line, neighbours=2, bias=1000)
    assert strong.net == pytest.approx(39 / 41)  # the last cell has none ahead
    assert strong.net_undirected == pytest.approx(0, abs=1e-9)
    soft = pseudotime_graph(*line, neighbours=2, bias=0)  # one neighbour on each side, that behind weighs a half
    assert soft.net == pytest.approx(39 / 3 / 41)  # at the two ends both are ahead, and both behind
    assert soft.forward + soft.backward == pytest.approx(1)


def test_one_earlier_cell_is_too_few_for_a_control():
    """Cells are halved for it, and nothing is left of one."""
    labels = np.array([0, 1, 1])
    pair = Pair(0.0, 1.0, 1.0, np.array([0]), np.array([1, 2]), np.array([[0.0, 1.0]]), np.ones(1), (1, 2))
    assert np.isnan(_controls(np.zeros((3, 2)), labels, NAMES, pair, STEADY, {})).all()
