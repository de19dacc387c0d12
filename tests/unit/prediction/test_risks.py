"""Risks of new recordings: the numbers of the run where they are recordings of it, and what is refused before frames are read."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toy_crops import OUTCOMES
from toy_export import PARTS, export, frames_of
from toy_model import ToyFrames, toy_tracks, write_ensemble, write_member
from toy_risks import NETWORK, TRAINING

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, read_table
from cellfate.crops.extraction import extract_crops
from cellfate.crops.rings import measure_rings
from cellfate.evaluation.risks.tables import RISK_SCORES
from cellfate.model.risks.ensemble import COLUMNS, load_ensemble, predict_fates
from cellfate.model.risks.inputs import FrameInputs, InputSettings
from cellfate.model.risks.tracks import rows_of_fold
from cellfate.model.saved.card_risks import risks_lines
from cellfate.model.saved.export_risks import RisksOfRun
from cellfate.model.saved.risks import read_risks
from cellfate.model.tables import FATES
from cellfate.prediction.risks import NewRecording, given_event, write_fates
from cellfate.prediction.tables import FATE_PREDICTIONS, NEW_FATES
from cellfate.training.risks import train_risks
from cellfate.trajectories.following import with_all_parts

CROPPED = 4  # tracks with no more frames have no crops
MIN_FRAMES = 6  # the protocol asks for longer ones
SPANS = {track: (track, 13 + 3 * track) for track in range(6)} | {6: (2, 5), 7: (1, 6)}  # these two are too short for either
RINGS = {"n_rings": 3, "percentile": 90}
HORIZONS = [1.0, 3.0]
STARTS = dict.fromkeys(PARTS[0], 1.0)
FOLD = {"outcomes": OUTCOMES, "bins_hours": [0, 2, 4], "network": NETWORK, "training": TRAINING | {"max_epochs": 1}, "threads": 1}


def tracks_of(recording: str) -> pd.DataFrame:
    return toy_tracks(SPANS, seed=int(recording[1:])).assign(recording=recording)


def scores() -> pd.DataFrame:
    """As the evaluation writes them: of the risks, of a clock, and of frames after the drug; one interval is not there."""
    known = {f"{name}{limit}": value for name in ("skill", "auc_negative") for limit, value in (("", 0.4), ("_low", 0.1), ("_high", 0.6))}
    unknown = {"auc_positive": 0.7, "auc_positive_low": None, "auc_positive_high": None, "auc_positive_reason": "2 recordings"}
    counts = dict.fromkeys(["n_at_risk", "n_negative", "n_positive", "n_lost"], 3)
    units = {"units": 4, "units_negative": 2, "units_positive": 3, "n_landmarks": 90, "n_tracks": 12}
    rows = [("all frames", "risks", 1.0), ("all frames", "clock", 1.0), ("drug", "risks", 1.0)]
    table = pd.DataFrame(rows, columns=["scope", "method", "horizon_hours"]).assign(hours=0.0, **known, **unknown, **counts, **units)
    return check_table(table.assign(**{name: None for name in RISK_SCORES.columns if name not in table}), RISK_SCORES, "scores")


class Finished:
    """Crops, rings, and two folds with networks of risks and their fates, exported, by the functions of the rules."""

    def __init__(self, folder, inputs, embedding=None):
        self.folder = folder
        self.trajectories = self._trajectories()
        self.crops = [self._crops(recording) for recording in PARTS[0]]
        rings = pd.concat([measure_rings(path, **RINGS) for path in self.crops], ignore_index=True)
        self.inputs = FrameInputs(rings, None, embedding, STARTS, InputSettings(**inputs))
        known = self.trajectories["label"].notna()
        splits = []
        for fold, parts in PARTS.items():
            split = self.trajectories["recording"].map(parts).where(known, "unlabelled")
            splits.append(self.trajectories[["trajectory"]].assign(fold=fold, split=split))
        split = pd.concat(splits, ignore_index=True)
        self.split = with_all_parts(split, self.trajectories, unit="recording", seed=0)
        self.fates = pd.concat([self._fold(fold) for fold in PARTS], ignore_index=True)
        models = [folder / f"fold-{fold}/risks" for fold in PARTS]
        risks = RisksOfRun(models, self.fates, scores(), RINGS, CROPPED, OUTLINES, HORIZONS)
        how = {"batch_size": 16, "precision": "32-true", "channels_last": True, "compile": False}
        self.model = export(
            folder, self.trajectories, split, self.crops, folds=list(PARTS), embedding=how, min_frames=MIN_FRAMES, risks=risks
        )

    def _trajectories(self):
        rows = [(recording, track, *span) for recording in PARTS[0] for track, span in SPANS.items()]
        table = pd.DataFrame(rows, columns=["recording", "track_id", "first_frame", "last_frame"])
        table["trajectory"] = table["lineage"] = table["recording"] + "/" + table["track_id"].astype(str)
        fated = table["track_id"] % 3 != 0  # an event cuts them: the track goes on in the new recording
        table["last_frame"] -= fated * 2
        table["event_frame"] = (table["last_frame"] + 1).where(fated).astype("Int64")
        table["label"] = (table["track_id"] % 2).where(fated).astype("Int64")
        names = table["label"].map({0: OUTCOMES["negative"], 1: OUTCOMES["positive"]}).fillna("censored")
        n_frames = table["last_frame"] - table["first_frame"] + 1
        known = {"usable": fated & (n_frames > MIN_FRAMES), "treatment": "x", "group": None, "frame_interval_min": 30.0}
        return table.assign(n_frames=n_frames, outcome=names, **known)

    def _crops(self, recording):
        outcomes = self.trajectories.loc[self.trajectories["recording"] == recording, ["track_id", "outcome", "event_frame"]]
        named = {"recording": recording, "frame_interval_min": 30.0, "pixel_size_um": 0.5, "size": 16, "min_frames": CROPPED}
        path = self.folder / f"{recording}.h5"
        extract_crops(frames_of(recording), tracks_of(recording), outcomes, path, **named, which="all", outcomes_wanted=[])
        return path

    def _fold(self, fold):
        member = write_member(self.folder / f"fold-{fold}/model", seed=fold)
        shutil.move(member / "calibration.json", member.parent / "calibration.json")
        path = self.folder / f"fold-{fold}/risks"
        resume = {"resume": self.folder / f".resume-{fold}", "files": [], "code": []}
        train_risks(self.trajectories, self.split, self.inputs, path, fold=fold, seed=5, min_frames=MIN_FRAMES, **FOLD, **resume)
        rows = rows_of_fold(self.trajectories, self.split, fold, self.inputs, ("validation", "test"))
        fates = predict_fates([load_ensemble(path)], rows, self.inputs, HORIZONS, "test")
        return check_table(fates.merge(rows[["trajectory", "split"]], on="trajectory").assign(fold=fold), FATES, "fates")


OUTLINES = {"segmentation.diameter": 40, "features.min_area": 20}
TIMES = {"hours_of_track": True, "hours_of_film": True, "course_hours": [2, 4], "features": False, "scale_frames": None}


@pytest.fixture(scope="module", params=[None, 4])
def finished(request, tmp_path_factory):
    return Finished(tmp_path_factory.mktemp("run"), TIMES | {"scale_frames": request.param})


def predicted(folder, model, recording, frames=None, **changes):
    known = {"frame_interval_min": 30.0, "pixel_size_um": 0.5, "treatment_start_h": 1.0}
    known |= {key: changes.pop(key) for key in list(changes) if key in known}
    given = {"predictions": None, "features": None, "embedding": None, "allow_other_interval": False, "threads": 1} | changes
    path = folder / "new.fates.parquet"
    shown = NewRecording(recording, **known)
    write_fates(frames or frames_of(recording), tracks_of(recording), model, path, recording=shown, **given)
    return read_table(path, NEW_FATES)


@pytest.mark.parametrize(("recording", "fold"), [("r3", 0), ("r2", 1)])
def test_held_out_recordings_get_the_risks_of_the_run(finished, tmp_path, recording, fold, capsys):
    table = predicted(tmp_path, finished.model, recording)
    said = capsys.readouterr().err
    assert f"risks of {recording}: in the data of the model; predicted by 1 of 2 members that did not see it: fold-{fold}" in said
    assert f"recording {recording}: 1 of 8 tracks have no more than 4 frames, and no risks" in said
    assert "1 of 7 tracks are seen in 6 frames or fewer and have no rows" in said
    own = (finished.fates["recording"] == recording) & (finished.fates["fold"] == fold)
    run = finished.fates[own & (finished.fates["split"] == "test")]
    keys = ["trajectory", "frame", "horizon_hours"]
    both = run.merge(table, on=keys, suffixes=("_run", ""), how="left", validate="one_to_one")
    assert len(both) == len(run) > 100
    for name in ("n_frames", "hours_since_start", *COLUMNS):
        np.testing.assert_allclose(both[name], both[f"{name}_run"], rtol=1e-6)  # the last bits depend on how long tracks are
    assert run["positive"].std() > 0.001
    later = table.merge(run[keys], on=keys, how="left", indicator=True)
    later = later[later["_merge"] == "left_only"].merge(finished.trajectories[["trajectory", "event_frame"]], on="trajectory")
    assert (later["frame"] >= later["event_frame"]).all(), "only frames from the event on are new"
    assert (set(table["networks"]), set(table["seen_in_training"]), set(table["model"])) == ({2}, {"no"}, {"risks"})


def test_a_new_recording_gets_the_mean_of_all_networks(finished, tmp_path, capsys):
    table = predicted(tmp_path, finished.model, "r9")
    assert "risks of r9: predicted by 2 of 2 members, none of which saw it" in capsys.readouterr().err
    alone = []
    for fold in PARTS:
        settings = json.loads((finished.model / "settings.json").read_text())
        settings["risks"]["members"] = {f"fold-{fold}": settings["risks"]["members"][f"fold-{fold}"]}
        single = tmp_path / f"model-{fold}"
        shutil.copytree(finished.model, single)
        (single / "settings.json").write_text(json.dumps(settings))
        alone.append(predicted(tmp_path, single, "r9"))
    for name in ("negative", "positive"):
        np.testing.assert_allclose(table[name], (alone[0][name] + alone[1][name]) / 2, rtol=1e-12)
    np.testing.assert_allclose(table["positive_given_event"], table["positive"] / (table["positive"] + table["negative"]))
    assert set(table["networks"]) == {4}


def test_a_recording_that_all_saw_is_marked(finished, tmp_path, capsys):
    table = predicted(tmp_path, finished.model, "r0")
    assert set(table["seen_in_training"]) == {"yes"}
    assert "WARNING: risks of r0: every member of the model saw this recording" in capsys.readouterr().err


def test_a_recording_without_a_drug_is_said_where_training_had_one(finished, tmp_path, capsys):
    with_drug = predicted(tmp_path, finished.model, "r9")
    assert "treatment_start_h" not in capsys.readouterr().err
    without = predicted(tmp_path, finished.model, "r9", treatment_start_h=None)
    assert "WARNING: recording r9: no treatment_start_h in the sheet" in capsys.readouterr().err
    assert (without["positive"] != with_drug["positive"]).any()


class Unread(ToyFrames):
    """Frames that must not be read: what is wrong must be found before."""

    def read(self, t):
        raise AssertionError("a frame was read")


def changed(model, folder, **changes):
    shutil.copytree(model, folder)
    settings = json.loads((folder / "settings.json").read_text())
    settings["risks"] |= changes
    (folder / "settings.json").write_text(json.dumps(settings))
    return folder


def test_what_the_networks_rest_on_must_be_there_before_frames_are_read(finished, tmp_path):
    features = changed(finished.model, tmp_path / "features", inputs=TIMES | {"features": True})
    with pytest.raises(InputError, match=r"features of the outline \(risks\.inputs\.features\), which .* segmentation\.tracks: all"):
        predicted(tmp_path, features, "r9", Unread())
    table = changed(finished.model, tmp_path / "embedding", embedding=["a", "b"])
    with pytest.raises(InputError, match=r"2 numbers of each frame from a table \(a, b\), .* risks\.embedding .*--embedding"):
        predicted(tmp_path, table, "r9", Unread())
    tracks = tracks_of("r9")
    rows = pd.DataFrame({"trajectory": "r9/" + tracks["track_id"].astype(str), "frame": tracks["frame"], "a": 1.0, "c": 2.0})
    with pytest.raises(InputError, match=r"risks\.embedding: its columns are a, c, those of the networks of risks are a, b"):
        predicted(tmp_path, table, "r9", Unread(), embedding=rows)
    lacking = rows.rename(columns={"c": "b"})[lambda table: (table["trajectory"] != "r9/2") | (table["frame"] != 9)]
    with pytest.raises(InputError, match=r"risks\.embedding: no row for trajectory r9/2, frame 9"):
        predicted(tmp_path, table, "r9", Unread(), embedding=lacking)
    with pytest.raises(InputError, match="recording r9: frame_interval_min is 10"):
        predicted(tmp_path, finished.model, "r9", Unread(), frame_interval_min=10)


def test_a_table_of_a_users_own_gives_the_numbers_of_the_run_in_any_order(tmp_path):
    rows = pd.concat([tracks_of(recording) for recording in PARTS[0]])
    rng = np.random.default_rng(0)
    names = rows["recording"] + "/" + rows["track_id"].astype(str)
    table = pd.DataFrame({"trajectory": names, "frame": rows["frame"], "a": rng.normal(size=len(rows)), "b": rng.normal(size=len(rows))})
    finished = Finished(tmp_path, TIMES, table)
    found = predicted(tmp_path, finished.model, "r3", embedding=table.sample(frac=1, random_state=1)[["b", "a", "frame", "trajectory"]])
    run = finished.fates[(finished.fates["recording"] == "r3") & (finished.fates["split"] == "test")]
    both = run.merge(found, on=["trajectory", "frame", "horizon_hours"], suffixes=("_run", ""), validate="one_to_one")
    assert len(both) == len(run)
    np.testing.assert_allclose(both["positive"], both["positive_run"], rtol=1e-6)


def test_a_model_without_risks_says_what_it_can(tmp_path, capsys):
    model = write_ensemble(tmp_path / "model", [{}])
    assert read_risks(model) is None
    logits = tracks_of("r9")[["recording", "track_id", "frame"]].assign(hours_since_start=1.0, n_frames_seen=3, seen_in_training="no")
    chances = {"probability_apoptosis": 0.3, "probability_mitosis": 0.7, "members": 2, "given": "x", "call": "mitosis", "set": "mitosis"}
    rest = {"y": 0.0, "x": 0.0, "logit": 0.0, "threshold": 0.5, "lowest_member": 0.5, "highest_member": 0.8}
    predictions = check_table(logits.assign(**chances, **rest), FATE_PREDICTIONS, "p")
    table = predicted(tmp_path, model, "r9", Unread(), predictions=predictions)
    assert "no networks of risks in this model: the probability given an event is all" in capsys.readouterr().err
    assert (table["positive_given_event"] == 0.7).all()
    assert len(table) == len(predictions)
    assert table[["horizon_hours", "negative", "positive", "neither", "spread_negative", "spread_positive"]].isna().all(axis=None)
    assert set(table["model"]) == {"published"}
    assert check_table(given_event(predictions.iloc[:0], OUTCOMES), NEW_FATES, "none").empty


def test_a_file_that_is_missing_is_named(finished, tmp_path):
    shutil.copytree(finished.model, tmp_path / "model")
    (tmp_path / "model/risks/fold-1/member-1.safetensors").unlink()
    with pytest.raises(InputError, match=r"risks/fold-1/member-1\.safetensors not found in it"):
        read_risks(tmp_path / "model")


def test_the_card_says_what_the_networks_learned_from(finished):
    card = json.loads((finished.model / "card.json").read_text())
    fold = card["risks"]["members"]["fold-0"]
    assert fold["recordings"] == {"train": 2, "validation": 1, "test": 1}
    assert fold["parts"]["test"] == {"tracks": 6, "negative": 2, "positive": 2}
    assert fold["parts"]["train"] == {"tracks": 12, "negative": 4, "positive": 4}
    assert len(fold["val_loss"]) == len(fold["weights_sha256"]) == 2
    text = (finished.model / "MODEL_CARD.md").read_text()
    for words in (
        "probability of apoptosis and of mitosis within 1 and 3 hours",
        "| fold-0 | 2: 12 (4 + 4) | 1: 6 (2 + 2) | 1: 6 (2 + 2) |",
        "hours since the drug came",
        "values where more than 6 frames are seen",
        "| 1 h | 0.400 (0.100 to 0.600) | 0.400 (0.100 to 0.600) | 0.700 (no interval: 2 recordings) | 12 | 90 | 4: 2 + 3 |",
        "is unmeasured",
    ):
        assert words in text, words
    assert "new recordings need" not in text
    more = card | {"risks": card["risks"] | {"inputs": card["risks"]["inputs"] | {"features": True}, "embedding": 3}}
    outlines, table = [line for line in risks_lines(more) if line.startswith("- new recordings need")]
    assert "`segmentation: {tracks: all}`" in outlines
    assert outlines.endswith("`cellfate predict` refuses this model")
    assert table.endswith("`cellfate predict --embedding`")
    assert len(card["risks"]["scores"]) == 1, "of the risks at all frames, neither a clock's nor of other frames"
    risks = read_risks(finished.model)
    assert risks.treatment_starts_h == [1.0]
    assert set(risks.members[0].recordings) == {"r0", "r1", "r2"}
    assert all(len(digest) == 64 for digest in risks.members[0].recordings.values())


def test_outlines_by_other_settings_than_in_training_are_refused(finished):
    trained = replace(read_risks(finished.model), outlines=OUTLINES)
    trained.check_outlines(OUTLINES | {"segmentation.model": "cyto3"})
    with pytest.raises(InputError, match=r"segmentation\.diameter is 30, in training 40") as error:
        trained.check_outlines(OUTLINES | {"segmentation.diameter": 30})
    assert "min_area" not in str(error.value)
    assert read_risks(finished.model).outlines == {}  # nothing rests on them
