"""Fates of phenotypes and cells on chains whose answers are known, genes that go with them, and conditions that differ or do not."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, read_table, write_table
from cellfate.figures.transition.fates import plot_fates
from cellfate.transition.cells import Prepared
from cellfate.transition.fates.cells import cell_fates, fate_drivers, fate_trends
from cellfate.transition.fates.chain import TARGETS, own_matrix, terminal_phenotypes
from cellfate.transition.fates.conditions import condition_tables, findings
from cellfate.transition.fates.summary import FATE_TABLES, FateSettings, tabulate_fates
from cellfate.transition.files import PreparedFile, read_prepared, write_prepared
from cellfate.transition.tables import CONDITION_MATRICES, CONDITION_TESTS, TRANSITION_RATES

NAMES = ["A", "B", "C", "D"]
CHAIN = np.array([[0.25, 0.5, 0.25, 0.0], [0.25, 0.0, 0.25, 0.5], [0, 0, 1, 0], [0, 0, 0, 1]])
ENDS = np.array([[0.6, 0.4], [0.4, 0.6]])  # in C and D from A and B, worked out in test_markov
NUMBERS = {"permutations": 200, "bootstrap": 50, "seed": 1}
RATES = pd.DataFrame({"days": [0.5, 0.5]})


def prepared_cells(targets, phenotype, expression=None, groups=None, conditions=None, along=None):
    n = len(phenotype)
    logs = np.random.default_rng(9).normal(size=(n, 30)) if expression is None else expression
    parts = np.where(np.arange(n) % 4 < 2, "test", "train").astype(object)
    genes, cells = (np.array([f"{kind}{i}" for i in range(size)], object) for kind, size in (("g", logs.shape[1]), ("c", n)))
    prepared = Prepared(logs, np.zeros(logs.shape[1]), logs, genes, cells, parts, logs[:, :2], "PCA")
    return PreparedFile(prepared, phenotype, NAMES, targets, "observed", groups, conditions=conditions, along=along)


def drawn(phenotype, P, rng):
    """One-hot next phenotypes, drawn from the rows of P, (n, n) or of each cell (N, n)."""
    rows = P[phenotype] if P.shape[0] != len(phenotype) else P
    return np.eye(4)[(rng.random((len(phenotype), 1)) > rows.cumsum(axis=1)[:, :-1]).sum(axis=1)]


def exact_cells():
    """Cells whose targets are the rows of the chain."""
    phenotype = np.repeat([0, 1, 2, 3], 40)
    return prepared_cells(CHAIN[phenotype], phenotype, along=np.arange(160.0))


def matrix_table(P, variant="net"):
    return pd.DataFrame({"variant": variant, "source": np.repeat(NAMES, 4), "target": np.tile(NAMES, 4), "probability": P.ravel()})


def tabulated(file, terminal=None, stability=0.95):
    return tabulate_fates(file, matrix_table(CHAIN), RATES, FateSettings(terminal, stability, 3, [1, 2]), bootstrap=20, seed=1)


def test_fates_and_times_of_four_states_are_those_worked_out_by_hand():
    tables, lines = tabulated(exact_cells())
    for declared in FATE_TABLES:
        check_table(tables[declared.name], declared, "fates")
    own = tables["transition_fates"].query("group == 'targets'").set_index(["source", "fate"])
    assert own["probability"].unstack().loc[["A", "B"]].to_numpy() == pytest.approx(ENDS)
    times = tables["fate_times"].query("group == 'net'").set_index("source")
    assert times["mean_steps"].tolist() == pytest.approx([2.4, 1.6, 0, 0])
    assert times["mean_days"].tolist() == pytest.approx([1.2, 0.8, 0, 0])
    assert times["terminal"].tolist() == [False, False, True, True]
    assert times[["ci_low", "ci_high"]].isna().all(axis=None), "a network's chain has no interval from resampled predictions"
    power = tables["matrix_powers"].query("group == 'targets' and steps == 2")["probability"].to_numpy().reshape(4, 4)
    assert power == pytest.approx(CHAIN @ CHAIN)
    assert lines[0].startswith("terminal phenotypes: C, D; found")


def test_intervals_of_fates_hold_the_truth():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(40):
        phenotype = np.repeat([0, 1, 2, 3], 60)
        found = tabulated(prepared_cells(drawn(phenotype, CHAIN, rng), phenotype), terminal=["C", "D"])[0]["transition_fates"]
        row = found.query("group == 'targets' and source == 'A' and fate == 'C'").iloc[0]
        held += row["ci_low"] <= 0.6 <= row["ci_high"]
    assert held >= 33


def test_cells_enter_the_chain_by_their_own_next_phenotype():
    file = exact_cells()
    targets = file.targets.copy()
    targets[0] = [0, 0, 0, 1]
    found = cell_fates(file, CHAIN, [2, 3])
    assert found[0] == pytest.approx(ENDS[0])
    assert found[[80, 120]].tolist() == [[1, 0], [0, 1]]
    assert cell_fates(prepared_cells(targets, file.phenotype), CHAIN, [2, 3])[0].tolist() == [0, 1]


def test_terminal_phenotypes_are_given_or_found():
    assert terminal_phenotypes(CHAIN * 0.9 + 0.025, NAMES, ["D"], 0.9).places == [3]
    assert terminal_phenotypes(CHAIN * 0.9 + 0.025, NAMES, None, 0.9).places == [2, 3]
    with pytest.raises(InputError, match="terminal names 'E'; the phenotypes are A, B, C, D"):
        terminal_phenotypes(CHAIN, NAMES, ["E"], 0.9)
    alone = np.array([[1.0, 0, 0, 0], *CHAIN[1:]])
    assert terminal_phenotypes(alone, NAMES, ["C", "D"], 0.9).places == [2, 3, 0]
    assert "and A, of which no cell becomes another" in terminal_phenotypes(alone, NAMES, ["C", "D"], 0.9).how
    around = np.array([[0.0, 1, 0, 0], [1, 0, 0, 0], *CHAIN[2:]])
    with pytest.raises(InputError, match="from A, B no terminal phenotype is ever reached"):
        terminal_phenotypes(around, NAMES, ["C", "D"], 0.9)
    with pytest.raises(InputError, match="all phenotypes are terminal"):
        terminal_phenotypes(np.eye(4), NAMES, None, 0.9)


def test_without_terminal_phenotypes_tables_are_empty_and_say_so():
    phenotype = np.repeat([0, 1, 2, 3], 12)
    file = prepared_cells(np.full((48, 4), 0.25), phenotype)
    tables, lines = tabulate_fates(
        file, matrix_table(np.full((4, 4), 0.25)), RATES, FateSettings(None, 0.9, 3, [1, 2]), bootstrap=5, seed=1
    )
    assert tables["transition_fates"].empty
    assert "none; name them in transition.terminal" in lines[0]
    assert "shares in the long run, targets: A 0.25, B 0.25, C 0.25, D 0.25" in lines


def test_trends_follow_pseudotime(tmp_path):
    phenotype = np.repeat([0, 1], 100)
    along = np.arange(200.0)
    file = prepared_cells(CHAIN[phenotype], phenotype, along=along)
    trends = fate_trends(file, cell_fates(file, CHAIN, [2, 3]), [2, 3], bins=4, bootstrap=20, seed=1)
    rising = trends[trends["fate"] == "D"].sort_values("middle")
    assert rising["probability"].tolist() == pytest.approx([0.4, 0.4, 0.6, 0.6])
    assert rising["n_cells"].tolist() == [50] * 4
    write_prepared(file, tmp_path / "prepared.h5")
    assert read_prepared(tmp_path / "prepared.h5").along.tolist() == along.tolist()


def test_genes_that_drive_a_fate_within_a_phenotype_are_found_and_markers_are_not():
    rng = np.random.default_rng(3)
    phenotype = np.tile([0, 1], 300)
    logs = rng.normal(size=(600, 40))
    logs[:, 1] += 3 * phenotype  # a marker of B, which is nearer to D
    drive = 1 / (1 + np.exp(-2 * logs[:, 0]))
    rows = np.column_stack([np.full(600, 0.2), np.full(600, 0.2), 0.6 * (1 - drive), 0.6 * drive])
    rows[phenotype == 1] = rows[phenotype == 1] * [1, 1, 0.3, 1]
    rows /= rows.sum(axis=1, keepdims=True)
    own = fate_drivers(prepared_cells(drawn(phenotype, rows, rng), phenotype, logs), [2, 3]).query("fate == 'D'").set_index("gene")
    assert own.loc["g0", "within_correlation"] > 0.3
    assert own.loc["g0", "q_value"] < 1e-3
    assert own.loc["g1", "correlation"] > 0.15, "over all cells a marker goes with the fate"
    assert own.loc["g1", "q_value"] > 0.05
    assert (own["q_value"] < 0.05).sum() <= 2
    assert own["n_cells"].unique() == [300]


def test_no_gene_goes_with_fates_that_are_drawn_at_random():
    rng = np.random.default_rng(5)
    phenotype = np.tile([0, 1], 200)
    called = 0
    for _ in range(30):
        found = fate_drivers(prepared_cells(drawn(phenotype, CHAIN, rng), phenotype, rng.normal(size=(400, 50))), [2, 3])
        called += (found["q_value"] < 0.05).any()
    assert called <= 5


def conditioned(changed, rng, groups=None, n=240):
    phenotype = np.tile([0, 1], n // 2)
    treated = np.arange(n) % 4 >= 2 if groups is None else groups[1]
    P = np.repeat(CHAIN[phenotype][None], 2, axis=0)
    P[1, phenotype == 0] = np.array([0.25, 0.5, 0.25, 0]) + changed * np.array([0, -0.5, 0, 0.5])
    targets = drawn(phenotype, np.where(treated[:, None], P[1], P[0]), rng)
    conditions = np.where(treated, "drug", "none").astype(object)
    return prepared_cells(targets, phenotype, groups=None if groups is None else groups[0], conditions=conditions)


def overall(file):
    matrices, tests = condition_tables(file, "none", **NUMBERS)
    check_table(matrices, CONDITION_MATRICES, "conditions")
    return check_table(tests, CONDITION_TESTS, "conditions").set_index("source")


def test_a_condition_that_changes_p_is_told_from_one_that_does_not():
    rng = np.random.default_rng(0)
    tests = overall(conditioned(0.6, rng))
    assert tests.loc["all", "p_value"] == pytest.approx(1 / 201)
    assert tests.loc["A", "q_value"] < 0.05
    assert tests.loc["B", "q_value"] > 0.05
    assert tests.loc["A", "changed"] == pytest.approx(0.3, abs=0.15)
    assert "no group is named" in findings(tests.reset_index())[0]
    null = [overall(conditioned(0.0, rng)).loc["all", "p_value"] for _ in range(30)]
    assert np.mean(np.array(null) < 0.1) < 0.3
    assert 0.3 < np.mean(null) < 0.7


def test_donors_are_exchanged_whole_where_they_are_named():
    rng = np.random.default_rng(1)
    donor = np.repeat([f"d{i}" for i in range(6)], 40)
    tests = overall(conditioned(0.9, rng, (donor.astype(object), np.repeat([False, True], 120))))
    assert (tests["units"] == "groups").all()
    assert tests.loc["all", "smallest_p"] == pytest.approx(2 / 20)
    assert tests.loc["all", "p_value"] >= 0.08, "three donors against three can give no less"
    paired = overall(conditioned(0.9, rng, (donor.astype(object), np.arange(240) % 4 >= 2)))
    assert (paired["units"] == "conditions within groups").all()
    assert paired.loc["all", "smallest_p"] == pytest.approx(2 / 64)


@pytest.mark.parametrize(
    ("control", "message"), [("placebo", "control is 'placebo'; the conditions are drug, none"), (None, "control is None")]
)
def test_a_control_that_is_none_is_refused(control, message):
    with pytest.raises(InputError, match=message):
        condition_tables(conditioned(0.0, np.random.default_rng(0)), control, **NUMBERS)


def test_groups_that_are_neither_paired_nor_whole_are_refused():
    donor = np.repeat(["x", "y"], 120).astype(object)
    with pytest.raises(InputError, match="some groups have both conditions and others have one"):
        condition_tables(conditioned(0.0, np.random.default_rng(0), (donor, np.arange(240) < 60)), "none", **NUMBERS)


def test_the_figure_shows_fates_or_says_why_there_are_none():
    tables, _ = tabulated(exact_cells())
    parts = {"fates": tables["transition_fates"], "times": tables["fate_times"], "trends": tables["fate_trends"]}
    drawn_figure = plot_fates(**parts, along="pseudotime")
    assert [axes.get_xlabel() for axes in drawn_figure.axes] == ["from phenotype", "from phenotype", "pseudotime"]
    assert drawn_figure.axes[1].get_title() == "a step is 0.5 days"
    nothing = plot_fates(**{name: part.head(0) for name, part in parts.items()}, along=None)
    assert "no phenotype is terminal" in nothing.axes[0].texts[-1].get_text()


def test_empty_tables_survive_their_files(tmp_path):
    empty = pd.DataFrame(columns=list(TRANSITION_RATES.columns))
    write_table(empty, tmp_path / "rates.csv", TRANSITION_RATES)
    assert read_table(tmp_path / "rates.csv", TRANSITION_RATES).empty


def test_a_phenotype_without_any_cell_stays_what_it_is():
    phenotype = np.repeat([0, 1], 12)
    assert own_matrix(prepared_cells(CHAIN[phenotype], phenotype))[2:].tolist() == CHAIN[2:].tolist()
    assert TARGETS == "targets"
