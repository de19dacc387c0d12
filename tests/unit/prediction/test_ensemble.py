import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from toy_crops import CHANNELS, OUTCOMES
from toy_export import PARTS, export, frames_of
from toy_model import ToyFrames, toy_tracks, write_ensemble, write_member

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.crops.digests import image_digest, recording_digest
from cellfate.crops.extraction import extract_crops
from cellfate.model.calibration import Calibration, save_calibration
from cellfate.model.embedding import embed_frames
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.prefixes import predict_prefixes, predict_trajectories
from cellfate.model.saved.members import choose_members, read_members
from cellfate.model.saved.sets import SETS, save_sets
from cellfate.prediction.embedding import embed_recording
from cellfate.prediction.ensemble import combined
from cellfate.prediction.prefixes import predict_recording, sets_of
from cellfate.prediction.tables import FATE_PREDICTIONS
from cellfate.statistics.conformal import BandedLimits, ClassLimit

ON_CPU = {"accelerator": "cpu", "threads": 1}
MIN_FRAMES = 5
SPANS = {track: (track, 13 + 3 * track) for track in range(6)}


def tracks_of(recording: str) -> pd.DataFrame:
    return toy_tracks(SPANS, seed=int(recording[1:])).assign(recording=recording)


def predicted(folder, model, recording, frames=None, min_frames=MIN_FRAMES, every=1):
    tracks = tracks_of(recording)
    shown = {"recording": recording, "frame_interval_min": 30, "min_frames": min_frames}
    how = {"pixel_size_um": 0.5, "allow_other_interval": False, **ON_CPU}
    embed_recording(frames or frames_of(recording), tracks, model, folder / "new.h5", **shown, **how)
    return check_table(predict_recording(folder / "new.h5", tracks, model, **shown, every=every, **ON_CPU), FATE_PREDICTIONS, "p")


class Finished:
    """Crops, two folds with models, embeddings, prefixes and predictions, and the exported folder, by the functions of the rules."""

    def __init__(self, folder, batch_size):
        self.folder = folder
        rows = []
        for recording in PARTS[0]:
            tracks = tracks_of(recording)
            outcomes = pd.DataFrame({"track_id": list(SPANS), "outcome": ["mitosis", "apoptosis"] * 3, "event_frame": 29})
            named = {"recording": recording, "frame_interval_min": 30.0, "pixel_size_um": 0.5, "size": 16, "min_frames": MIN_FRAMES}
            wanted = {"which": "fated", "outcomes_wanted": list(OUTCOMES.values())}
            extract_crops(frames_of(recording), tracks, outcomes, folder / f"{recording}.h5", **named, **wanted)
            rows += [(recording, track, first, last) for track, (first, last) in SPANS.items()]
        table = pd.DataFrame(rows, columns=["recording", "track_id", "first_frame", "last_frame"])
        table["trajectory"] = table["lineage"] = table["recording"] + "/" + table["track_id"].astype(str)
        table["last_frame"] -= table["track_id"] % 3  # an event cuts some: the track goes on in the new recording
        table = table.assign(n_frames=table["last_frame"] - table["first_frame"] + 1, label=(table["track_id"] + 1) % 2)
        names = np.where(table["label"] == 1, OUTCOMES["positive"], OUTCOMES["negative"])
        self.trajectories = table.assign(outcome=names, usable=True, treatment="x", frame_interval_min=30.0)
        splits = [table[["trajectory"]].assign(fold=fold, split=table["recording"].map(parts)) for fold, parts in PARTS.items()]
        self.split = pd.concat(splits, ignore_index=True)
        self.crops = [folder / f"{recording}.h5" for recording in PARTS[0]]
        self.how = {"batch_size": batch_size, "precision": "32-true", "channels_last": True, "compile": False}
        self.prefixes, self.predictions = zip(*(self._fold(fold) for fold in PARTS), strict=True)
        known = {"folds": list(PARTS), "embedding": self.how, "min_frames": MIN_FRAMES, "risks": None}
        export(folder, self.trajectories, self.split, self.crops, **known)

    def _fold(self, fold):
        model = write_member(self.folder / f"fold-{fold}/model", seed=fold)
        (model / "calibration.json").unlink()
        path = self.folder / f"fold-{fold}/embeddings.h5"
        wanted = {"fold": fold, "splits": ["validation", "test"], **self.how, **ON_CPU}
        embed_frames(self.crops, self.trajectories, self.split, model, path, **wanted)
        known = (self.trajectories, self.split, fold)
        with EmbeddingFile(path) as embeddings:
            opened = open_model(model, **ON_CPU)
            steps = {"truncation": [0, 4], "min_frames": MIN_FRAMES}
            prefixes, _ = predict_prefixes(opened, embeddings, *known, **steps, every=1, calibration=True)
            calibration = Calibration("temperature_by_frames", "", 1.7, -0.6, 11.0, 5, 25, prior=0.7 - 0.1 * fold)  # not trivial
            probability = calibration.probability(prefixes["logit"].to_numpy(), prefixes["n_frames"].to_numpy())
            prefixes = prefixes.assign(probability=probability)
            shown = {"last_k": [5], "treatment": None, **steps}
            predictions = predict_trajectories(opened, embeddings, *known, prefixes=prefixes, calibration=calibration, **shown)
        save_calibration(calibration, self.folder / f"fold-{fold}/calibration.json")
        return prefixes, predictions


@pytest.fixture(scope="module", params=[16, 24])
def finished(request, tmp_path_factory):
    return Finished(tmp_path_factory.mktemp("run"), request.param)


@pytest.mark.parametrize(("recording", "fold"), [("r3", 0), ("r2", 1)])
def test_held_out_recordings_get_the_probabilities_of_the_run(finished, tmp_path, recording, fold):
    """Equal floats: at every prefix, at full length, and without the last frames."""
    table = predicted(tmp_path, finished.folder / "model", recording)
    assert set(table["members"]) == {1}
    assert set(table["seen_in_training"]) == {"no"}
    run = (
        finished.prefixes[fold].query("split == 'test'").assign(track_id=lambda rows: rows["trajectory"].str.split("/").str[1].astype(int))
    )
    merged = run.merge(table, left_on=["track_id", "n_frames"], right_on=["track_id", "n_frames_seen"], suffixes=("_run", ""))
    assert len(merged) == len(run) > 60
    assert (merged["frame_run"] == merged["frame"]).all()
    assert (merged["logit_run"] == merged["logit"]).all()
    assert (merged["probability"] == merged["probability_mitosis"]).all()
    assert merged["probability"].nunique() > 50
    reported = finished.predictions[fold].query("split == 'test' and condition != 'last_k'")
    shown = reported.merge(run, on=["trajectory", "n_frames"], suffixes=("", "_run")).merge(
        table, left_on=["track_id", "n_frames"], right_on=["track_id", "n_frames_seen"], suffixes=("", "_new")
    )
    assert len(shown) == len(reported)
    assert (shown["probability"] == shown["probability_mitosis"]).all()
    assert ((shown["call"] == "mitosis") == (shown["logit"] > 0)).all()


def test_a_recording_that_all_saw_is_predicted_by_all_and_marked(finished, tmp_path, capsys):
    table = predicted(tmp_path, finished.folder / "model", "r0")
    assert set(table["members"]) == {2}
    assert set(table["seen_in_training"]) == {"yes"}
    assert "WARNING: r0: every member of the model saw this recording in training or validation" in capsys.readouterr().err


def test_a_new_recording_is_predicted_by_all(finished, tmp_path, capsys):
    table = predicted(tmp_path, finished.folder / "model", "r7")
    assert set(table["seen_in_training"]) == {"no"}
    assert "r7: predicted by 2 of 2 members, none of which saw it" in capsys.readouterr().err
    single = []
    for fold in PARTS:
        alone = tmp_path / f"alone-{fold}"
        shutil.copytree(finished.folder / "model", alone)
        settings = json.loads((alone / "settings.json").read_text())
        settings["members"] = {f"fold-{fold}": settings["members"][f"fold-{fold}"]}
        (alone / "settings.json").write_text(json.dumps(settings))
        single.append(predicted(tmp_path, alone, "r7")["probability_mitosis"].to_numpy())
    both = table["probability_mitosis"].to_numpy()
    np.testing.assert_allclose(both, expit(logit(np.array(single)).mean(axis=0)), rtol=1e-12)
    assert table["lowest_member"].tolist() == np.minimum(*single).tolist()
    assert table["highest_member"].tolist() == np.maximum(*single).tolist()
    assert (table["highest_member"] > table["lowest_member"]).all()
    assert ((table["probability_mitosis"] > table["threshold"]) == (table["call"] == "mitosis")).all()


def test_a_recording_is_known_by_what_it_shows(finished, tmp_path):
    """Another name, channels in another order, and fewer frames at its end: it is the one that fold 1 saw."""
    frames = frames_of("r3")
    other = ToyFrames(22, channels=[CHANNELS[i] for i in (2, 0, 1)])
    other.images = frames.images[:22, [2, 0, 1]]
    assert recording_digest(other) == recording_digest(frames)
    choice = choose_members(read_members(finished.folder / "model"), recording_digest(other), "renamed")
    assert [member.name for member in choice.members] == ["fold-0"]
    changed = frames.images[0].copy()
    changed[0, 0, 0] += 1
    assert image_digest(changed, CHANNELS) != recording_digest(frames)


def test_black_frames_at_the_start_do_not_make_recordings_alike():
    first, second = frames_of("r0"), frames_of("r1")
    first.images[:3], second.images[:3] = 0, 0
    assert recording_digest(first) != recording_digest(second)


def test_a_recording_without_a_digest_is_known_by_its_name(tmp_path):
    members = read_members(write_ensemble(tmp_path / "model", [{"r0": None}, {"r1": "abc"}]))
    assert [member.name for member in choose_members(members, "new", "r0").members] == ["fold-1"]
    assert [member.name for member in choose_members(members, "abc", "other").members] == ["fold-0"]
    assert len(choose_members(members, "new", "r1").members) == 2


def test_a_folder_of_an_older_version_is_one_member_of_unknown_data(tmp_path, capsys):
    table = predicted(tmp_path, write_member(tmp_path / "old", frame_intervals_min=[30.0], pixel_sizes_um=[0.5]), "r0")
    assert set(table["seen_in_training"]) == {"not known"}
    assert "does not say what it was trained on" in capsys.readouterr().err


def test_embeddings_of_another_model_are_refused(finished, tmp_path):
    predicted(tmp_path, write_member(tmp_path / "old", frame_intervals_min=[30.0], pixel_sizes_um=[0.5]), "r0")
    named = {"recording": "r0", "frame_interval_min": 30, "min_frames": 5, "every": 1, **ON_CPU}
    with pytest.raises(InputError, match=r"new.h5: made by model, but .* has fold-0, fold-1: embed the recording again"):
        predict_recording(tmp_path / "new.h5", tracks_of("r0"), finished.folder / "model", **named)


def test_members_are_combined_by_their_log_odds():
    calibrations = [Calibration("temperature", "", 2.0, prior=0.8), Calibration("prior", prior=0.6)]
    table = combined([np.array([1.0, -2.0]), np.array([0.5, 0.4])], calibrations, np.array([10, 20]), OUTCOMES)
    odds = np.array([[0.5 + logit(0.8), -1 + logit(0.8)], [0.5 + logit(0.6), 0.4 + logit(0.6)]])
    np.testing.assert_allclose(table["probability_mitosis"], expit(odds.mean(axis=0)))
    np.testing.assert_allclose(table["threshold"], expit((logit(0.8) + logit(0.6)) / 2))
    assert table["call"].tolist() == ["mitosis", "apoptosis"]
    assert table["logit"].tolist() == [0.75, -0.8]


def test_the_card_says_what_was_measured_and_what_was_not(finished):
    text = (finished.folder / "model/MODEL_CARD.md").read_text()
    for words in (
        "2 networks, one for each fold",
        "**The ensemble's own score, on recordings that no member saw, is unmeasured.**",
        "apoptosis in 2, mitosis in 2",
        "The network is better than each of 3 simple baselines.",
        "| fold-0 | 2: 6 + 6 | 1: 3 + 3 | 1: 3 + 3 |",
        "- 4 recordings: r0, r1, r2, r3",
        "- treatments other than x",
        "called mitosis above 0.6",
        "| auroc | 0.900 (no interval: 2 recordings) | 12 |",
    ):
        assert words in text, words


def test_the_set_of_a_cell_follows_the_limits_of_the_folder(tmp_path):
    limit = ClassLimit(9, 0.9, 0.3, None)
    save_sets(BandedLimits((1,), ((limit, limit),)), 0.9, tmp_path / SETS)
    outcomes = {"negative": "apoptosis", "positive": "mitosis"}
    found = sets_of(np.array([0.1, 0.5, 0.9]), np.array([5, 5, 5]), tmp_path, outcomes)
    assert found == ["apoptosis", "neither", "mitosis"]
    assert sets_of(np.array([0.1]), np.array([5]), tmp_path / "older", outcomes) == ["apoptosis|mitosis"]
