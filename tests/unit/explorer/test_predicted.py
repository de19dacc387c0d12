"""The page of cells of new recordings: what it takes from the predictions, and which crops it cuts."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_crops import OUTCOMES
from toy_model import ToyFrames, toy_predictions, toy_tracks, write_model

from cellfate.base.errors import InputError
from cellfate.explorer.predicted import NOTE, SEEN, PredictedRecording, said_of_predictions, write_predicted_explorer
from cellfate.explorer.write import PageSettings
from cellfate.model.saved.card import held_out_line
from cellfate.prediction.risks import given_event
from cellfate.tracks.outcomes import complete_tracks
from cellfate.tracks.raw import RawTracks, RecordingFacts

SPANS = {1: (0, 11), 2: (2, 11), 7: (4, 7), 8: (0, 2)}  # nothing is said of the last
SETTINGS = PageSettings(max_cells=2, fields=2, image_size=16, quality=30, seed=3)


def opened():
    frames = ToyFrames(12)
    frames.path = Path("toy")
    return frames


def predicted(name="r0", by_network=True, seen="no"):
    """Tracks 1, 2 and 7 (a daughter of 1) with predictions at their last frames, the last sets with both outcomes, one and none."""
    tracks = toy_tracks(SPANS, parents={7: 1}).assign(recording=name)
    raw = RawTracks(tracks.drop(columns="recording").assign(where="here"))
    checked = complete_tracks(raw, "r.csv", RecordingFacts(name, 12, (80, 80)), 2)
    rows = tracks[tracks["track_id"] != 8].groupby("track_id").tail(3)[["track_id", "frame"]].reset_index(drop=True)
    rows = rows.assign(n_frames_seen=8, logit=np.linspace(-2, 2, len(rows)))
    table = toy_predictions(rows, tracks).assign(seen_in_training=seen, recording=name)
    last = {1: "apoptosis|mitosis", 2: "mitosis", 7: "neither"}
    table["set"] = [last[track] for track in table["track_id"]]
    sheet = {"frame_interval_min": 30.0, "pixel_size_um": None, "treatment_start_h": None, "treatment": "drug"}
    fates = given_event(table, OUTCOMES)
    return PredictedRecording(name, opened, checked.tracks, checked.outcomes, table if by_network else None, fates, **sheet)


def test_cells_have_the_last_call_and_set_and_none_is_right_or_wrong():
    said = said_of_predictions([predicted(), predicted("r1")], OUTCOMES)
    cells = said.cells.set_index("trajectory")
    assert list(cells.index) == [f"{name}/{track}" for name in ("r0", "r1") for track in (1, 2, 7)]
    assert cells["set"].tolist() == [3, 2, 0] * 2
    assert cells.loc["r0/1", "call"] == "apoptosis"
    assert cells.loc["r0/7", "call"] == "mitosis"
    assert cells["right"].isna().all()
    last = said.network.groupby("trajectory").last()["probability"]
    np.testing.assert_allclose(cells["probability"], last.reindex(cells.index))
    assert set(cells["treatment"]) == {"drug"}
    assert said.risks.empty, "a model without risks says nothing of hours"
    assert set(said.relatives["track_id"]) == set(SPANS)


def test_a_model_that_says_nothing_of_any_cell_is_told(tmp_path):
    model = write_model(tmp_path / "model")
    one = predicted(by_network=False)
    with pytest.raises(InputError, match=r"model: the model says nothing of any cell of r0"):
        write_predicted_explorer(tmp_path / "e.html", "t", [one], model, notes=(), corrections=None, settings=SETTINGS)


def test_the_page_holds_so_many_cells_and_no_crops_stay(tmp_path):
    model = write_model(tmp_path / "model")
    page = tmp_path / "out/explorer.html"
    recordings = [predicted(seen="yes"), predicted("r1")]
    write_predicted_explorer(page, "Cells <b>", recordings, model, notes=("mind",), corrections=None, settings=SETTINGS)
    assert [path.name for path in page.parent.iterdir()] == ["explorer.html"]
    assert len(re.findall(r'id="cell-\d+"', page.read_text())) == 2
    assert "Cells <b>" not in page.read_text()
    assert SEEN.format("r0").startswith("In training or validation")


def test_the_notes_say_first_how_good_the_model_was(tmp_path, monkeypatch):
    model, written = write_model(tmp_path / "model"), []
    monkeypatch.setattr("cellfate.explorer.predicted.write_chosen", lambda *_, notes, **__: written.extend(notes))
    write_predicted_explorer(tmp_path / "e.html", "t", [predicted()], model, notes=("mind",), corrections=None, settings=SETTINGS)
    assert written[0] == NOTE
    assert written[1] == held_out_line(model) != ""
    assert written[-1] == "mind"


def test_a_recording_without_any_outcome_is_told_from_one_with_censored_cells(tmp_path, monkeypatch):
    model, sheets = write_model(tmp_path / "model"), []
    monkeypatch.setattr("cellfate.explorer.predicted.write_chosen", lambda *given, **_: sheets.append(given[7]))
    one = predicted()
    known = one.outcomes.assign(outcome=["mitosis", *["censored"] * (len(one.outcomes) - 1)])
    recordings = [one, replace(predicted("r1"), outcomes=known.assign(recording="r1"))]
    write_predicted_explorer(tmp_path / "e.html", "t", recordings, model, notes=(), corrections=None, settings=SETTINGS)
    assert {name: facts["fated"] for name, facts in sheets[0].items()} == {"r0": False, "r1": True}


def test_tables_have_the_columns_that_the_page_reads():
    said = said_of_predictions([predicted()], OUTCOMES)
    assert isinstance(said.cells["set"].dtype, pd.Int64Dtype)
    assert said.network["frame"].tolist() == [9, 10, 11, 9, 10, 11, 5, 6, 7]
