"""Two people's labels: agreement, kappa and its limits, frames, and what cannot be compared."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.evaluation.compared.labels import compare_labels, kappa_with_limits

HEADER = "by,at,recording,track_id,outcome,event_frame,note,data"


def write(path, by, *rows):
    """Labels from ``track outcome frame``."""
    lines = [HEADER]
    for row in rows:
        track, outcome, *frame = row.split()
        lines.append(f"{by},2026-11-29T10:00:00Z,r{int(track) % 3},{track},{outcome},{''.join(frame)},,t{track}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def two(tmp_path):
    anna = write(tmp_path / "anna.csv", "anna", "1 dead 10", "2 dead 12", "3 alive 9", "4 neither", "5 cannot_tell", "6 dead 8")
    ben = write(tmp_path / "ben.csv", "ben", "1 dead 11", "2 dead 8", "3 dead 9", "4 neither", "5 alive 3", "7 dead 8")
    return anna, ben


def test_cells_of_both_are_counted_and_differences_listed(two):
    found = compare_labels(*two, 2)
    scores = found.scores.set_index("cells")
    assert scores.loc["all labels", ["n", "agree", "recordings"]].tolist() == [5, 3, 3]
    assert scores.loc["cells that both could tell", ["n", "agree"]].tolist() == [4, 3]
    assert found.only == (1, 1)
    assert found.names == ("anna", "ben")
    assert found.frames.values.tolist() == [[-4, 1], [1, 1]]
    rows = found.disagreements[["track_id", "what", "outcome_a", "outcome_b"]].values.tolist()
    assert sorted(rows) == [[2, "event_frame", "dead", "dead"], [3, "outcome", "alive", "dead"], [5, "outcome", "cannot_tell", "alive"]]
    assert found.counts.loc["dead", "dead"] == 2
    assert len(compare_labels(*two, 4).disagreements) == 2


def test_kappa_is_that_of_its_definition_and_its_limits_hold_it():
    a = np.repeat(["x", "x", "y", "y"], [20, 5, 10, 15])
    b = np.repeat(["x", "y", "x", "y"], [20, 5, 10, 15])
    kappa, low, high = kappa_with_limits(a, b)
    assert kappa == pytest.approx(0.4)  # 0.7 agree, 0.5 by chance
    assert low < kappa < high
    assert (low, high) == pytest.approx((0.1248, 0.6181), abs=1e-3)


def test_perfect_agreement_of_few_is_not_certain():
    few, many = (kappa_with_limits(["x", "y"] * n, ["x", "y"] * n) for n in (3, 100))
    assert few[0] == many[0] == 1
    assert few[1] < 0.3 < 0.95 < many[1]


def test_one_label_alone_and_nothing_have_no_kappa():
    assert np.isnan(kappa_with_limits(["x"] * 9, ["x"] * 9)).all()
    assert np.isnan(kappa_with_limits([], [])).all()


def test_limits_hold_the_true_kappa_in_about_95_of_100_draws():
    generator, truth, n = np.random.default_rng(0), 0.6, 30  # of three equally frequent labels
    held = []
    for _ in range(300):
        a = generator.integers(0, 3, n)
        b = np.where(generator.random(n) < truth, a, generator.integers(0, 3, n))
        _, low, high = kappa_with_limits(a, b)
        held.append(low <= truth <= high)
    assert 0.9 <= np.mean(held) <= 0.99


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(",t2", ",t9"), "line 3: data of r2, track 2 is 't9', in .*line 3.* 't2'"),
        (lambda text: text.replace("Z,r", "Z,q"), "share no cell"),
        (lambda text: text.replace("ben", "ann", 1), "line 3: by is 'ben', before it is 'ann'"),
        (lambda text: text.splitlines()[0] + "\n", "there is no label in it"),
        (lambda text: text.replace("by,", ""), "columns? by missing"),
        (lambda text: text.replace("dead,11", "dead,"), "line 2: event_frame is empty"),
    ],
)
def test_what_cannot_be_compared_is_refused(two, change, words):
    two[1].write_text(change(two[1].read_text()))
    with pytest.raises(InputError, match=words):
        compare_labels(*two, 2)


def test_the_same_file_is_no_second_opinion_but_a_second_look_is(two, tmp_path):
    with pytest.raises(InputError, match="both files are the same one"):
        compare_labels(two[0], two[0], 2)
    again = tmp_path / "again.csv"
    again.write_text(two[0].read_text())
    found = compare_labels(two[0], again, 2)
    assert found.names == ("anna (A)", "anna (B)")
    assert found.disagreements.empty
    assert isinstance(found.counts, pd.DataFrame)
