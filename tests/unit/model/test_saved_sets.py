import numpy as np
import pytest

from cellfate.model.saved.sets import promises, read_sets, save_sets, set_words
from cellfate.statistics.conformal import fit_banded


def limits(n_units, seed=0):
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(n_units), 40)
    labels = np.tile([0, 1], 20 * n_units)
    return fit_banded(rng.uniform(size=len(units)), labels, units, np.tile(np.arange(10, 50), n_units), level=0.9)


@pytest.mark.parametrize("n_units", [2, 12])
def test_limits_come_back_also_those_that_promise_nothing(tmp_path, n_units):
    wanted = limits(n_units)
    save_sets(wanted, 0.9, tmp_path / "sets.json")
    found = read_sets(tmp_path / "sets.json")
    probabilities, n_frames = np.linspace(0, 1, 101), np.tile([1, 10, 25, 49, 80], 21)[:101]
    assert (found.sets(probabilities, n_frames) == wanted.sets(probabilities, n_frames)).all()
    assert found.first_frames == wanted.first_frames
    assert [limit.reason for band in found.limits for limit in band] == [limit.reason for band in wanted.limits for limit in band]
    assert found.sets(probabilities, n_frames).all() == (n_units == 2)


def test_no_limits_and_no_file_are_none(tmp_path):
    save_sets(None, 0.9, tmp_path / "sets.json")
    assert read_sets(tmp_path / "sets.json") is None
    assert read_sets(tmp_path / "older.json") is None


def test_a_set_in_words():
    holds = np.array([[True, False], [False, True], [True, True], [False, False]])
    assert set_words(holds, ("apoptosis", "mitosis")) == ["apoptosis", "mitosis", "apoptosis|mitosis", "neither"]


def test_what_is_promised_is_said_for_each_outcome(tmp_path):
    names = ("apoptosis", "mitosis")
    save_sets(limits(12), 0.9, tmp_path / "many.json")
    assert promises(tmp_path / "many.json", names)[0] == "apoptosis: promised in 90% of its cells, from 12 held-out recordings or groups"
    save_sets(limits(2), 0.9, tmp_path / "few.json")
    assert "2 units, 4 are needed; every set holds it" in promises(tmp_path / "few.json", names)[1]
    assert promises(tmp_path / "none.json", names) == ["No sets of outcomes: no held-out cell was there to fit them."]
