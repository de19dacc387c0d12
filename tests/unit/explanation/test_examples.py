import h5py
import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.crops.extraction import extract_crops
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.examples import read_example_crops, select_examples, shown_frames, write_example_crops
from cellfate.explanation.tables import EXAMPLES
from cellfate.model.attention_rows import attention_rows

NAMES = {"negative": "apoptosis", "positive": "mitosis"}


def make_inputs(lengths=(30, 30, 30, 30, 30, 30)):
    """Track i of recording a (mitosis where odd); the probability of its own outcome falls with i, the last is wrong."""
    attention, predictions, trajectories = [], [], []
    for i, length in enumerate(lengths):
        label, own = i % 2, 0.95 - 0.05 * i if i < len(lengths) - 1 else 0.1
        probability = own if label else 1 - own
        name = f"a/{i}"
        weights = np.linspace(0.001, 0.02, length) if label else np.linspace(0.02, 0.001, length)
        attention.append(attention_rows(name, np.arange(length) + i, weights, 0, "test"))
        predictions.append((name, "a", "drug", 0, "test", "full", 0, length, label, probability - 0.5, probability, probability))
        trajectories.append((name, length, 30.0, label))
    columns = ["trajectory", "recording", "treatment", "fold", "split", "condition", "n", "n_frames", "label", "logit", "probability"]
    predictions = pd.DataFrame(predictions, columns=[*columns, "probability_raw"])
    known = pd.DataFrame(trajectories, columns=["trajectory", "n_frames", "frame_interval_min", "label"])
    return pd.concat(attention, ignore_index=True), predictions, known


def select(inputs, **settings):
    usual = {"treatment": "drug", "splits": ["test"], "per_outcome": 2, "min_frames": 20, "high_percentile": 90}
    usual |= settings
    analysis = Analysis(*inputs, NAMES, usual.pop("splits"), usual.pop("treatment"))
    return check_table(select_examples(analysis, **usual), EXAMPLES, "e")


def test_the_best_correct_long_trajectories_of_each_outcome_are_chosen():
    table = select(make_inputs(lengths=(15, 30, 30, 30, 30, 30)))  # a/0 is too short, a/5 is wrong
    assert list(dict.fromkeys(table["trajectory"])) == ["a/2", "a/4", "a/1", "a/3"]
    assert list(dict.fromkeys(table["outcome"])) == ["apoptosis", "mitosis"]
    assert list(dict.fromkeys(select(make_inputs(), per_outcome=1)["trajectory"])) == ["a/0", "a/1"]
    assert select(make_inputs(), treatment="other").empty
    assert select(make_inputs(), splits=["train"]).empty


def test_rows_hold_all_frames_and_number_the_shown_ones():
    table = select(make_inputs(), per_outcome=1)
    own = table[table["trajectory"] == "a/1"]
    assert len(own) == 30
    assert own["hours_before_end"].tolist() == [(29 - i) / 2 for i in range(30)]
    assert own[own["group"] == "high"]["frames_before_end"].tolist() == [2, 1, 0]  # three of thirty
    shown = table[table["position"].notna()]
    assert shown["position"].tolist() == list(range(len(shown)))
    assert (shown.groupby("trajectory")["position"].count() == 10).all()  # 3 of high attention and 7 low ones


def test_shown_frames_are_the_highest_and_evenly_spaced_low_ones():
    weights = np.array([0, 9, 1, 1, 1, 8, 7, 1, 1, 1, 1, 6], float)
    high = weights > 5
    assert shown_frames(weights, high, 4).tolist() == [0, 1, 5, 10]
    assert shown_frames(weights, high, 6).tolist() == [0, 1, 5, 6, 7, 10]
    assert shown_frames(np.ones(3), np.ones(3, bool), 4).tolist() == [0, 1]


class Frames:
    """Frames whose pixels hold 100 x frame + channel."""

    path, n_frames, shape, dtype, channels = "none", 40, (32, 32), np.dtype("uint16"), ("p53", "other")
    notes = ()

    def read(self, t):
        return np.stack([np.full(self.shape, 100 * t + c, np.uint16) for c in range(2)])

    def where(self, t):
        return f"frame {t}"


@pytest.fixture
def crop_file(tmp_path):
    tracks = pd.DataFrame(
        [("a", i, f, 16.0, 16.0) for i in range(6) for f in range(i, i + 30)], columns=["recording", "track_id", "frame", "y", "x"]
    )
    outcomes = pd.DataFrame({"track_id": range(6), "outcome": ["apoptosis", "mitosis"] * 3, "event_frame": 39})
    settings = {"recording": "a", "size": 8, "which": "fated", "outcomes_wanted": ["apoptosis", "mitosis"], "min_frames": 10}
    extract_crops(Frames(), tracks, outcomes, tmp_path / "a.h5", **settings, frame_interval_min=30, pixel_size_um=None)
    return tmp_path / "a.h5"


def test_crops_of_the_shown_frames_are_written_in_order(tmp_path, crop_file):
    table = select(make_inputs())
    write_example_crops(table, [crop_file], tmp_path / "examples.h5")
    crops, channels = read_example_crops(tmp_path / "examples.h5")
    shown = table[table["position"].notna()]
    assert channels == ["p53", "other"]
    assert crops.dtype == np.uint16
    assert crops.shape == (len(shown), 2, 8, 8)
    assert crops[:, 1, 4, 4].tolist() == (100 * shown["frame"] + 1).tolist()


def test_no_example_writes_an_empty_stack(tmp_path, crop_file):
    write_example_crops(select(make_inputs(), min_frames=99), [crop_file], tmp_path / "examples.h5")
    with h5py.File(tmp_path / "examples.h5") as file:
        assert file["crops"].shape == (0, 2, 8, 8)


def test_a_missing_crop_or_recording_is_an_error(tmp_path, crop_file):
    table = select(make_inputs())
    with pytest.raises(InputError, match=r"no file of recording b; there are a"):
        write_example_crops(table.assign(trajectory="b/1"), [crop_file], tmp_path / "examples.h5")
    with pytest.raises(InputError, match="track 0 has no crop of frame 39"):
        write_example_crops(table.assign(trajectory="a/0", frame=39), [crop_file], tmp_path / "examples.h5")
    assert not (tmp_path / "examples.h5").exists()


def test_a_trajectory_without_rows_of_attention_is_named():
    attention, predictions, known = make_inputs()
    with pytest.raises(InputError, match=r"attention: trajectory a/0 of fold 0 is missing"):
        select((attention[attention["trajectory"] != "a/0"], predictions, known))
    with pytest.raises(InputError, match=r"attention: trajectory a/0 of fold 0 is missing"):
        select((attention.iloc[:0], predictions, known))
