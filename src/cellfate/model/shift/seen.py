"""What a model saw: of each recording its intensities, sizes, intervals and lengths, and which recordings each fold trained with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, write_json
from cellfate.base.progress import progress
from cellfate.crops.appearance import QUANTITIES, Appearance, sampled
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import inside
from cellfate.model.saved.members import SETTINGS, Member

TRAINING = "training.json"  # in the folder of an exported model
OF_RECORDING = ("frame_interval_min", "pixel_size_um", "n_frames", "track_length", "cells_per_frame")
NEEDS_FRAMES = ("background", *(name for name in QUANTITIES if name.startswith("above")), "radius")


@dataclass(frozen=True)
class Facts:
    """What is known of a recording besides its images: ``track_lengths`` are the frames of each track that is long enough."""

    frame_interval_min: float
    pixel_size_um: float | None
    n_frames: int
    track_lengths: Sequence[int]

    def values(self) -> dict[str, float]:
        """The quantities OF_RECORDING; NaN where one is not known."""
        lengths = np.asarray(self.track_lengths, float)
        typical = float(np.median(lengths)) if len(lengths) else np.nan
        size = np.nan if self.pixel_size_um is None or pd.isna(self.pixel_size_um) else float(self.pixel_size_um)
        found = (float(self.frame_interval_min), size, float(self.n_frames), typical, float(lengths.sum() / self.n_frames))
        return dict(zip(OF_RECORDING, found, strict=True))


def value_table(facts: Facts, channels: Sequence[str], appearance: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The values of one recording: channel (None: of the recording), quantity, value. ``appearance`` is in the order of ``channels``."""
    rows = [(None, quantity, value) for quantity, value in facts.values().items()]
    for channel, own in zip(channels, appearance or [dict.fromkeys(QUANTITIES, np.nan)] * len(channels), strict=True):
        rows += [(channel, quantity, own[quantity]) for quantity in QUANTITIES]
    return pd.DataFrame(rows, columns=["channel", "quantity", "value"]).astype({"channel": object})


@dataclass(frozen=True)
class Seen:
    """``values``: recording, channel, quantity, value; ``trained``: the recordings of the training part of each fold."""

    values: pd.DataFrame
    trained: Mapping[int, Sequence[str]]

    def of(self, recordings: Sequence[str]) -> pd.DataFrame:
        """The values of these recordings."""
        return self.values[self.values["recording"].isin(recordings)]


def describe_recordings(crops: Sequence[str | Path], trajectories: pd.DataFrame, split: pd.DataFrame, sheet: pd.DataFrame) -> Seen:
    """What can be known of every recording from its crops, trajectories and row of the sheet.

    Intensities are of the usable trajectories up to their last frame, lengths of all that are long enough (``usable`` or without
    a fate). Raises InputError for a recording without crops in it or without a row in the sheet.
    """
    settings = sheet.set_index("recording")
    tables = []
    for path in progress(sorted(map(Path, crops)), "describe_training", unit="recording"):
        with CropFile(path) as file:
            name = file.recording
            if name not in settings.index:
                raise InputError(f"{path}: recording {name} is not in the recordings sheet")
            own = trajectories[trajectories["recording"] == name]
            row = settings.loc[name]
            facts = Facts(row["frame_interval_min"], row["pixel_size_um"], file.n_frames, _long_enough(own))
            values = value_table(facts, file.channels, _appearance(file, own[own["usable"]]))
            if file.ready_made:  # of the frames around the cells nothing is known
                unknown = values["quantity"].isin([*NEEDS_FRAMES, "cells_per_frame"])
                values["value"] = values["value"].mask(unknown)
            tables.append(values.assign(recording=name))
    members = split[split["split"] == "train"].merge(trajectories[trajectories["usable"]], on="trajectory")
    trained = {int(fold): sorted(rows["recording"].unique()) for fold, rows in members.groupby("fold")}
    return Seen(pd.concat(tables, ignore_index=True), trained)


def _long_enough(own: pd.DataFrame) -> list[int]:
    """Lengths of the tracks that are as long as the shortest usable one; of none without a usable one."""
    usable = own.loc[own["usable"], "n_frames"]
    return own.loc[own["n_frames"] >= usable.min(), "n_frames"].tolist() if len(usable) else []


def _appearance(file: CropFile, rows: pd.DataFrame) -> list[dict[str, float]]:
    size = file.shape[-1]
    found, background = Appearance(size, size), file.background
    places = file.index().merge(rows[["track_id", "first_frame", "last_frame"]], on="track_id")
    places = places[places["frame"].between(places["first_frame"], places["last_frame"])]
    for track, own in places.iloc[sampled(len(places))].groupby("track_id", sort=True):
        frames, crops = file.read(int(track))
        shape = file.frame_shape(int(track))
        for frame, y, x in zip(own["frame"], own["y"], own["x"], strict=True):
            found.add(crops[np.searchsorted(frames, frame)], inside(y, x, size, shape), background[frame])
    return found.summary()


def write_seen(seen: Seen, path: str | Path) -> None:
    """Write what the recordings look like as JSON: per recording its own values, and those of each channel; null is not known."""
    recordings: dict[str, dict] = {}
    for row in seen.values.itertuples():
        own = recordings.setdefault(row.recording, {"recording": {}, "channels": {}})
        place = own["recording"] if row.channel is None else own["channels"].setdefault(row.channel, {})
        place[row.quantity] = None if pd.isna(row.value) else round(float(row.value), 4)
    trained = {str(fold): list(names) for fold, names in seen.trained.items()}
    write_json({"recordings": recordings, "trained": trained}, path)


def read_seen(path: str | Path) -> Seen:
    """Read what :func:`write_seen` wrote. Raises InputError, naming the file, where it is something else."""
    try:
        content = read_json(path)
        rows = [
            (name, channel, quantity, np.nan if value is None else float(value))
            for name, own in content["recordings"].items()
            for channel, values in [(None, own["recording"]), *own["channels"].items()]
            for quantity, value in values.items()
        ]
        trained = {int(fold): list(names) for fold, names in content["trained"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: not a description of training recordings ({type(error).__name__}: {error}); export the model again"
        ) from None
    values = pd.DataFrame(rows, columns=["recording", "channel", "quantity", "value"]).astype({"channel": object})
    return Seen(values, trained)


def seen_by_model(folder: str | Path, members: Sequence[Member]) -> pd.DataFrame | None:
    """The values of the recordings that these members of an exported model were trained with; None where there is a :func:`why_unknown`."""
    if why_unknown(folder, members) is not None:
        return None
    seen = read_seen(Path(folder) / TRAINING)
    return seen.of([name for member in members for name in seen.trained.get(_fold(member), ())])


def why_unknown(folder: str | Path, members: Sequence[Member]) -> str | None:
    """Why it is not known what members of a model were trained with, in words; None where it is."""
    if any("checkpoint_sha256" in read_json(member.folder / SETTINGS) for member in members):
        return "its weights were imported, and what they were trained on is not known here"
    if not (Path(folder) / TRAINING).is_file():
        return f"its folder has no {TRAINING}; models that this version exports have one"
    return None


def _fold(member: Member) -> int:
    return int(read_json(member.folder / SETTINGS)["fold"])
