"""A label page of toy recordings, whose odd tracks have an outcome in their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from toy_crops import OUTCOMES, toy_trajectory, write_crop_file

from cellfate.explorer.labelling.write import LabelSettings, write_label_page
from cellfate.explorer.write import PageSettings
from cellfate.tracks.tables import CENSORED
from cellfate.tracks.tables import OUTCOMES as ENDS

SETTINGS = PageSettings(max_cells=100, fields=2, image_size=16, quality=50, seed=1)


@dataclass(frozen=True)
class Toy:
    """Recordings, their tracks and frames; those of ``without_crops`` have none."""

    recordings: tuple[str, ...] = ("r1", "r2")
    tracks: int = 6
    frames: tuple[int, ...] = tuple(range(2, 22))
    without_crops: tuple[int, ...] = ()
    outcomes: tuple[str, str] = (OUTCOMES["negative"], OUTCOMES["positive"])


def toy_tables(toy: Toy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables TRACKS and OUTCOMES: even tracks are censored, odd ones end in the negative outcome; track 2 is a daughter of 0."""
    tracks, outcomes = [], []
    for recording in toy.recordings:
        for track in range(toy.tracks):
            parent = 0 if track == 2 else pd.NA
            tracks += [(recording, track, parent, frame, 10.0 * track, float(frame)) for frame in toy.frames]
            fate = (toy.outcomes[0], toy.frames[-1]) if track % 2 else (CENSORED, pd.NA)
            first, last = toy.frames[0], toy.frames[-1]
            outcomes.append((recording, track, parent, f"{recording}/0", first, last, len(toy.frames), *fate, None))
    of_tracks = ["recording", "track_id", "parent_id", "frame", "y", "x"]
    types = {"parent_id": "Int64"}
    ends = pd.DataFrame(outcomes, columns=list(ENDS.columns)).astype(types | {"event_frame": "Int64"})
    return pd.DataFrame(tracks, columns=of_tracks).astype(types), ends


def toy_crop_files(folder: Path, toy: Toy) -> list[Path]:
    """A crop file for each recording."""
    generator, files = np.random.default_rng(0), []
    for recording in toy.recordings:
        name = recording if recording.isalnum() else "odd"
        cut = [track for track in range(toy.tracks) if track not in toy.without_crops]
        crops = {track: (np.array(toy.frames), toy_trajectory(generator, track % 2, len(toy.frames), 16, 2)) for track in cut}
        (folder / "crops").mkdir(exist_ok=True)
        files.append(write_crop_file(folder / f"crops/{name}.h5", recording, crops, ["one", "two"]))
    return files


def toy_label_page(
    folder: Path,
    toy: Toy,
    *,
    tracks: str = "without_outcome",
    order: str = "recording",
    more: tuple[str, ...] = (),
    labels: Sequence[Mapping] = (),
    predictions: Sequence[Path] = (),
    settings: PageSettings = SETTINGS,
    dataset: str = "toy",
) -> Path:
    """The page, as a file."""
    path = folder / "label.html"
    sheet = {name: {"frame_interval_min": 30.0, "treatment_start_h": None} for name in toy.recordings}
    write_label_page(
        path,
        dataset,
        *toy_tables(toy),
        toy_crop_files(folder, toy),
        sheet,
        words=[*toy.outcomes, *more],
        labels=labels,
        predictions=predictions,
        label=LabelSettings(tracks, order),
        settings=settings,
    )
    return path
