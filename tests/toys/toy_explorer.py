"""Cells for the page of single cells: what is said of them, their crops, and the page."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from toy_crops import OUTCOMES, toy_trajectory, write_crop_file

from cellfate.crops.crop_file import CropFile
from cellfate.explorer.data import Facts, Packed, limits_of, pack
from cellfate.explorer.page import EXPLORER_PAGE, page
from cellfate.explorer.said import CELL, SERIES, Said, nothing
from cellfate.explorer.strips import ImageSettings
from cellfate.explorer.tints import tints

HORIZONS = (2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Toy:
    """What a toy has: recordings, tracks in each, frames, channels, and what is not there of ``without``."""

    recordings: tuple[str, ...] = ("r1", "r2")
    tracks: int = 4
    frames: tuple[int, ...] = tuple(range(2, 22))
    n_channels: int = 3
    outcomes: tuple[str, str] = (OUTCOMES["negative"], OUTCOMES["positive"])
    treatment: str = "cisplatin"
    drug: float | None = 1.0
    fated: bool = True
    without: tuple[str, ...] = ()
    size: int = 16
    quality: int = 50


def toy_said(toy: Toy) -> Said:
    """Odd tracks end in the positive outcome, track 1 of each recording is called wrongly, the last one has no fate and no prediction."""
    rows = [_cell(toy, recording, track) for recording in toy.recordings for track in range(toy.tracks)]
    cells = pd.DataFrame(rows, columns=list(CELL)).astype({"right": "Int64", "set": "Int64", "event_frame": "Int64"})
    predicted = cells[cells["call"].notna()]
    x = np.linspace(0, 1, len(toy.frames))
    of = {
        "network": _long(predicted, toy, {"probability": 0.5 + 0.4 * np.sin(6 * x), "set": np.where(x < 0.5, 3, 2)}),
        "rests_on": _long(predicted, toy, {"attention": x, "occlusion": x - 0.5}),
        "features": _long(cells, toy, {"area": 100 + 10 * x, "intensity_mean-p53": 1000 * x}),
        "baselines": _long(predicted, toy, {"probability": 0.3 + 0 * x}).assign(method="length"),
        "risks": pd.concat(
            [_long(cells, toy, {"negative": 0.1 * x, "positive": 0.5 * x}).assign(horizon_hours=hours) for hours in HORIZONS]
        ),
    }
    wrong = np.where(np.arange(len(toy.frames)) == 7, 0.3, 0.001)
    of["links"] = _long(cells, toy, {"wrong": wrong, "rival": 3, "confidence": np.cumprod(1 - wrong)})
    of |= {name: nothing(SERIES[name]) for name in toy.without if name in SERIES}
    return Said(cells=cells, relatives=_relatives(cells, toy), **of)


def toy_packed(folder: Path, toy: Toy, said: Said | None = None, **about: object) -> Packed:
    """The blocks of the page of all cells of a toy."""
    said = toy_said(toy) if said is None else said
    generator = np.random.default_rng(0)
    files = {}
    for place, recording in enumerate(toy.recordings if toy.tracks else ()):
        tracks = {
            track: (np.array(toy.frames), toy_trajectory(generator, track % 2, len(toy.frames), toy.size, toy.n_channels))
            for track in range(toy.tracks)
        }
        names = [f"channel{place}" for place in range(toy.n_channels)]
        files[recording] = CropFile(write_crop_file(folder / f"{place}.h5", recording, tracks, names))
    outcomes = dict(zip(("negative", "positive"), toy.outcomes, strict=True))
    said_besides = {
        "title": "Cells",
        "rule": ["All of them."],
        "outcomes": outcomes,
        "notes": [],
        "software": "cellfate",
        "corrections": [],
    } | about
    facts = dict.fromkeys(toy.recordings, Facts(0.5, toy.drug, toy.fated))
    limits = limits_of(said.cells, files)
    packed = pack(said, said.cells, files, limits, facts, said_besides, fields=3, images=ImageSettings(toy.size, toy.quality))
    for file in files.values():
        file.close()
    return packed


def toy_page(folder: Path, toy: Toy, **about: object) -> Path:
    """The page of all cells of a toy, as a file."""
    path = folder / "explorer.html"
    path.write_text(page("Cells", toy_packed(folder, toy, **about), EXPLORER_PAGE), encoding="utf-8")
    return path


def large_page(folder: Path, n_cells: int) -> Path:
    """A page of so many cells with pictures of the usual size; the same few pictures for all of them."""
    toy = Toy(recordings=("r1",), tracks=n_cells, frames=tuple(range(60)), size=40, quality=1)
    drawn = toy_packed(folder, replace(toy, tracks=2))
    cells = tuple(drawn.cells[place % 2] for place in range(n_cells))
    path = folder / "large.html"
    path.write_text(page("Cells", Packed(_table_of(toy_said(toy), toy), cells, drawn.fields), EXPLORER_PAGE), encoding="utf-8")
    return path


def _table_of(said: Said, toy: Toy) -> str:
    from cellfate.explorer.data import packed_json

    outcomes = dict(zip(("negative", "positive"), toy.outcomes, strict=True))
    recording = {"name": "r1", "channels": ["channel0", "channel1", "channel2"], "hours": 0.5, "drug": 1.0, "crop": 16}
    columns = {name: said.cells[name] for name in said.cells.columns if name != "lineage"} | {"recording": [0] * len(said.cells)}
    relatives = {name: [] for name in ("track_id", "parent_id", "first_frame", "last_frame", "outcome", "event_frame")}
    about = {"title": "Cells", "rule": ["All."], "outcomes": outcomes, "notes": [], "software": "cellfate", "corrections": []}
    words = {"tints": [tints(n) for n in range(1, 4)], "methods": {"length": "length"}, "features": {"area": "area"}}
    return packed_json({**about, **words, "recordings": [recording], "cells": columns, "relatives": [relatives]})


def _cell(toy: Toy, recording: str, track: int) -> dict:
    fated = track < toy.tracks - 1
    label = track % 2
    wrong = fated and track == 1
    called = None if not fated or "network" in toy.without else toy.outcomes[1 - label if wrong else label]
    return {
        "trajectory": f"{recording}/{track}",
        "recording": recording,
        "track_id": track,
        "lineage": f"{recording}/0",
        "treatment": toy.treatment,
        "dose": None if track == 0 else "high",
        "outcome": toy.outcomes[label] if fated else "no_event_by_end",
        "first_frame": toy.frames[0],
        "last_frame": toy.frames[-1],
        "n_frames": len(toy.frames),
        "event_frame": toy.frames[-1] + 1 if fated else None,
        "call": called,
        "right": None if called is None else int(not wrong),
        "probability": None if called is None else (0.1, 0.9)[called == toy.outcomes[1]] + track / 1000,
        "set": None if called is None else 3 if wrong else 1 + label,
        "lead_hours": None if called is None or wrong else track / 2,
        "confidence": 0.7 - track / 1000,
    }


def _long(cells: pd.DataFrame, toy: Toy, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = [pd.DataFrame({"trajectory": name, "frame": toy.frames, **columns}) for name in cells["trajectory"]]
    return pd.concat(rows, ignore_index=True) if rows else nothing(("trajectory", "frame", *columns))


def _relatives(cells: pd.DataFrame, toy: Toy) -> pd.DataFrame:
    columns = ["recording", "track_id", "lineage", "first_frame", "last_frame", "outcome", "event_frame"]
    parents = cells["track_id"].where(cells["track_id"] == 0, 0).where(cells["track_id"] > 0).astype("Int64")
    family = cells[columns].assign(parent_id=parents)
    return family[family["track_id"] < 0] if "lineage" in toy.without else family
