"""What is hidden from the network, what it says then, and what the scores say of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from toy_crops import MODEL, toy_data

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.crops.crop_set import CropSet
from cellfate.evaluation.ablations.inputs import Cells, FoldFiles, chosen, rearranged
from cellfate.evaluation.ablations.predict import Ablations, predict_ablations
from cellfate.evaluation.ablations.scores import ablation_lines, missing_ablations, score_ablations, standing
from cellfate.evaluation.ablations.tables import ABLATED, ABLATIONS
from cellfate.evaluation.scoring import Units
from cellfate.model.calibration import Calibration
from cellfate.model.embedding import embed_crops
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.scaling import Scaling, compute_scaling, training_input
from cellfate.segmentation.mask_file import writing_masks

SIZE = 16
PLAIN = {"precision": "32-true", "channels_last": False}
CHANNELS = ["circadian", "p53", "cell_cycle"]
UNITS = Units("recording", ("apoptosis", "mitosis"))


def settings(**changes):
    options = {"kinds": ["cell", "channels", "frames"], "trajectories": None, "radius": 4.0, "region": "centre", "min_area": 5, "seed": 1}
    return Ablations(**options | {"batch_size": 5, **PLAIN} | changes)


def network(channels=3, positions="end"):
    torch.manual_seed(0)
    model = FateModel(ModelSettings(**MODEL | {"channels": channels, "positions": positions, "input_size": 8}))
    with torch.no_grad():
        model.class_token.normal_()
        model.output.weight.normal_(0, 2)
    return model.eval()


class Embedded:
    """Stands in for the embeddings file, made of the crops when it is read."""

    def __init__(self, model, cropset, scaling, trajectories):
        self.read = lambda name: self._read(model, cropset, scaling, trajectories.set_index("trajectory").loc[name])

    @staticmethod
    def _read(model, cropset, scaling, row):
        frames, crops = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        return frames, embed_crops(model, crops, scaling, **PLAIN)


@pytest.fixture
def toy(tmp_path):
    """Crops of three recordings, of which r1 tests, and masks of r1: of track 0 in two frames, of track 1 nowhere."""
    paths, trajectories, split = toy_data(tmp_path / "crops", n_tracks=4, size=SIZE)
    with writing_masks(tmp_path / "r1.h5", 4, SIZE, {"recording": "r1"}, {}) as writer:
        labels = np.zeros((2, SIZE, SIZE), np.uint16)
        labels[:, 5:11, 6:12] = 1
        writer.add(0, np.array([4, 6]), labels, np.zeros(2, np.int8))
        writer.add(1, np.array([4, 6]), np.zeros_like(labels), np.full(2, -1, np.int8))
    return FoldFiles(trajectories, split, paths, [tmp_path / "r1.h5"], 0)


def predicted(fold, model, **changes):
    scaling = compute_scaling(fold.crops, fold.trajectories, fold.split, 0, "corrected", scaling_frames=10)
    embeddings = Embedded(model, CropSet(fold.crops), scaling, fold.trajectories)
    table = predict_ablations(model, embeddings, scaling, Calibration(), fold, settings(**changes))
    return check_table(table, ABLATED, "test"), scaling, embeddings


def logit(model, vectors):
    with torch.inference_mode():
        return float(model.classify(torch.as_tensor(np.ascontiguousarray(vectors))[None], torch.tensor([len(vectors)]))[0][0])


def test_each_ablation_is_what_the_network_says_of_that_input(toy):
    model = network()
    table, scaling, embeddings = predicted(toy, model)
    found = table[table["trajectory"] == "r1/0"].set_index("ablation")["logit"]
    frames, crops = CropSet(toy.crops).read("r1", 0, 0, 99)
    cell = np.zeros((len(frames), SIZE, SIZE), bool)
    away = np.hypot(*np.mgrid[-8:8, -8:8])
    cell[:] = away <= 4
    for place in np.flatnonzero(np.isin(frames, [4, 6])):
        cell[place] = False
        cell[place, 5:11, 6:12] = True
    blocks = cell.reshape(len(frames), 8, 2, 8, 2).any(axis=(2, 4)).repeat(2, 1).repeat(2, 2)  # input_size is half of the crop's
    around = (~cell).reshape(len(frames), 8, 2, 8, 2).any(axis=(2, 4)).repeat(2, 1).repeat(2, 2)
    mean = np.array(scaling.mean)[:, None, None]
    whole = crops.astype(float)
    expected = {
        "cell_hidden": np.where(blocks[:, None], mean, whole),
        "surroundings_hidden": np.where(around[:, None], mean, whole),
        "only-p53": np.stack([np.full_like(whole[:, 0], mean[0, 0, 0]), whole[:, 1], np.full_like(whole[:, 2], mean[2, 0, 0])], axis=1),
        "without-circadian": np.concatenate([np.full_like(whole[:, :1], mean[0, 0, 0]), whole[:, 1:]], axis=1),
    }
    for name, images in expected.items():
        assert found[name] == pytest.approx(logit(model, embed_crops(model, images.round(3), scaling, **PLAIN)), abs=0.02), name
    vectors = embeddings.read("r1/0")[1]
    assert found["frames_reversed"] == pytest.approx(logit(model, vectors[::-1]), abs=1e-4)
    assert found["last_frame"] == pytest.approx(logit(model, vectors[-1:]), abs=1e-4)
    assert found["first_half"] == pytest.approx(logit(model, vectors[: len(vectors) // 2]), abs=1e-4)
    assert found.drop(["centre_hidden"]).nunique() == len(found) - 1


def test_only_held_out_trajectories_and_where_the_cell_was_found(toy):
    table, _, _ = predicted(toy, network())
    assert set(table["trajectory"]) == {f"r1/{i}" for i in range(4)}
    regions = table[table["ablation"] == "cell_hidden"].set_index("trajectory")["n_regions"]
    assert regions.to_dict() == {"r1/0": 2, "r1/1": 0, "r1/2": 0, "r1/3": 0}
    assert table.loc[table["ablation"] == "centre_hidden", "n_regions"].isna().all()
    same = table[table["trajectory"] == "r1/2"].set_index("ablation")["logit"]
    assert same["cell_hidden"] == pytest.approx(same["centre_hidden"], abs=1e-6), "without a region the cell is the disc"


def test_what_is_asked_for_and_no_more_than_that(toy):
    table, _, _ = predicted(toy, network(), kinds=["frames"])
    assert set(table["ablation"]) == {"frames_shuffled", "frames_reversed", "positions_removed", "last_frame", "first_half"}
    assert predicted(toy, network(), kinds=[])[0].empty
    few, _, _ = predicted(toy, network(), kinds=["channels", "frames"], trajectories=1)
    assert few.groupby("ablation")["trajectory"].nunique().to_dict() == {
        **{f"{prefix}-{name}": 2 for prefix in ("only", "without") for name in CHANNELS},
        **dict.fromkeys(("frames_shuffled", "frames_reversed", "positions_removed", "last_frame", "first_half"), 4),
    }


@pytest.mark.parametrize(("channels", "names"), [(1, set()), (2, {"only-circadian", "only-p53"})])
def test_one_channel_is_the_whole_input_and_of_two_each_is_what_is_left(tmp_path, channels, names):
    paths, trajectories, split = toy_data(tmp_path, n_tracks=2, size=SIZE, n_channels=channels)
    table, _, _ = predicted(FoldFiles(trajectories, split, paths, [], 0), network(channels), kinds=["channels"])
    assert set(table["ablation"]) == names
    cell, _, _ = predicted(FoldFiles(trajectories, split, paths, [], 0), network(channels), kinds=["cell"])
    assert (cell.loc[cell["ablation"] == "cell_hidden", "n_regions"] == 0).all(), "without masks discs stand for all cells"


def test_masks_of_another_size_are_refused(toy):
    with Cells(toy.masks, 20, radius=4, rule="centre", min_area=5) as cells, pytest.raises(InputError, match=r"masks of 16 px.* 20 px"):
        cells.of("r1", 0, np.arange(4, 8))


@pytest.mark.parametrize("positions", ["start", "end"])
def test_without_positions_the_order_of_frames_is_nothing(positions):
    model, vectors = network(positions=positions), np.random.default_rng(0).normal(size=(9, 8)).astype("float32")
    found = dict(rearranged(model, vectors, "a", 1))
    again = dict(rearranged(model, vectors[::-1], "a", 1))
    assert logit(model, found["positions_removed"]) == pytest.approx(logit(model, again["positions_removed"]), abs=1e-4)
    assert logit(model, vectors) != pytest.approx(logit(model, vectors[::-1]), abs=1e-2)


def test_the_mean_input_is_that_of_the_training_crops(toy):
    reference = Scaling("reference", 65535.0, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3), tuple(CHANNELS))
    counts = compute_scaling(toy.crops, toy.trajectories, toy.split, 0, "corrected", scaling_frames=10).mean
    expected = (np.array(counts) / 65535 - np.array(reference.mean)) / np.array(reference.std)
    assert training_input(toy.crops, toy.trajectories, toy.split, 0, reference) == pytest.approx(expected)


def test_the_draw_is_balanced_and_the_same_each_time():
    rows = pd.DataFrame({"trajectory": [f"t{i}" for i in range(30)], "label": [0] * 25 + [1] * 5})
    drawn = chosen(rows, 6, 1)
    assert drawn["label"].value_counts().to_dict() == {0: 6, 1: 5}
    assert drawn["trajectory"].tolist() == chosen(rows, 6, 1)["trajectory"].tolist() != chosen(rows, 6, 2)["trajectory"].tolist()
    assert len(chosen(rows, None, 1)) == 30


# ---- scores ----


def cells(n_recordings=10, per_class=4):
    """Predictions in full of cells that are all called rightly, and their trajectories."""
    rows = [(f"r{r}/{i}", f"r{r}", i % 2) for r in range(n_recordings) for i in range(2 * per_class)]
    table = pd.DataFrame(rows, columns=["trajectory", "recording", "label"])
    table = table.assign(treatment="none", fold=0, split="test", condition="full", n=0, n_frames=20, logit=4.0 * table["label"] - 2)
    predictions = table.assign(probability=1 / (1 + np.exp(-table["logit"])), probability_raw=0.5)
    return predictions, table[["trajectory"]].assign(group="g")


def ablated(predictions, name, logits, n_regions=None):
    rows = predictions[["fold", "trajectory"]].assign(ablation=name, logit=logits, n_frames=20)
    return rows.assign(probability=1 / (1 + np.exp(-rows["logit"])), n_regions=pd.array([n_regions] * len(rows), "Int64"))


def scored(predictions, trajectories, *tables):
    empty = pd.DataFrame(columns=list(ABLATED.columns))
    table = score_ablations(predictions, pd.concat(tables) if tables else empty, trajectories, UNITS, 18.0)
    return check_table(table, ABLATIONS, "test").set_index("ablation", drop=False)


def test_changes_are_paired_with_the_whole_input_of_the_same_cells():
    predictions, trajectories = cells()
    predictions.loc[::5, "logit"] *= -1
    rng = np.random.default_rng(0)
    some = predictions.iloc[:60]
    table = scored(
        predictions,
        trajectories,
        ablated(predictions, "frames_shuffled", rng.normal(size=len(predictions))),
        ablated(some, "cell_hidden", some["logit"], n_regions=5),
    )
    whole, shuffled, hidden = (table.loc[name] for name in ("whole", "frames_shuffled", "cell_hidden"))
    assert whole["value"] == pytest.approx(0.8)
    assert np.isnan(whole["change"])
    assert shuffled["change"] == pytest.approx(shuffled["value"] - 0.8)
    assert shuffled["change_high"] < 0 < shuffled["change_high"] + 1
    assert standing(shuffled) == "lower than the whole input, not shown to differ from chance"
    assert (hidden["n_trajectories"], hidden["whole"], hidden["change"]) == (60, hidden["value"], 0)
    assert (hidden["regions"], hidden["radius"]) == (0.25, 18.0)
    assert np.isnan(shuffled["radius"])


def test_a_score_that_rises_is_called_that_and_one_that_no_cell_changes_is_not():
    predictions, trajectories = cells()
    right = predictions["logit"].copy()
    predictions.loc[np.random.default_rng(3).random(len(predictions)) < 0.4, "logit"] *= -1
    table = scored(predictions, trajectories, ablated(predictions, "only-p53", right * np.tile([1, 1, 1, 1, 1, 1, 1, -1], 10)))
    assert standing(table.loc["only-p53"]) == "higher than the whole input, above chance"
    same = scored(predictions, trajectories, ablated(predictions, "only-p53", predictions["logit"]))
    assert standing(same.loc["only-p53"]) == "not shown to differ from the whole input, not shown to differ from chance"


def test_a_trajectory_held_out_in_two_folds_counts_once_and_one_outcome_alone_has_no_score():
    predictions, trajectories = cells()
    twice = pd.concat([predictions, predictions.assign(fold=1, logit=-predictions["logit"])])
    table = scored(twice, trajectories, ablated(twice, "last_frame", twice["logit"]))
    assert table.loc["last_frame", ["n_trajectories", "value", "change"]].tolist() == [80, 1, 0]
    one = predictions[predictions["label"] == 1]
    lone = scored(one, trajectories, ablated(one, "last_frame", one["logit"]))
    assert np.isnan(lone.loc["last_frame", "value"])
    assert standing(lone.loc["last_frame"]) == "not measured"
    assert ablation_lines(lone) == ["Balanced accuracy with the whole input –; last frame alone – (not measured)."]


def test_three_recordings_say_so():
    predictions, trajectories = cells(n_recordings=2)
    table = scored(predictions, trajectories, ablated(predictions, "cell_hidden", -predictions["logit"], n_regions=0))
    text = standing(table.loc["cell_hidden"])
    assert "at least 3 are needed" in text
    assert "chance" not in text.replace("no interval", "")


def test_lines_and_what_was_not_measured():
    predictions, trajectories = cells()
    table = scored(predictions, trajectories)
    assert ablation_lines(table) == []
    assert missing_ablations(None, table) == ["Not measured: what the score is made of; evaluation.ablations is null."]
    assert len(missing_ablations(["cell", "frames"], table)) == 3


def test_one_reason_for_all_is_said_once():
    few = "division: 1 recording, at least 3 are needed"
    row = {"value": 0.5, "whole": 0.6, "change_low": np.nan, "change_high": np.nan, "change_reason": few}
    row |= {"ci_low": np.nan, "ci_high": np.nan, "reason": few}
    table = pd.DataFrame([{"ablation": name, **row} for name in ("cell_hidden", "surroundings_hidden")])
    (line,) = ablation_lines(table)
    assert line.count(few) == 1
    assert line.endswith(f"0.50 (each: no interval, and not compared with the whole input: {few}).")
    other = "1 recording, at least 3 are needed"
    (line,) = ablation_lines(table.assign(reason=[few, other]))
    assert line.count(f"no interval: {other}") == 1
