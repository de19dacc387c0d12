"""Tracks in the Graph Exchange File Format."""

import re
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import load_json
from cellfate.tracks.links import numbered_tracks, tracks_of_links
from cellfate.tracks.numbers.whole import EXACT, whole_number
from cellfate.tracks.raw import RawTracks, RecordingFacts, refuse_depth
from cellfate.tracks.readers.events import first_words, lacking
from cellfate.tracks.readers.parents import unused_lineage

MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}
MINUTES = {"millisecond": 1 / 60000, "second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0}
OTHER_WORDS = {  # for a unit, in small letters without a plural's s
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "micrometre"), "micrometer"),
    "nm": "nanometer",
    "nanometre": "nanometer",
    "mm": "millimeter",
    "millimetre": "millimeter",
    "m": "meter",
    "metre": "meter",
    "px": "pixel",
    "pix": "pixel",
    "timepoint": "frame",
    "time point": "frame",
    "ms": "millisecond",
    "d": "day",
    "": None,
    "s": "second",
    "sec": "second",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
}
SAME_SIZE = 0.01  # relative, of a pixel size or a frame interval
OFF_FRAME = 0.01  # frames by which a time may miss a frame
NUMBER = "track_id"  # property with the numbers of tracks, where the file names no other as ``tracklet``
ATTRIBUTES = (".zattrs", "zarr.json")
_LETTER = re.compile(r"(?:(?:position|pos|centroid|coord|coordinate|center|centre)[ _-]?)?([tyxz])|(time|frame)", re.IGNORECASE)


@dataclass(frozen=True)
class Graph:
    """Detections and links of a GEFF: ``nodes`` are their numbers, ``frames`` (N,), ``y`` and ``x`` (N,) in pixels.

    ``numbers`` are the tracks' numbers that nodes carry (None: none), ``links`` pairs of nodes, ``properties`` the values of each node by
    name, ``there`` the names of all properties, ``lines`` what a person should know.
    """

    nodes: list[int]
    frames: np.ndarray
    y: np.ndarray
    x: np.ndarray
    numbers: list[int | None]
    links: list[tuple[int, int]]
    properties: list[Mapping[str, Any]]
    there: list[str]
    lines: tuple[str, ...]


def read_geff(path: Path, facts: RecordingFacts) -> RawTracks:
    """A graph in the Graph Exchange File Format (https://liveimagetrackingtools.org/geff/).

    Which axis is which say its ``display_hints`` (vertical is y, horizontal is x), then the axis of type time, then the names (y,
    POSITION_Y, ...). Axes without a unit are pixels and frames. Lengths become pixels by the sheet's ``pixel_size_um``, times frames
    by its ``frame_interval_min``. Tracks have the numbers that nodes carry (:data:`NUMBER`), where each is one path; else they are the
    longest paths between divisions, each with the number of its first node.
    Properties of nodes that ``facts.event_columns`` name are events; a node that lacks one says nothing.
    """
    graph = read_graph(path, facts)
    warnings, frames = list(graph.lines), dict(zip(graph.nodes, graph.frames.tolist(), strict=True))
    with _in_file(path):
        tracks, parents = tracks_of_links(frames, graph.links)
    if any(number is not None for number in graph.numbers):
        numbered = numbered_tracks(frames, graph.links, dict(zip(graph.nodes, graph.numbers, strict=True)))
        if isinstance(numbered, str):
            warnings.append(f"{path}: the tracks' numbers of its nodes are not used: node {numbered}; a track has that of its first node")
        else:
            tracks, parents = numbered
    where = [f"node {node}" for node in graph.nodes]
    ids = [tracks[node] for node in graph.nodes]
    rows = pd.DataFrame({"track_id": ids, "parent_id": pd.array([parents[track] for track in ids], dtype="Int64"), "frame": graph.frames})
    rows = rows.assign(y=graph.y, x=graph.x, where=where)
    if not graph.links:
        warnings.append(f"{path}: no node is linked to another, so each of its {len(where)} nodes is a track of one frame")
        warnings += unused_lineage(graph.there, (), "the graph's edges", path)
    words = {name: [node.get(name) for node in graph.properties] for name in facts.event_columns if name in graph.there}
    warnings += lacking(facts.event_columns, words, graph.there, path)
    return RawTracks(rows, warnings=tuple(warnings), events_said=first_words(rows, words))


def read_graph(path: Path, facts: RecordingFacts) -> Graph:
    """The nodes and edges of a GEFF, in frames and pixels; see :func:`read_geff`. Raises InputError for what cannot be read so."""
    import geff

    path, lines = _inner(path)
    try:
        graph, metadata = geff.read(path, backend="networkx")
    except Exception as error:  # zarr, pydantic and geff raise many kinds, all mean that this is no GEFF
        raise InputError(f"{path}: not readable as GEFF: {(str(error).splitlines() or [type(error).__name__])[0]}") from error
    if not len(graph):
        raise InputError(f"{path}: it has no tracks: the graph has no nodes")
    axes, warnings = _geff_axes(metadata, path)
    nodes = {node: _node_number(node, path) for node in graph}
    where = [f"node {node}" for node in graph]
    values = {key: _geff_values(graph, axis.name, path) for key, axis in axes.items()}
    if "z" in values:
        refuse_depth(pd.Series(values["z"]), path, where)
    number = (metadata.track_node_props or {}).get("tracklet", NUMBER)
    return Graph(
        nodes=list(nodes.values()),
        frames=np.array(_geff_frames(values["t"], axes["t"].unit, where, path, facts)),
        **{key: np.array(values[key]) / _geff_pixel(axes[key].unit, key, path, facts) for key in ("y", "x")},
        numbers=[_track_number(data.get(number)) for data in graph.nodes.values()],
        links=[(nodes[one], nodes[other]) for one, other in graph.edges],
        properties=list(graph.nodes.values()),
        there=sorted({*(metadata.node_props_metadata or ()), *(key for node in graph.nodes.values() for key in node)}),
        lines=(*lines, *warnings, *_scale_problems(axes, path, facts), *_in_world_units(metadata, axes, path)),
    )


def _inner(path: Path) -> tuple[Path, list[str]]:
    """The GEFF in a folder that holds one without being one, as funtracks (motile tracker) exports it; and a line that says so."""
    if not path.is_dir() or any("geff" in _attributes(path / name) for name in ATTRIBUTES):
        return path, []
    inside = [one for one in sorted(path.iterdir()) if one.is_dir() and any("geff" in _attributes(one / name) for name in ATTRIBUTES)]
    if len(inside) > 1:
        raise InputError(f"{path}: it holds several GEFFs, name one of them: {', '.join(one.name for one in inside)}")
    return (inside[0], [f"{path}: the GEFF in it is {inside[0].name}"]) if inside else (path, [])


def _attributes(path: Path) -> Mapping:
    """The attributes of a zarr group, of format 2 or 3, in one of its files; nothing where that is none."""
    try:
        found = load_json(path)
    except (FileNotFoundError, InputError):
        return {}
    inner = found.get("attributes", found)
    return inner if isinstance(inner, Mapping) else {}


def _track_number(value: Any) -> int | None:
    try:
        return whole_number(value)
    except (TypeError, ValueError):
        return None


def _in_world_units(metadata: Any, axes: Mapping[str, Any], path: Path) -> list[str]:
    """A warning for files of funtracks, which multiplies positions by the scale that it was given and writes neither scale nor unit."""
    funtracks = (metadata.extra or {}).get("funtracks")
    if not isinstance(funtracks, Mapping) or any(axes[key].unit for key in ("y", "x")):
        return []
    return [f"{path}: funtracks wrote it, which may multiply positions by a scale and does not say so; they are read as pixels"]


def _node_number(node: Any, path: Path) -> int:
    try:
        return whole_number(node)
    except ValueError as error:
        raise InputError(f"{path}: node {node}: its number cannot be read: {error}") from None


def _geff_axes(metadata: Any, path: Path) -> tuple[dict[str, Any], list[str]]:
    """The axes by what they are, t, y, x and, where there is one, z; and a warning where the hints exchange axes named x and y."""
    axes = list(metadata.axes or [])
    named = {axis.name: axis for axis in axes}
    found = dict(_hinted(metadata.display_hints, named, path))
    times = [axis for axis in axes if axis.type == "time" and axis not in found.values()]
    if "t" not in found and len(times) == 1:
        found["t"] = times[0]
    for axis in axes:
        letter = _letter(axis.name)
        if letter and letter not in found and axis not in found.values() and (axis.type != "time" or letter == "t"):
            found[letter] = axis
    if not {"t", "y", "x"} <= found.keys():
        shown = ", ".join(axis.name for axis in axes) or "none"
        raise InputError(f"{path}: axes are {shown}; y, x and one of type time are needed, or display_hints that say which axis is which")
    warnings = []
    if (_letter(found["x"].name), _letter(found["y"].name)) == ("y", "x"):
        hints = f"{found['x'].name} is horizontal and {found['y'].name} is vertical"
        warnings.append(f"{path}: display_hints say that {hints}: read so, although the names say the opposite")
    return found, warnings


def _hinted(hints: Any, named: Mapping[str, Any], path: Path) -> Iterable[tuple[str, Any]]:
    """What the hints say of the axes; an InputError for a hint that names none."""
    for key, direction in (("x", "horizontal"), ("y", "vertical"), ("z", "depth"), ("t", "time")):
        name = getattr(hints, f"display_{direction}", None)
        if name is None:
            continue
        if name not in named:
            raise InputError(f"{path}: display_hints name {name!r} as {direction}, the axes are {', '.join(named) or 'none'}")
        yield key, named[name]


def _letter(name: str) -> str | None:
    """What an axis is by its name: t, y, x, z or, where the name does not say, None."""
    match = _LETTER.fullmatch(name.strip())
    return None if match is None else (match[1] or "t").lower()


def _unit(unit: str | None) -> str | None:
    """A unit by its word here, as it is where there is none."""
    word = (unit or "").strip().strip("()").lower()
    known = (*MICROMETRES, *MINUTES, "pixel", "frame")
    for one in (word, word.removesuffix("s")):
        if one in OTHER_WORDS or one in known:
            return OTHER_WORDS.get(one, one)
    return unit


@contextmanager
def _in_file(path: Path):
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error} (numbers of nodes)") from None


def _geff_values(graph, name: str, path: Path) -> list[float]:
    values = []
    for node, data in graph.nodes.items():
        if name not in data:
            raise InputError(f"{path}: node {node}: {name} is missing")
        try:
            values.append(float(data[name]))
        except (TypeError, ValueError):
            raise InputError(f"{path}: node {node}: {name} is {data[name]!r}, a number is needed") from None
    return values


def _geff_pixel(unit: str | None, axis: str, path: Path, facts: RecordingFacts) -> float:
    """What to divide positions by, so that they are pixels."""
    unit = _unit(unit)
    if unit in (None, "pixel"):
        return 1.0
    if unit not in MICROMETRES:
        raise InputError(f"{path}: the unit of {axis} is {unit!r}; pixel, {', '.join(MICROMETRES)} can be read")
    if facts.pixel_size_um is None:
        raise InputError(f"{path}: {axis} is in {unit}, so the sheet must give pixel_size_um for recording {facts.name}")
    return facts.pixel_size_um / MICROMETRES[unit]


def _scale_problems(axes: Mapping[str, Any], path: Path, facts: RecordingFacts) -> list[str]:
    """A warning for axes with an offset; an InputError for a scale of pixels or frames that is not the sheet's."""
    sizes = (("y", "pixel_size_um", MICROMETRES), ("x", "pixel_size_um", MICROMETRES), ("t", "frame_interval_min", MINUTES))
    for key, column, units in sizes:
        axis, said = axes[key], getattr(facts, column)
        unit = _unit(getattr(axis, "scaled_unit", None))
        if _unit(axis.unit) in (None, "pixel", "frame") and unit in units and said is not None:
            size = axis.scale * units[unit]
            if not abs(size - said) <= SAME_SIZE * said:
                raise InputError(f"{path}: axis {axis.name} has the scale {axis.scale:g} {unit}, but the sheet says {column} {said:g}")
    moved = [f"{axis.name} {axis.offset:g}" for axis in axes.values() if getattr(axis, "offset", None)]
    return (
        [f"{path}: axes have an offset ({', '.join(moved)}), which is not added: positions count from the image's corner"] if moved else []
    )


def _geff_frames(times: list[float], unit: str | None, where: list[str], path: Path, facts: RecordingFacts) -> list[int]:
    unit = _unit(unit)
    if unit not in (None, "frame", *MINUTES):
        raise InputError(f"{path}: the unit of time is {unit!r}; frame, {', '.join(MINUTES)} can be read")
    if unit in MINUTES and facts.frame_interval_min is None:
        raise InputError(f"{path}: times are in {unit}, so frame_interval_min is needed for recording {facts.name}")
    exact = np.array(times) * (MINUTES[unit] / facts.frame_interval_min if unit in MINUTES else 1)
    frames = np.rint(exact)
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(exact - frames) <= OFF_FRAME) | (np.abs(frames) > EXACT)
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise InputError(f"{path}: {where[row]}: time {times[row]:g} {unit or 'frame'} is no whole frame ({exact[row]:g})")
    return frames.astype(int).tolist()
