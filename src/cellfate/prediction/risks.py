"""How likely each outcome is within so many hours, for the tracks of a new recording at each of their frames: the fates of a run.

The numbers are made by the function that makes a run's (:func:`cellfate.model.risks.ensemble.predict_fates`), from rings that are
measured as there.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from cellfate.base.tables import write_table
from cellfate.crops.cutting import validate_positions
from cellfate.crops.digests import recording_digest
from cellfate.crops.rings import RingMeter, rings_of_frames
from cellfate.frames.reader import Frames
from cellfate.model.risks.ensemble import COLUMNS, load_ensemble, predict_fates
from cellfate.model.risks.inputs import FrameInputs, InputSettings, check_embedding, long_enough
from cellfate.model.risks.tracks import rows_of_recording
from cellfate.model.saved.exported import check_channels, check_interval, crop_size, outcome_columns, read_settings
from cellfate.model.saved.members import choose_members, has_network
from cellfate.model.saved.risks import SavedRisks, read_risks, said_without_risks
from cellfate.prediction.tables import NEW_FATES, OF_PUBLISHED, OF_RISKS


@dataclass(frozen=True)
class NewRecording:
    """What is known of a recording besides its frames and tracks; None: not known, or no drug."""

    name: str
    frame_interval_min: float
    pixel_size_um: float | None
    treatment_start_h: float | None


def write_fates(
    frames: Frames,
    tracks: pd.DataFrame,
    model_folder: str | Path,
    path: str | Path,
    *,
    recording: NewRecording,
    predictions: pd.DataFrame | None,
    features: pd.DataFrame | None,
    embedding: pd.DataFrame | None,
    allow_other_interval: bool,
    threads: int,
) -> None:
    """Write the table NEW_FATES of one recording by an exported model, which says what it can.

    With networks of risks: by those that did not see the recording, from the ``tracks`` (the declared table), ``features`` and
    ``embedding`` as they ask for (None: not there). Without: the probability given an event, of ``predictions`` (the table
    FATE_PREDICTIONS, not needed else). Raises InputError where the model cannot be used with the recording, before frames are read.
    """
    torch.set_num_threads(threads)
    risks = read_risks(model_folder)
    if risks is None:
        print(f"{recording.name}: {said_without_risks(model_folder)}", file=sys.stderr, flush=True)
        fates = given_event(predictions, read_settings(model_folder)["outcomes"])
    else:
        risks.check_available(features=features is not None, embedding=embedding is not None)
        check_embedding(risks, tracks, recording.name, embedding)
        if warning := risks.start_warning(recording.treatment_start_h, recording.name):
            print(f"WARNING: {warning}", file=sys.stderr, flush=True)
        meter, order = _meter(risks, frames, recording, allow_other_interval)
        validate_positions(tracks, frames.n_frames, frames.shape, recording.name)
        measured = long_enough(tracks, risks.longer_than)
        _say_short(tracks, measured, risks.longer_than, recording.name)
        fates = _predicted(risks, frames, measured, meter, order, recording, features, embedding)
    write_table(fates, path, NEW_FATES)


def _say_short(tracks: pd.DataFrame, measured: pd.DataFrame, longer_than: int, recording: str) -> None:
    n, n_measured = tracks["track_id"].nunique(), measured["track_id"].nunique()
    if n_measured < n:
        said = f"{n - n_measured} of {n} tracks have no more than {longer_than} frames, and no risks"
        print(f"recording {recording}: {said}", file=sys.stderr, flush=True)


def _meter(risks: SavedRisks, frames: Frames, recording: NewRecording, allow_other_interval: bool) -> tuple[RingMeter, list[int]]:
    """What is measured, and the places of the model's channels; an InputError where the recording does not fit."""
    settings, source = read_settings(risks.folder), f"recording {recording.name}"
    order = check_channels(settings, frames.channels, source)
    warning = check_interval(settings, recording.frame_interval_min, source, allow_other_interval)
    if warning and not has_network(risks.folder):  # else embed_recording says it
        print(f"WARNING: {warning}", file=sys.stderr, flush=True)
    return RingMeter(crop_size(settings, recording.pixel_size_um, source), **risks.rings), order


def _predicted(
    risks: SavedRisks,
    frames: Frames,
    tracks: pd.DataFrame,
    meter: RingMeter,
    order: list[int],
    recording: NewRecording,
    features: pd.DataFrame | None,
    embedding: pd.DataFrame | None,
) -> pd.DataFrame:
    choice = choose_members(risks.members, recording_digest(frames), recording.name, "risks of ")
    print(choice.line, file=sys.stderr, flush=True)
    ensembles = [load_ensemble(member.folder) for member in choice.members]
    rings = rings_of_frames(frames, tracks, meter, order, recording.name)
    starts = {recording.name: recording.treatment_start_h or 0.0}
    numbers = embedding[["trajectory", "frame", *risks.embedding]] if risks.embedding else None
    inputs = FrameInputs(rings, features, numbers, starts, InputSettings(**risks.inputs))
    rows = rows_of_recording(tracks, recording.name, recording.frame_interval_min)
    fates = predict_fates(ensembles, rows, inputs, risks.horizons_hours, f"predict_fates {recording.name}")
    networks = sum(len(ensemble.members) for ensemble in ensembles)
    return fates.assign(model=OF_RISKS, networks=networks, seen_in_training=choice.seen)


def given_event(predictions: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """NEW_FATES of the published network: how likely the positive outcome is given that either comes, at any time; all else is null."""
    names = predictions["recording"] + "/" + predictions["track_id"].astype(str)
    kept = predictions[["recording", "track_id", "frame", "hours_since_start", "seen_in_training"]]
    said = {"positive_given_event": predictions[outcome_columns(outcomes)[1]], "n_frames": predictions["n_frames_seen"]}
    unsaid = dict.fromkeys(["horizon_hours", *[name for name in COLUMNS if name not in said]])
    return kept.assign(trajectory=names, **unsaid, **said, model=OF_PUBLISHED, networks=predictions["members"])
