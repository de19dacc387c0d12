"""Tracks in the Graph Exchange File Format."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.links import tracks_of_links
from cellfate.tracks.raw import RawTracks, RecordingFacts, refuse_depth, with_fates_beside

MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}
MINUTES = {"millisecond": 1 / 60000, "second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0}
OFF_FRAME = 0.01  # frames by which a time may miss a frame


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
