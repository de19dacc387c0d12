"""Numbers in tables of outcomes that are not those of the tracks here, such as TrackMate's TRACK_ID, which numbers whole lineages."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import RawTracks, outcomes_beside

FILE_NUMBER = "TRACK_ID"  # the column of a table of outcomes that has the file's own numbers
SHOWN = 5
RULE = "a track here has the ID of its first spot, which TrackMate's TRACK_ID is not (docs/tracks.md)"


def names_file_numbers(path: Path) -> bool:
    """Whether the table of outcomes beside tracks has a column TRACK_ID and none named track_id."""
    try:
        with open(outcomes_beside(path), encoding="utf-8-sig", errors="replace") as file:
            columns = [name.strip().strip('"') for name in file.readline().split(",")]
    except OSError:
        return False
    return FILE_NUMBER in columns and "track_id" not in columns


def by_track_here(fates: pd.DataFrame | None, names: Mapping[str, str], raw: RawTracks) -> pd.DataFrame | None:
    """Fates whose track_id was read from a column TRACK_ID, by the tracks here; as they are where the file numbers tracks as here.

    Raises an InputError for numbers that the file does not have, and for those of cells that divide: it is not clear which track is meant.
    """
    if fates is None or not raw.file_numbers or names.get("track_id") != FILE_NUMBER:
        return fates
    for bad, why in (
        (~fates["track_id"].isin(raw.file_numbers), "there is no such TRACK_ID in the file of tracks"),
        (fates["track_id"].map(lambda one: len(raw.file_numbers.get(one, ())) > 1), "its cells divide, so that it is several tracks"),
    ):
        if bad.any():
            row = fates[bad].iloc[0]
            became = raw.file_numbers.get(row["track_id"], ())
            here = f": {_some(became)}; write these into a column track_id" if became else ""
            raise InputError(f"{row['source']}: {row['where']}: TRACK_ID is {row['track_id']}, {why}{here}{_count(bad)}")
    others = [tuple(raw.file_numbers.get(one, (one,))[0] for one in related) for related in fates["continues_as"]]
    return fates.assign(track_id=[raw.file_numbers[number][0] for number in fates["track_id"]], continues_as=others)


def unknown_tracks(fates: pd.DataFrame, tracks: Collection[int], file_numbers: Mapping[int, Sequence[int]]) -> Iterator[str]:
    """One line for each source with rows about tracks that are none: the first, their number, and which numbers the tracks have."""
    for source, rows in fates.groupby("source", sort=False) if len(fates) else ():
        bad = ~rows["track_id"].isin(tracks)
        if bad.any():
            row = rows[bad].iloc[0]
            rule = f"; {RULE}" if file_numbers else ""
            numbers = f"the tracks here are {_some(sorted(tracks))}"
            yield f"{source}: {row['where']}: track_id is {row['track_id']}, there is no such track{_count(bad)}; {numbers}{rule}"


def mistakable_tracks(fates: pd.DataFrame, tracks: Collection[int], file_numbers: Mapping[int, Sequence[int]]) -> list[str]:
    """A line for each source whose numbers are all those of tracks here and of the file's own, of other cells."""
    lines = []
    for source, rows in fates.groupby("source", sort=False) if file_numbers and len(fates) else ():
        ids = set(rows["track_id"])
        if ids <= set(tracks) and ids <= set(file_numbers) and any(list(file_numbers[one]) != [one] for one in ids):
            lines.append(
                f"{source}: each track_id is a track here and a TRACK_ID of TrackMate too, of another cell: {RULE}. If TRACK_ID is meant, "
                "name the column TRACK_ID"
            )
    return lines


def _some(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    return shown if len(numbers) <= SHOWN else f"{shown} ... {numbers[-1]}"


def _count(bad: pd.Series) -> str:
    return "" if bad.sum() == 1 else f" ({bad.sum()} of {len(bad)} rows are such)"
