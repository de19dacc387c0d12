"""Tracks as other programs leave them: the Cell Tracking Challenge, btrack and GEFF. Heavy libraries are imported where they are used."""

import re
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.errors import InputError
from cellfate.progress import progress
from cellfate.track_links import tracks_of_links
from cellfate.track_tables import RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth, with_fates_beside

CTC_LAYOUTS = {"man_track.txt": "man_track", "res_track.txt": "mask"}  # table of tracks -> how its label images are named
BTRACK_OBJECTS = "obj_type_1"
_BTRACK_COLUMNS = {"needed": ("ID", "t", "x", "y"), "optional": ("z", "parent", "dummy")}
MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}
MINUTES = {"millisecond": 1 / 60000, "second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0}
OFF_FRAME = 0.01  # frames by which a time may miss a frame


def read_ctc(path: Path, facts: RecordingFacts) -> RawTracks:
    """A folder of the Cell Tracking Challenge (https://celltrackingchallenge.net/datasets/): label images and a table of tracks.

    ``man_track*.tif`` with ``man_track.txt``, or a result's ``mask*.tif`` with ``res_track.txt``; the number in an image's name
    is its frame, positions are the centroids of the labels. A line is "track first-frame last-frame parent", parent 0 for none.
    """
    table, name = _ctc_layout(path)
    known = _read_ctc_table(table)
    files = sorted(path.glob(f"{name}*.tif*"), key=lambda file: file.name)
    if not files:
        raise InputError(f"{path}: no {name}*.tif beside {table.name}")
    rows = []
    for file in progress(files, f"read_tracks {facts.name}", unit="mask"):
        number = re.fullmatch(rf"{name}_?(\d+)", file.stem)
        if number is None:
            raise InputError(f"{file}: {name}<frame>.tif is needed")
        rows += _ctc_rows(file, int(number[1]), known, facts)
    found = {row[0] for row in rows}
    missing = [track for track in known if track not in found]
    if missing:
        raise InputError(f"{table}: {known[missing[0]]['where']}: track {missing[0]} is in no label image")
    return with_fates_beside(pd.DataFrame(rows, columns=["track_id", "parent_id", "frame", "y", "x", "where"]), path, facts)


def _ctc_layout(path: Path) -> tuple[Path, str]:
    found = [file for file in CTC_LAYOUTS if (path / file).is_file()]
    if len(found) != 1:
        has = " and ".join(found) if found else "neither"
        raise InputError(f"{path}: {' or '.join(CTC_LAYOUTS)} is needed in a folder of the Cell Tracking Challenge, it has {has}")
    return path / found[0], CTC_LAYOUTS[found[0]]


def _read_ctc_table(path: Path) -> dict[int, dict]:
    known: dict[int, dict] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 4 or not all(word.isdigit() for word in words) or words[0] == "0":
            raise InputError(f"{path}: line {number}: {line!r}, four whole numbers are needed: track, first frame, last frame, parent or 0")
        track, first, last, parent = map(int, words)
        if track in known:
            raise InputError(f"{path}: line {number}: track {track} stands there for the second time")
        known[track] = {"first": first, "last": last, "parent": parent or None, "where": f"line {number}"}
    for track, row in known.items():
        if row["parent"] is not None and row["parent"] not in known:
            raise InputError(f"{path}: {row['where']}: parent of track {track} is {row['parent']}, there is no such track")
    return known


def _ctc_rows(file: Path, frame: int, known: Mapping[int, dict], facts: RecordingFacts) -> list[tuple]:
    import tifffile
    from skimage.measure import regionprops

    try:
        labels = tifffile.imread(file)
    except Exception as error:  # decoders raise many kinds, all mean that the labels cannot be had
        raise InputError(f"{file}: not readable as a TIFF image: {error}") from error
    if labels.shape != facts.frame_shape:
        raise InputError(f"{file}: label image of {labels.shape}, the recording's frames are {facts.frame_shape}")
    rows = []
    for region in regionprops(labels):
        track = int(region.label)
        if track not in known:
            raise InputError(f"{file}: label {track} is not in the table of tracks")
        row = known[track]
        if not row["first"] <= frame <= row["last"]:
            raise InputError(f"{file}: label {track} in frame {frame}, but the table ({row['where']}) says {row['first']} to {row['last']}")
        y, x = region.centroid
        rows.append((track, row["parent"], frame, y, x, f"{file.name}, label {track}"))
    return rows


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


def read_geff(path: Path, facts: RecordingFacts) -> RawTracks:
    """A graph in the Graph Exchange File Format (https://liveimagetrackingtools.org/geff/): axes named y and x, and one of time.

    Axes without a unit are pixels and frames. Lengths become pixels by the sheet's ``pixel_size_um``, times frames by its
    ``frame_interval_min``. Tracks are the longest paths between divisions, each has the number of its first node.
    """
    import geff

    try:
        graph, metadata = geff.read(path, backend="networkx")
    except Exception as error:  # zarr, pydantic and geff raise many kinds, all mean that this is no GEFF
        raise InputError(f"{path}: not readable as GEFF: {str(error).splitlines()[0]}") from error
    axes = {("t" if axis.type == "time" else axis.name.lower()): axis for axis in metadata.axes or []}
    if not {"t", "y", "x"} <= axes.keys():
        named = ", ".join(axis.name for axis in metadata.axes or []) or "none"
        raise InputError(f"{path}: axes are {named}; y, x and one of type time are needed")
    values = {key: _geff_values(graph, axes[key].name, path) for key in ("t", "y", "x", "z") if key in axes}
    where = [f"node {node}" for node in graph]
    if "z" in values:
        refuse_depth(pd.Series(values["z"]), path, where)
    frames = _geff_frames(values["t"], axes["t"].unit, where, path, facts)
    with _in_file(path):
        tracks, parents = tracks_of_links(dict(zip(graph, frames, strict=True)), graph.edges)
    ids = [tracks[node] for node in graph]
    rows = pd.DataFrame({"track_id": ids, "parent_id": pd.Series([parents[track] for track in ids], dtype="float64"), "frame": frames})
    for key in ("y", "x"):
        rows[key] = np.array(values[key]) / _geff_pixel(axes[key].unit, key, path, facts)
    return with_fates_beside(rows.assign(where=where), path, facts)


@contextmanager
def _in_file(path: Path):
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error} (numbers of nodes)") from None


def _geff_values(graph, name: str, path: Path) -> list[float]:
    missing = [node for node, data in graph.nodes.items() if name not in data]
    if missing:
        raise InputError(f"{path}: node {missing[0]}: {name} is missing")
    return [float(data[name]) for data in graph.nodes.values()]


def _geff_pixel(unit: str | None, axis: str, path: Path, facts: RecordingFacts) -> float:
    """What to divide positions by, so that they are pixels."""
    if unit in (None, "pixel"):
        return 1.0
    if unit not in MICROMETRES:
        raise InputError(f"{path}: the unit of {axis} is {unit!r}; pixel, {', '.join(MICROMETRES)} can be read")
    if facts.pixel_size_um is None:
        raise InputError(f"{path}: {axis} is in {unit}, so the sheet must give pixel_size_um for recording {facts.name}")
    return facts.pixel_size_um / MICROMETRES[unit]


def _geff_frames(times: list[float], unit: str | None, where: list[str], path: Path, facts: RecordingFacts) -> list[int]:
    if unit not in (None, "frame", *MINUTES):
        raise InputError(f"{path}: the unit of time is {unit!r}; frame, {', '.join(MINUTES)} can be read")
    if unit in MINUTES and facts.frame_interval_min is None:
        raise InputError(f"{path}: times are in {unit}, so frame_interval_min is needed for recording {facts.name}")
    exact = np.array(times) * (MINUTES[unit] / facts.frame_interval_min if unit in MINUTES else 1)
    frames = np.rint(exact)
    off = ~(np.abs(exact - frames) <= OFF_FRAME)
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise InputError(f"{path}: {where[row]}: time {times[row]:g} {unit or 'frame'} is no whole frame ({exact[row]:g})")
    return frames.astype(int).tolist()
