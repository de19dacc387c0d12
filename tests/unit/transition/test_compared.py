"""P of another place beside this run's: what its file must be, which intervals leave each other out, and what is said of both."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, write_table
from cellfate.transition.matrix.compared import check_shared, compare_matrices, compared_lines, own_rows, read_given
from cellfate.transition.tables import COMPARED_MATRICES, GIVEN_MATRIX, TRANSITION_MATRIX

PLAIN = """source,target,probability,lower,upper,n
A,A,0.7,0.6,0.8,50
A,x,0.3,0.2,0.4,50
x,A,0.1,,,
x,x,0.9,,,
"""


def settings(path, **changed) -> dict:
    return {"matrix": str(path), "variant": None, "names": {}} | changed


def matrices(P, names, variant: str = "counted", half: float = 0.05) -> pd.DataFrame:
    rows = [(source, target, P[i][j]) for i, source in enumerate(names) for j, target in enumerate(names)]
    table = pd.DataFrame(rows, columns=["source", "target", "probability"]).assign(variant=variant, kind="transition")
    limits = {"ci_low": (table["probability"] - half).clip(0, 1), "ci_high": (table["probability"] + half).clip(0, 1)}
    return table.assign(**limits, interval="Jeffreys", absorbing=False, entropy=0.5, overall_entropy=0.5, n_cells=9)


def given(P, names, half: float = 0.05, there=None) -> pd.DataFrame:
    table = matrices(P, names, half=half)
    old = dict(zip(names, there or names, strict=True))
    table = table.assign(source_there=table["source"].map(old), target_there=table["target"].map(old))
    return check_table(table[list(GIVEN_MATRIX.columns)], GIVEN_MATRIX, "a test")


def compared(own, other, days=np.nan, hours=None, per=None) -> pd.DataFrame:
    table = compare_matrices(own, other, step_days=days, step_h=hours, per=per)
    return check_table(table, COMPARED_MATRICES, "a test")


def test_a_plain_table_is_read_with_its_names_changed(tmp_path):
    (tmp_path / "p.csv").write_text(PLAIN)
    table = read_given(settings(tmp_path / "p.csv", names={"x": "B"}))
    check_table(table, GIVEN_MATRIX, "p")
    assert table[["source", "target"]].to_numpy().tolist() == [["A", "A"], ["A", "B"], ["B", "A"], ["B", "B"]]
    assert table["target_there"].tolist() == ["A", "x"] * 2
    assert table["ci_low"].tolist()[:2] == [0.6, 0.2]
    assert table["n_cells"].isna().tolist() == [False, False, True, True]


def test_the_matrices_of_a_run_are_read_the_counted_one_unless_another_is_named(tmp_path):
    both = pd.concat([matrices([[0.6, 0.4], [0, 1]], "AB", "mlp"), matrices([[0.5, 0.5], [0, 1]], "AB")])
    write_table(both, tmp_path / "m.csv", TRANSITION_MATRIX)
    assert read_given(settings(tmp_path / "m.csv"))["probability"].tolist()[0] == 0.5
    assert read_given(settings(tmp_path / "m.csv", variant="mlp"))["probability"].tolist()[0] == 0.6
    with pytest.raises(InputError, match=r"transition\.compare\.variant is 'full', and .*m\.csv has mlp, counted"):
        read_given(settings(tmp_path / "m.csv", variant="full"))
    write_table(both.assign(kind="confusion"), tmp_path / "m.csv", TRANSITION_MATRIX)
    with pytest.raises(InputError, match="confusion of static labels"):
        read_given(settings(tmp_path / "m.csv"))


@pytest.mark.parametrize(
    ("old", "new", "changed", "message"),
    [
        ("x,x,0.9", "x,x,0.8", {}, "source 'x' add up to 0.9, 1 is needed"),
        ("x,A,0.1,,,\nx,x,0.9,,,\n", "", {}, "phenotype 'x' is a target and never a source"),
        ("x,A,0.1,,,\n", "", {}, "no entry for 'x' to 'A'"),
        ("x,x,0.9", "x,x,1.9", {}, "line 5: probability is 1.9, at most 1"),
        ("x,x,0.9", "x,x,", {}, "line 5: probability is empty"),
        ("x,x,0.9", "x,A,0.9", {}, "line 5: source x, target A stands here for the second time"),
        ("0.6,0.8", "0.75,0.8", {}, "line 2: the limits of A to A are 0.75 and 0.8, the probability is 0.7"),
        ("0.6,0.8", "0.6,", {}, "line 2: the limits of A to A are 0.6 and nan"),
        ("upper,n", "upper,rate", {}, "unknown column rate; allowed are source, target, probability, lower, upper, n"),
        ("probability", "p", {}, "column probability missing"),
        ("", "", {"names": {"y": "B"}}, "transition.compare.names has 'y', which is no phenotype"),
        ("", "", {"names": {"x": "A"}}, "would both be 'A'"),
        ("", "", {"variant": "mlp"}, "has no column variant"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path, old, new, changed, message):
    (tmp_path / "p.csv").write_text(PLAIN.replace(old, new, 1) if old else PLAIN)
    with pytest.raises(InputError) as error:
        read_given(settings(tmp_path / "p.csv", **changed))
    assert message in str(error.value)


def test_no_table_and_no_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="a table is needed"):
        read_given(settings(tmp_path / "p.xlsx"))
    with pytest.raises(InputError, match="no such file"):
        read_given(settings(tmp_path / "p.csv"))
    (tmp_path / "p.csv").write_text(PLAIN.splitlines()[0] + "\n")
    with pytest.raises(InputError, match="the table has no row"):
        read_given(settings(tmp_path / "p.csv"))


def test_numbers_rounded_to_two_decimals_add_up(tmp_path):
    rows = [f"{source},{target},0.33" for source in "ABC" for target in "ABC"]
    (tmp_path / "p.csv").write_text("\n".join(["source,target,probability", *rows]))
    assert len(read_given(settings(tmp_path / "p.csv"))) == 9


def test_entries_have_their_difference_and_whether_intervals_leave_each_other_out():
    own = matrices([[0.6, 0.4], [0.1, 0.9]], "AB")
    table = compared(own, given([[0.75, 0.25], [0.15, 0.85]], "AB")).set_index(["source", "target"])
    assert table.loc[("A", "A"), "difference"] == pytest.approx(-0.15)
    assert table["intervals"].tolist() == ["apart", "apart", "overlap", "overlap"]
    no_limits = given([[0.75, 0.25], [0.15, 0.85]], "AB").assign(ci_low=np.nan, ci_high=np.nan)
    assert set(compared(own, no_limits)["intervals"]) == {"none"}


def test_phenotypes_of_one_matrix_alone_are_kept_and_named():
    own = matrices([[0.6, 0.3, 0.1], [0.1, 0.9, 0], [0, 0, 1]], "ABC")
    table = compared(own, given([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0, 0, 1]], "ABD", there=["A", "b", "D"]))
    assert table["where"].value_counts().to_dict() == {"here only": 5, "there only": 5, "both": 4}
    assert table.loc[table["where"] != "both", "difference"].isna().all()
    lines = "\n".join(compared_lines(table))
    assert "2 shared phenotypes: of 4 entries 4 have an interval in both" in lines
    assert "Phenotypes of this run alone: C. What goes to phenotypes that the other lacks: A 0.100; B 0.000." in lines
    assert "Phenotypes of the other matrix alone: D. What goes to phenotypes that this run lacks: A 0.200; B 0.100." in lines


def test_without_a_shared_phenotype_both_lists_are_named():
    with pytest.raises(InputError, match=r"films\.csv: none of its phenotypes \(x, y\) is one of this run \(A, B\); transition\.compare"):
        check_shared(given([[1, 0], [0, 1]], "xy"), ["A", "B"], "films.csv")


@pytest.mark.parametrize(
    ("days", "hours", "per", "words"),
    [
        (1 / 12, 2, "cell", ["A step is 2 h in both.", "Both P are per cell"]),
        (1, 2, "descendant", ["Warning: a step is 24 h here and 2 h there", "this run's P is per cell, the other per descendant"]),
        (np.nan, 2, None, ["a step here is not known", "there 2 h", "per cell or per descendant is not said"]),
        (1, None, "cell", ["a step here is 24 h, there not said (transition.compare.step_h)"]),
    ],
)
def test_what_a_step_and_p_mean_is_said(days, hours, per, words):
    own = matrices([[0.6, 0.4], [0.1, 0.9]], "AB")
    lines = "\n".join(compared_lines(compared(own, given([[0.6, 0.4], [0.1, 0.9]], "AB"), days, hours, per)))
    assert all(word in lines for word in words)


def test_the_network_is_the_first_of_all_matrices():
    both = pd.concat([matrices([[1, 0], [0, 1]], "AB", "full"), matrices([[1, 0], [0, 1]], "AB"), matrices([[1, 0], [0, 1]], "AB", "mlp")])
    assert set(own_rows(both, "network")["variant"]) == {"full"}
    assert set(own_rows(both, "counted")["variant"]) == {"counted"}
    assert compared_lines(None) == []
