"""The numbers and pictures of the page as text: columns as compact JSON, compressed, in letters that mean nothing to HTML."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.plot_style import feature_label, readable
from cellfate.crops.crop_file import CropFile
from cellfate.evaluation.baselines.scores import LABELS
from cellfate.explorer.fields import Field, FieldOfRecording
from cellfate.explorer.said import Said
from cellfate.explorer.strips import ImageSettings, Strip, channel_limits, make_strip, read_above_background
from cellfate.explorer.tints import tints

SAMPLED_CELLS = 48  # for black and white of each channel
MOST_TINTS = 16  # channels with colours of their own
DIGITS = 4  # of a number on the page
RELATIVES = ("track_id", "parent_id", "first_frame", "last_frame", "outcome", "event_frame")


@dataclass(frozen=True)
class Packed:
    """The blocks of the page: ``cells`` and ``fields`` (one for each recording) by the index that ``table`` has for them."""

    table: str
    cells: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What is known of a recording: hours between two frames, and hours from its start to the drug, None where there is none.

    ``fated``: some track has an outcome. Where none has, nobody may have looked, and cells are not called censored.
    """

    hours_per_frame: float
    drug_hours: float | None
    fated: bool = True


def pack(
    said: Said,
    chosen: pd.DataFrame,
    files: Mapping[str, CropFile],
    limits: Mapping[str, np.ndarray],
    facts: Mapping[str, Facts],
    about: Mapping[str, object],
    *,
    fields: int,
    images: ImageSettings,
) -> Packed:
    """The blocks for the ``chosen`` rows of the cells, from the crop ``files`` of their recordings; ``about`` goes into the table.

    ``limits`` are those of :func:`limits_of`.
    ``fields`` is how many frames of each recording are put together. Raises InputError for a cell without crops.
    """
    recordings = list(dict.fromkeys(chosen["recording"]))
    series = _Series(said)
    cells, drawn = {}, []
    for recording in recordings:
        own = chosen[chosen["recording"] == recording]
        field = FieldOfRecording(files[recording], fields)
        for track in sorted({*own["track_id"], *_tracks_in(field)}):
            frames, crops = read_above_background(files[recording], int(track))
            field.add(int(track), frames, crops)
            for name in own.loc[own["track_id"] == track, "trajectory"]:
                strip = make_strip(crops, limits[recording], images)
                cells[name] = _block({"frames": frames, "strip": _shape(strip), **series.of(name)}, strip)
        drawn.append(field.drawn(limits[recording], ImageSettings(images.size * 4, images.quality)))
    table = {
        **about,
        "tints": [tints(n) for n in range(1, MOST_TINTS + 1)],
        "recordings": [_recording(name, files[name], facts[name]) for name in recordings],
        "cells": _cells(chosen, recordings),
        "relatives": [_relatives(said.relatives, chosen, name) for name in recordings],
        "methods": {name: LABELS.get(name, readable(name)) for name in said.baselines["method"].unique()},
        "features": {name: feature_label(name) for name in series.features},
    }
    return Packed(packed_json(table), tuple(cells[name] for name in chosen["trajectory"]), tuple(map(_field_block, drawn)))


def packed_json(content: object) -> str:
    """JSON, compressed, in base64: the same content gives the same text, and none of its signs is one of HTML."""
    text = json.dumps(plain(content), separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")


def plain(value: object) -> object:
    """What JSON can hold: numbers of few digits, null for what is missing."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | pd.Series | np.ndarray):
        return [plain(one) for one in value]
    if value is None or pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    number = float(f"{float(value):.{DIGITS}g}")
    return int(number) if number.is_integer() else number


def _tracks_in(field: FieldOfRecording) -> set[int]:
    return set(field.index.loc[field.index["frame"].isin(field.frames), "track_id"])


def limits_of(chosen: pd.DataFrame, files: Mapping[str, CropFile]) -> dict[str, np.ndarray]:
    """Black and white of each recording's channels: those of a sample of cells of all recordings with the same channels."""
    found: dict[str, np.ndarray] = {}
    kinds: dict[tuple[str, ...], list[str]] = {}
    for recording in dict.fromkeys(chosen["recording"]):
        kinds.setdefault(tuple(files[recording].channels), []).append(recording)
    for recordings in kinds.values():
        rows = chosen[chosen["recording"].isin(recordings)]
        rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(SAMPLED_CELLS, len(rows))).astype(int))]
        samples = [read_above_background(files[row.recording], int(row.track_id))[1] for row in rows.itertuples()]
        found |= dict.fromkeys(recordings, channel_limits(samples))
    return found


class _Series:
    """What is said of a cell frame by frame."""

    def __init__(self, said: Said) -> None:
        names = ("network", "risks", "baselines", "rests_on", "features", "links")
        self._rows = {name: dict(iter(getattr(said, name).groupby("trajectory"))) for name in names}
        self.features = [name for name in said.features.columns if name not in ("trajectory", "frame")]

    def of(self, trajectory: str) -> dict:
        """The series of a cell; those that it does not have are missing."""
        found = {}
        if (rows := self._rows["network"].get(trajectory)) is not None:
            found["network"] = {name: rows[name] for name in ("frame", "probability", "set")}
        if (rows := self._rows["rests_on"].get(trajectory)) is not None:
            found["rests_on"] = {name: rows[name] for name in ("frame", "attention", "occlusion")}
        if (rows := self._rows["baselines"].get(trajectory)) is not None:
            found["baselines"] = {str(method): one[["frame", "probability"]].to_dict("list") for method, one in rows.groupby("method")}
        if (rows := self._rows["links"].get(trajectory)) is not None:
            found["links"] = {name: rows[name] for name in ("frame", "wrong", "rival", "confidence")}
        if (rows := self._rows["risks"].get(trajectory)) is not None:
            found["risks"] = _risks(rows)
        if (rows := self._rows["features"].get(trajectory)) is not None:
            found["features"] = {"frame": rows["frame"], "values": {name: rows[name] for name in self.features if rows[name].notna().any()}}
        return found


def _risks(rows: pd.DataFrame) -> dict:
    """Risks with a list of values for each number of hours ahead."""
    wide = rows.pivot(index="frame", columns="horizon_hours", values=["negative", "positive"])
    hours = sorted(rows["horizon_hours"].unique())
    values = {name: [wide[name][one] for one in hours] for name in ("negative", "positive")}
    return {"frame": wide.index.to_numpy(), "hours": hours, **values}


def _shape(strip: Strip) -> dict[str, int]:
    return {"n": strip.n, "columns": strip.columns, "height": strip.height, "width": strip.width}


def _block(content: Mapping, strip: Strip) -> str:
    """A block: a line of packed JSON, and a line for the picture of each channel."""
    return "\n".join([packed_json(content), *(base64.b64encode(picture).decode("ascii") for picture in strip.channels)])


def _field_block(field: Field | None) -> str:
    if field is None:
        return ""
    tracks = [field.tracks[field.tracks["frame"] == frame] for frame in field.frames]
    places = [{name: rows[name] for name in ("track_id", "y", "x")} for rows in tracks]
    return _block({"frames": field.frames, "shape": field.shape, "tracks": places, "strip": _shape(field.strip)}, field.strip)


def _recording(name: str, file: CropFile, facts: Facts) -> dict:
    return {
        "name": name,
        "channels": file.channels,
        "hours": facts.hours_per_frame,
        "drug": facts.drug_hours,
        "fated": facts.fated,
        "crop": file.shape[-1],
    }


def _cells(chosen: pd.DataFrame, recordings: Sequence[str]) -> dict:
    places = {name: place for place, name in enumerate(recordings)}
    return {**{name: chosen[name] for name in chosen.columns if name != "lineage"}, "recording": chosen["recording"].map(places)}


def _relatives(relatives: pd.DataFrame, chosen: pd.DataFrame, recording: str) -> dict:
    """The tracks of the lineages that the chosen cells of a recording are in, those of single cells left out."""
    lineages = chosen.loc[chosen["recording"] == recording, "lineage"].unique()
    rows = relatives[(relatives["recording"] == recording) & relatives["lineage"].isin(lineages)]
    rows = rows[rows.groupby("lineage")["track_id"].transform("size") > 1]
    return {name: rows[name] for name in RELATIVES}
