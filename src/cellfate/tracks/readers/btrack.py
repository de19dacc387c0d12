"""Tracks of btrack: its HDF5 file or its CSV export."""

from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth, with_fates_beside

BTRACK_OBJECTS = "obj_type_1"
_BTRACK_COLUMNS = {"needed": ("ID", "t", "x", "y"), "optional": ("z", "parent", "dummy")}


def read_btrack(path: Path, facts: RecordingFacts) -> RawTracks:
    """btrack's HDF5 file (``.h5``, objects and tracks of obj_type_1) or its CSV export; pixels, frames from 0.

    Positions that btrack put in where it saw no object (dummies) are left out: a gap in a track is allowed.
    """
    rows = _btrack_csv(path, facts) if path.suffix.lower() == ".csv" else _btrack_hdf5(path)
    itself = rows["parent_id"] == rows["track_id"]  # btrack's way to say that there is none
    rows["parent_id"] = rows["parent_id"].mask(itself | (rows["parent_id"] == 0))
    return with_fates_beside(rows, path, facts)


def _btrack_csv(path: Path, facts: RecordingFacts) -> pd.DataFrame:
    text = read_text(path, facts.name, **_BTRACK_COLUMNS, sep=" ", strict=False)
    text = text[~text["dummy"].isin(["True", "1", "1.0"])]
    refuse_depth(numbers(text["z"], path, empty=True), path, lines(text))
    return pd.DataFrame(
        {
            "track_id": numbers(text["ID"], path, whole=True),
            "parent_id": numbers(text["parent"], path, whole=True, empty=True),
            "frame": numbers(text["t"], path, whole=True),
            "y": numbers(text["y"], path),
            "x": numbers(text["x"], path),
            "where": lines(text),
        }
    )


def _btrack_hdf5(path: Path) -> pd.DataFrame:
    import h5py

    needed = [f"objects/{BTRACK_OBJECTS}/coords", *(f"tracks/{BTRACK_OBJECTS}/{name}" for name in ("tracks", "map", "LBEPR"))]
    try:
        with h5py.File(path) as file:
            absent = [name for name in needed if name not in file]
            if absent:
                raise InputError(f"{path}: {absent[0]} missing; btrack writes it when tracks are exported")
            coords, references, ranges, lineage = (file[name][:] for name in needed)
    except OSError as error:
        raise InputError(f"{path}: not readable as HDF5: {error}") from error
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
        tables.append(pd.DataFrame({"track_id": track, "parent_id": float(parent), "frame": t, "y": y, "x": x, "z": z, "where": where}))
    rows = pd.concat(tables, ignore_index=True)
    odd = ~np.isfinite(rows["frame"]) | (rows["frame"] % 1 != 0)
    if odd.any():
        raise InputError(f"{path}: {rows[odd].iloc[0]['where']}: t is {rows[odd].iloc[0]['frame']:g}, a whole number is needed")
    refuse_depth(rows["z"], path, rows["where"].tolist())
    return rows.astype({"frame": "int64"})[["track_id", "parent_id", "frame", "y", "x", "where"]]
