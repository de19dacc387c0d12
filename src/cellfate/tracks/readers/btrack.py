"""Tracks of btrack: its HDF5 file or its CSV export."""

from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.numbers import whole_number
from cellfate.tracks.parents import is_lineage_name, parent_number, read_parents
from cellfate.tracks.raw import RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth

BTRACK_OBJECTS = "obj_type_1"
SAID_BY_PARENTS = ("root", "generation")  # columns of btrack that follow from its parents
_BTRACK_COLUMNS = {"needed": ("ID", "t", "x", "y"), "optional": ("z", "parent", "dummy")}
_WIDTHS = {"coords": 4, "tracks": 0, "map": 2, "LBEPR": 4}  # columns that are read; 0: a list


def read_btrack(path: Path, facts: RecordingFacts) -> RawTracks:
    """btrack's HDF5 file (``.h5``, objects and tracks of obj_type_1) or its CSV export; pixels, frames from 0.

    Positions that btrack put in where it saw no object (dummies) are left out: a gap in a track is allowed. A track that is its
    own parent has none, and so has one with parent 0.
    """
    rows, warnings = _btrack_csv(path, facts) if path.suffix.lower() == ".csv" else (_btrack_hdf5(path), [])
    rows["parent_id"] = rows["parent_id"].mask(rows["parent_id"].eq(rows["track_id"]).fillna(False).astype(bool))
    return RawTracks(rows, warnings=tuple(warnings))


def _btrack_csv(path: Path, facts: RecordingFacts) -> tuple[pd.DataFrame, list[str]]:
    text = read_text(path, facts.name, **_BTRACK_COLUMNS, sep=" ", strict=False, keep=is_lineage_name).rename(columns={"ID": "track_id"})
    text = text[~text["dummy"].str.lower().isin(["true", "1", "1.0"])]
    refuse_depth(numbers(text["z"], path, empty=True), path, lines(text))
    rows = pd.DataFrame(
        {
            "track_id": numbers(text["track_id"].rename("ID"), path, whole=True),
            "frame": numbers(text["t"], path, whole=True),
            "y": numbers(text["y"], path),
            "x": numbers(text["x"], path),
            "where": lines(text),
        }
    )
    rows["parent_id"], warnings = read_parents(text, path, "t", SAID_BY_PARENTS)
    return rows, warnings


def _btrack_hdf5(path: Path) -> pd.DataFrame:
    coords, references, ranges, lineage = _btrack_tables(path)
    if len(ranges) != len(lineage):
        raise InputError(f"{path}: {len(ranges)} tracks in map, {len(lineage)} in LBEPR")
    tables = []
    for row, ((begin, end), (track, parent)) in enumerate(zip(ranges.tolist(), lineage[:, [0, 3]].tolist(), strict=True)):
        objects = references[begin:end].ravel()
        objects = objects[objects >= 0]  # dummies have negative numbers
        if len(objects) and objects.max() >= len(coords):
            raise InputError(f"{path}: tracks row {row}: object {objects.max()}, there are {len(coords)} in coords")
        t, x, y, z = coords[objects, :4].T.astype(float)
        where = [f"object {number}" for number in objects]
        table = pd.DataFrame({"track_id": track, "frame": t, "y": y, "x": x, "z": z, "where": where})
        try:
            track, mother = whole_number(track), parent_number(parent)
        except ValueError as error:
            raise InputError(f"{path}: LBEPR row {row}: track {track} with parent {parent}: {error}") from None
        tables.append(table.assign(parent_id=pd.array([pd.NA if mother is None else mother] * len(table), dtype="Int64")))
    rows = pd.concat(tables, ignore_index=True)
    odd = ~np.isfinite(rows["frame"]) | (rows["frame"] % 1 != 0)
    if odd.any():
        raise InputError(f"{path}: {rows[odd].iloc[0]['where']}: t is {rows[odd].iloc[0]['frame']:g}, a whole number is needed")
    refuse_depth(rows["z"], path, rows["where"].tolist())
    return rows.astype({"track_id": "int64", "frame": "int64"})[["track_id", "parent_id", "frame", "y", "x", "where"]]


def _btrack_tables(path: Path) -> list[np.ndarray]:
    """The tables coords, tracks, map and LBEPR, each of the shape and type that is needed, and none of the last three empty."""
    import h5py

    from cellfate.base.hdf5 import open_hdf5

    names = [f"objects/{BTRACK_OBJECTS}/coords", *(f"tracks/{BTRACK_OBJECTS}/{name}" for name in ("tracks", "map", "LBEPR"))]
    try:
        with open_hdf5(path, "a file of btrack") as file:
            absent = [name for name in names if not isinstance(file.get(name), h5py.Dataset)]
            if absent:
                raise InputError(f"{path}: {absent[0]} missing; btrack writes it when tracks are exported")
            tables = [file[name][()] for name in names]
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(f"{path}: not readable as HDF5: {error}") from error
    for name, table in zip(names, tables, strict=True):
        width = _WIDTHS[name.rpartition("/")[2]]
        whole = not name.endswith("coords")
        if np.ndim(table) < 1 or (width and (np.ndim(table) != 2 or table.shape[1] < width)):
            raise InputError(f"{path}: {name} has shape {np.shape(table)}, {f'rows of {width} or more' if width else 'a list'} is needed")
        if table.dtype.kind not in ("ui" if whole else "uif"):
            raise InputError(f"{path}: {name} is of type {table.dtype}, {'whole ' * whole}numbers are needed")
        if whole and not len(table):
            raise InputError(f"{path}: it has no tracks: {name} is empty")
    return tables
