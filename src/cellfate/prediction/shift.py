"""How far a new recording lies from those that the model was trained with: a table, and what is said of it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.tables import write_table
from cellfate.model.saved.exported import read_settings
from cellfate.model.saved.members import Member
from cellfate.model.scaling import scaling_of
from cellfate.model.shift.compare import compare, shift_lines
from cellfate.model.shift.seen import Facts, seen_by_model, value_table, why_unknown
from cellfate.model.tables import SHIFT
from cellfate.prediction.embedding import Embedded

NOTHING_SEEN = pd.DataFrame(columns=["recording", "channel", "quantity", "value"])
LEVELLED = "the model takes intensities relative to the recording's own background and brightness: a gain or an offset alone matters little"


def write_shift(
    embedded: Embedded,
    tracks: pd.DataFrame,
    model_folder: str | Path,
    path: str | Path,
    *,
    recording: str,
    n_frames: int,
    frame_interval_min: float,
    pixel_size_um: float | None,
    min_frames: int,
) -> None:
    """Write the shift table of a recording, and say on standard error where it lies.

    ``embedded`` is what :func:`~cellfate.prediction.embedding.embed_recording` found; the recordings that its members were trained with
    are compared with. Tracks of at least ``min_frames`` frames count. Raises InputError where the model's description of its training
    recordings cannot be read.
    """
    settings = read_settings(model_folder)
    lengths = tracks["track_id"].value_counts()
    facts = Facts(frame_interval_min, pixel_size_um, n_frames, lengths[lengths >= min_frames].tolist())
    seen = seen_by_model(model_folder, embedded.members)
    values = value_table(facts, settings["channels"], embedded.appearance)
    table = compare(values, NOTHING_SEEN if seen is None else seen)
    write_table(table.assign(recording=recording), path, SHIFT)
    for line in said_of(table, seen, recording, model_folder, embedded.members):
        print(line, file=sys.stderr, flush=True)


def said_of(
    table: pd.DataFrame, seen: pd.DataFrame | None, recording: str, model_folder: str | Path, members: Sequence[Member]
) -> list[str]:
    """The lines for a recording; for a model of which it is not known what it was trained with, that."""
    if seen is None:
        reason = why_unknown(model_folder, members)
        return [f"recording {recording}: how far it lies from the recordings that the model was trained with cannot be told: {reason}"]
    lines = shift_lines(table, recording, seen["recording"].nunique())
    levelled = scaling_of(members[0].folder).mode == "recording" and (table["position"] == "outside").any()
    return [*lines, f"recording {recording}: {LEVELLED}"] if levelled else lines
