"""What readers of tracks hand over, the table of fates that may stand beside tracks of any format, and text tables read with care."""

import re
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError

TRACK_SUFFIXES = (".csv", ".tsv", ".txt", ".xml", ".h5", ".hdf5", ".geff", ".zarr")  # other endings belong to a folder's name


@dataclass(frozen=True)
class RecordingFacts:
    """What tracks are read and checked against: the recording's frames, ``frame_shape`` (H, W) in pixels, and what the sheet says of it.

    Pixel size and frame interval are needed for files in micrometres and minutes alone.
    """

    name: str
    n_frames: int
    frame_shape: tuple[int, int]
    pixel_size_um: float | None = None
    frame_interval_min: float | None = None
    last_image: int | None = None  # where the sheet leaves out later ones


@dataclass(frozen=True)
class RawTracks:
    """What a reader hands over.

    ``rows``: track_id, parent_id, frame, y, x (pixels), where (how to find the row in the file).
    ``fates``: track_id, outcome (None: unknown), event_frame (NaN: unknown), continues_as (ids of tracks of the same cell),
    lineage (a label shared by relatives, or None), where, note (a text for the warning column, or None). Tracks may be absent.
    ``fates_path``: the file that the fates stand in.
    """

    rows: pd.DataFrame
    fates: pd.DataFrame
    fates_path: Path

    def until(self, last_image: int) -> "RawTracks":
        """Without the rows of later frames, the events in them, and the fates of tracks of which nothing is left; says how many rows."""
        rows = self.rows[~(self.rows["frame"] > last_image)]
        if len(rows) < len(self.rows):
            left_out = len(self.rows) - len(rows)
            print(f"{left_out} of {len(self.rows)} positions are after last_image {last_image}, left out", file=sys.stderr, flush=True)
        known = self.fates[self.fates["track_id"].isin(rows["track_id"]) | ~self.fates["track_id"].isin(self.rows["track_id"])]
        if "event_frame" in known:
            known = known[~(known["event_frame"] > last_image)]
        return RawTracks(rows, known, self.fates_path)


_FATE_COLUMNS = {"needed": ("track_id", "outcome", "event_frame"), "optional": ("recording", "continues_as", "lineage")}


def outcomes_beside(path: str | Path) -> Path:
    """Where the outcomes of a file or folder of tracks stand: ``<name without its ending>_outcomes.csv`` beside it."""
    path = Path(path)
    stem = path.stem if path.suffix.lower() in TRACK_SUFFIXES else path.name
    return path.with_name(f"{stem}_outcomes.csv")


def edges_beside(path: str | Path) -> Path:
    """Where the table of edges stands that belongs to a table of spots: the same name with ``spots`` exchanged for ``edges``."""
    path = Path(path)
    return path.with_name(re.sub("(?i)spots", "edges", path.name))


def with_fates_beside(rows: pd.DataFrame, path: Path, facts: RecordingFacts) -> RawTracks:
    """The rows of a reader together with the fates in the table beside the tracks; without that table a warning is printed."""
    fates_path = outcomes_beside(path)
    if not fates_path.exists():
        print(f"WARNING: {path}: there is no {fates_path.name} beside it, so none of its tracks has a fate", file=sys.stderr, flush=True)
        return RawTracks(rows, pd.DataFrame(columns=["track_id"]), fates_path)
    text = read_text(fates_path, facts.name, **_FATE_COLUMNS)
    fates = pd.DataFrame(
        {
            "track_id": numbers(text["track_id"], fates_path, whole=True),
            "outcome": text["outcome"].where(text["outcome"] != "", None),
            "event_frame": numbers(text["event_frame"], fates_path, whole=True, empty=True),
            "continues_as": [_ids(value, line, fates_path) for line, value in zip(lines(text), text["continues_as"], strict=True)],
            "lineage": text["lineage"].where(text["lineage"] != "", None),
            "where": lines(text),
            "note": None,
        }
    )
    return RawTracks(rows, fates, fates_path)


def refuse_depth(z: pd.Series, path: Path, where: list[str]) -> None:
    """Raise an InputError when the values of ``z`` differ: the recordings here are flat."""
    known = z.dropna()
    other = np.flatnonzero((known != known.iloc[0]).to_numpy()) if len(known) else []
    if len(other):
        row = z.index.get_loc(known.index[other[0]])
        raise InputError(f"{path}: {where[row]}: z is {known.iloc[other[0]]:g}, {known.iloc[0]:g} before: tracks in one plane are needed")


def read_text(
    path: Path, recording: str, needed: tuple[str, ...], optional: tuple[str, ...], sep: str = ",", strict: bool = True
) -> pd.DataFrame:
    """The recording's rows of a text table as stripped text; the index is the row's number below the header, from 0.

    Columns besides ``needed`` and ``optional`` are an error when ``strict``, else left out.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file (csv tracks)")
    try:
        with open(path, encoding="utf-8-sig") as file:
            header = file.readline()
        other = next((separator for separator in ";\t" if separator in header and sep not in header), None)
        if other:
            raise InputError(f"{path}: line 1: separated by {other!r}? Commas are needed between the columns, points in the numbers")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
            text = pd.read_csv(
                path, sep=sep, dtype=str, keep_default_na=False, skip_blank_lines=False, index_col=False, encoding="utf-8-sig"
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as a CSV table: {error}") from error
    text.columns = text.columns.str.strip()
    missing = [column for column in needed if column not in text]
    extra = [column for column in text if strict and column not in needed + optional]
    if missing or extra:
        problem = f"column {missing[0]} missing" if missing else f"unknown column {extra[0]}"
        raise InputError(f"{path}: {problem}; needed are {', '.join(needed)}, allowed besides {', '.join(optional)}")
    text = text.fillna("").apply(lambda column: column.str.strip())
    text = text[(text != "").any(axis="columns")]
    if "recording" in text:
        text = text[text["recording"] == recording]
    return text.reindex(columns=needed + optional, fill_value="")


def lines(text: pd.DataFrame) -> list[str]:
    """How to find each row of a text table in its file."""
    return [f"line {row + 2}" for row in text.index]


def numbers(text: pd.Series, path: Path, whole: bool = False, empty: bool = False) -> pd.Series:
    """Text as numbers: int64 where ``whole`` and every value is needed, else float64. NaN and infinity pass unless ``whole``."""
    values = pd.to_numeric(text.where(text != "", np.nan), errors="coerce").astype("float64")
    wanted = "a whole number from 0" if whole else "a number"
    bad = values.isna() & ~text.str.lower().isin(["nan"]) if not whole else ~(values >= 0) | ~np.isfinite(values) | (values % 1 != 0)
    if empty:
        bad &= text != ""
    if bad.any():
        row = text.index[bad][0]
        raise InputError(f"{path}: line {row + 2}: {text.name} is {text[row]!r}, {wanted} is needed")
    return values.astype("int64") if whole and not empty else values


def _ids(value: str, line: str, path: Path) -> tuple[int, ...]:
    """The track ids of a ``continues_as`` cell, separated by semicolons."""
    parts = [part.strip() for part in value.split(";") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise InputError(f"{path}: {line}: continues_as is {value!r}, track ids separated by ';' are needed")
    return tuple(int(part) for part in parts)


def joined_notes(*texts: str | None) -> str | None:
    """The notes that are there, in one; None where there is none."""
    return "; ".join(text for text in texts if text) or None
