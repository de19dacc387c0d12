"""Which rows of a sheet name the same thing, however its path is written."""

import os
from collections.abc import Hashable, Iterator
from pathlib import Path

import pandas as pd

from cellfate.tracks.formats import FORMATS


def place_of(path: str) -> str:
    """The absolute path without ``.``, ``..`` and links; relative ones begin in the working folder, which is that of the project.

    The placeholders of a pattern stay.
    """
    return os.path.realpath(path)


def repeated(keys: pd.Series) -> Iterator[tuple[int, int]]:
    """(row, first row with the same key) of each row whose key stands in one above; rows without a key are passed over."""
    seen: dict[Hashable, int] = {}
    for row, key in enumerate(keys):
        first = row if key is None or pd.isna(key) else seen.setdefault(key, row)
        if first != row:
            yield row, first


def images_twice(sheet: pd.DataFrame, source: str | Path) -> Iterator[str]:
    """Yield each row, of which row 0 stands in line 2, whose images are those of one above."""
    places = sheet["images"].map(place_of, na_action="ignore")
    folders = {place for place in places.dropna() if "{" not in place}

    def key(place: str) -> str:
        """A pattern in the folder of another row is of that row's images."""
        folder = str(Path(place.split("{")[0] + "x").parent)
        return folder if "{" in place and folder in folders else place

    for row, first in repeated(places.map(key, na_action="ignore")):
        yield f"{_twice(sheet['images'], row, first, source)}; the same cells would be in two recordings"


def tracks_twice(sheet: pd.DataFrame, source: str | Path) -> Iterator[str]:
    """Yield each row, of which row 0 stands in line 2, whose tracks are all those of one above, of files that are there."""
    known = sheet["tracks"].notna() & sheet["tracks_format"].isin(list(FORMATS))
    for row, first in repeated(sheet["tracks"].where(known).map(place_of, na_action="ignore")):
        how = FORMATS[sheet["tracks_format"].iloc[row]]
        if Path(sheet["tracks"].iloc[row]).exists() and not how.has_several_recordings(sheet["tracks"].iloc[row]):
            columns = " or ".join(how.apart or ())
            way_out = f". In a table of several recordings the column {columns} must say which is which" if columns else ""
            yield f"{_twice(sheet['tracks'], row, first, source)}; the same cells would be in two recordings{way_out}"


def _twice(column: pd.Series, row: int, first: int, source: str | Path) -> str:
    said, other = column.iloc[row], column.iloc[first]
    written = "" if said == other else f" ({other!r}, the same place)"
    return f"{source}: line {row + 2}: {column.name} is {said!r}, as in line {first + 2}{written}"
