"""Tracks of TrackMate (Tinevez et al. 2017, https://doi.org/10.1016/j.ymeth.2016.09.016): its XML file, or its table of spots."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.links import tracks_of_links
from cellfate.tracks.numbers.whole import EXACT, whole_number
from cellfate.tracks.raw import RawTracks, RecordingFacts, edges_beside, lines, numbers, read_text, refuse_depth
from cellfate.tracks.readers.events import first_words, lacking
from cellfate.tracks.readers.parents import is_lineage_name, unused_lineage

PIXEL_UNITS = ("", "pixel", "pixels", "px")
MICRON_UNITS = ("micron", "microns", "um", "µm", "μm", "micrometer", "micrometre")
HEADER_ROWS = 3  # below the table's header: names for people, short names, units
TOLERANCE = 0.01  # by which the pixel size in the file may differ from the sheet's
NAMES = ("name", "LABEL")  # of a spot: in the XML file, and in the table
_DEFAULT_NAME = re.compile("ID ?[0-9]+")
_SPOT_COLUMNS = {"needed": ("ID", "TRACK_ID", "POSITION_X", "POSITION_Y", "FRAME"), "optional": ("LABEL", "POSITION_Z")}
_EDGE_COLUMNS = {"needed": ("SPOT_SOURCE_ID", "SPOT_TARGET_ID"), "optional": ("TRACK_ID",)}


def read_trackmate(path: Path, facts: RecordingFacts) -> RawTracks:
    """Read a TrackMate file (``.xml``) or its exported table of spots (``.csv``).

    Positions in micrometres become pixels by the sheet's ``pixel_size_um``. Only spots of the tracks that TrackMate's filters
    kept count. TrackMate numbers whole lineages; here a track ends where a cell divides, and has the ID of its first spot. The
    table of spots has no links: a lineage with divisions needs the table of edges beside it (:func:`cellfate.tracks.raw.edges_beside`).
    Events are the names that somebody gave to spots and any of their features, where ``facts.event_columns`` names them.
    """
    return _read_xml(path, facts) if path.suffix.lower() == ".xml" else _read_spots(path, facts)


def _with_events(
    rows: pd.DataFrame, ids: Sequence[int], features: Mapping[str, Sequence[str]], there: Iterable[str], facts: RecordingFacts, path: Path
) -> RawTracks:
    """The tracks with what ``features``, a value for each of the spots ``ids``, say; ``there`` are all features of the file."""
    found = {}
    for wanted in facts.event_columns:
        feature = next((name for name in (wanted, *(NAMES if wanted in NAMES else ())) if name in features), None)
        if feature in NAMES:
            found[wanted] = [_given_name(name, number) for name, number in zip(features[feature], ids, strict=True)]
        elif feature is not None:
            found[wanted] = features[feature]
    warnings = lacking(facts.event_columns, found, there, path)
    return RawTracks(rows, warnings=tuple(warnings), events_said=first_words(rows, found))


def _given_name(name: str, number: int) -> str:
    """A spot's name where a person gave it one; empty for TrackMate's own, such as ID1234, and for its mere number."""
    return "" if _DEFAULT_NAME.fullmatch(name.strip()) or name.strip() == str(number) else name


def _pixel_size(unit: str, facts: RecordingFacts, path: Path) -> float:
    """What to divide positions by, so that they are pixels."""
    name = unit.strip("() ").lower()
    if name in PIXEL_UNITS:
        return 1.0
    if name not in MICRON_UNITS:
        raise InputError(f"{path}: positions are in {unit!r}, pixels or micrometres can be read")
    if facts.pixel_size_um is None:
        raise InputError(f"{path}: positions are in {unit}, so the sheet must give pixel_size_um for recording {facts.name}")
    return facts.pixel_size_um


def _read_xml(path: Path, facts: RecordingFacts) -> RawTracks:
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # an encoding that is none is one of the last two
        raise InputError(f"{path}: not readable as XML: {error}") from error
    model = root.find("Model")
    if root.tag != "TrackMate" or model is None:
        simple = ": the export of tracks alone; save the TrackMate file itself (its button Save)" if root.tag == "Tracks" else ""
        raise InputError(f"{path}: not a TrackMate file: <TrackMate> with a <Model> is needed, <{root.tag}> found{simple}")
    size = _checked_size(model.get("spatialunits", ""), root.find("Settings/ImageData"), facts, path)
    kept = {track.get("TRACK_ID") for track in model.iterfind("FilteredTracks/TrackID")}
    links, of_spot = [], {}
    for track in model.iterfind("AllTracks/Track"):
        if track.get("TRACK_ID") in kept:
            own = [(_whole(edge, "SPOT_SOURCE_ID", path), _whole(edge, "SPOT_TARGET_ID", path)) for edge in track.iterfind("Edge")]
            of_spot |= {spot: track.get("TRACK_ID") for link in own for spot in link}
            links += own
    if not links:
        there = len(model.findall("AllTracks/Track"))
        raise InputError(f"{path}: recording {facts.name} is empty: no tracks ({there} in the file, its filters keep {len(kept)})")
    linked = {spot for link in links for spot in link}
    found = [(spot, number) for spot in model.iterfind("AllSpots/*/Spot") if (number := _number_or_none(spot)) in linked]
    table = pd.DataFrame(
        {
            "spot": pd.Series([number for _, number in found], dtype="int64"),
            "frame": pd.Series([_decimal(spot, "FRAME", path) for spot, _ in found], dtype="float64"),
            "y": pd.Series([_decimal(spot, "POSITION_Y", path) for spot, _ in found], dtype="float64"),
            "x": pd.Series([_decimal(spot, "POSITION_X", path) for spot, _ in found], dtype="float64"),
            "where": [f"spot {number}" for _, number in found],
        }
    )
    depth = [_decimal(spot, "POSITION_Z", path) if spot.get("POSITION_Z") is not None else np.nan for spot, _ in found]
    refuse_depth(pd.Series(depth, dtype="float64"), path, table["where"].tolist())
    rows = _rows(table, links, size, path)
    there = dict.fromkeys(key for spot, _ in found for key in spot.attrib) if facts.event_columns else {}
    wanted = {*facts.event_columns, *NAMES} & there.keys()
    features = {key: [spot.get(key, "") for spot, _ in found] for key in wanted}
    raw = _with_events(rows, [number for _, number in found], features, there, facts, path)
    return replace(raw, file_numbers=_file_numbers(rows, table["spot"], of_spot))


def _checked_size(unit: str, image: ElementTree.Element | None, facts: RecordingFacts, path: Path) -> float:
    """What to divide positions by; TrackMate multiplies pixels by ``pixelwidth`` whatever the unit's name is, so that must be the same."""
    size = _pixel_size(unit, facts, path)
    own = [value for key in ("pixelwidth", "pixelheight") if (value := _image_value(image, key, path)) is not None]
    if size == 1.0 and unit.strip("() ").lower() in PIXEL_UNITS:
        scaled = [value for value in own if abs(value - 1) > TOLERANCE]
        if not scaled:
            return size
        if facts.pixel_size_um is None or any(abs(value / facts.pixel_size_um - 1) > TOLERANCE for value in own):
            sheet = "gives none" if facts.pixel_size_um is None else f"says {facts.pixel_size_um:g}"
            raise InputError(
                f"{path}: positions are said to be in {unit or 'no unit'}, but are scaled by pixelwidth {scaled[0]:g}; for recording "
                f"{facts.name} the sheet's pixel_size_um {sheet}. Where that is the pixel size, write it into the sheet"
            )
        return facts.pixel_size_um
    for value, key in zip(own, ("pixelwidth", "pixelheight"), strict=False):
        if abs(value / size - 1) > TOLERANCE:
            raise InputError(f"{path}: {key} is {value:g}, but the sheet says pixel_size_um {size:g} for recording {facts.name}")
    return size


def _image_value(image: ElementTree.Element | None, key: str, path: Path) -> float | None:
    """A size in the file, None where it has none; an InputError where it is no number above 0, such as one with a decimal comma."""
    text = None if image is None else image.get(key)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and value > 0):
        comma = ": a decimal comma? A point is needed" if "," in text else ""
        raise InputError(f"{path}: ImageData: {key} is {text!r}, a number above 0 is needed{comma}")
    return value


def _whole(element: ElementTree.Element, key: str, path: Path) -> int:
    try:
        return whole_number(element.get(key, ""))
    except ValueError as error:
        raise InputError(f"{path}: {element.tag} {_name(element)}: {key} is {element.get(key)!r}, {error}") from None


def _number_or_none(spot: ElementTree.Element) -> int | None:
    """A spot's ID; None where it is none that an edge could name."""
    try:
        return whole_number(spot.get("ID", ""))
    except ValueError:
        return None


def _decimal(element: ElementTree.Element, key: str, path: Path) -> float:
    try:
        return float(element.get(key, ""))
    except ValueError:
        raise InputError(f"{path}: {element.tag} {_name(element)}: {key} is {element.get(key)!r}, a number is needed") from None


def _name(element: ElementTree.Element) -> str:
    return element.get("ID") or element.get("SPOT_SOURCE_ID") or "without a number"


def _read_spots(path: Path, facts: RecordingFacts) -> RawTracks:
    keep = is_lineage_name if not facts.event_columns else lambda _: True
    text = read_text(path, facts.name, **_SPOT_COLUMNS, strict=False, keep=keep)
    if not len(text) or _is_number(text["FRAME"].iloc[0]):
        raise InputError(f"{path}: line 2: the rows with names and units below the header are missing, so the unit of positions is unknown")
    size = _pixel_size(text["POSITION_X"].get(HEADER_ROWS - 1, ""), facts, path)
    text = text[text.index >= HEADER_ROWS]
    text = text[~text["TRACK_ID"].isin(["", "None"])]
    refuse_depth(numbers(text["POSITION_Z"], path, empty=True), path, lines(text))
    columns = {"spot": "ID", "frame": "FRAME", "track": "TRACK_ID"}
    table = pd.DataFrame({name: numbers(text[key], path, whole=True) for name, key in columns.items()})
    table = table.assign(y=numbers(text["POSITION_Y"], path), x=numbers(text["POSITION_X"], path), where=lines(text))
    links = _links(table, path, facts)
    raw = _with_events(_rows(table, links, size, path), table["spot"].tolist(), text, text, facts, path)
    unused = unused_lineage(text.columns, facts.event_columns, "the links between spots", path)
    numbers_here = _file_numbers(raw.rows, table["spot"], dict(zip(table["spot"], table["track"], strict=True)))
    return replace(raw, warnings=(*raw.warnings, *unused), file_numbers=numbers_here)


def _file_numbers(rows: pd.DataFrame, spots: Iterable[int], of_spot: Mapping[int, object]) -> dict[int, list[int]]:
    """{TRACK_ID: the tracks here that it became}; ``rows`` and ``spots`` are in one order. Numbers that are none are left out."""
    found: dict[int, dict[int, None]] = {}
    for track, spot in zip(rows["track_id"].tolist(), spots, strict=True):
        if str(of_spot.get(spot)).isdecimal():
            found.setdefault(int(of_spot[spot]), {})[track] = None
    return {number: list(tracks) for number, tracks in found.items()}


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _links(table: pd.DataFrame, path: Path, facts: RecordingFacts) -> list[tuple[int, int]]:
    """Links between spots: those of the table of edges, or, where no track divides, each spot to the next of its track."""
    edges = edges_beside(path)
    if edges.exists():
        text = read_text(edges, facts.name, **_EDGE_COLUMNS, strict=False)
        text = text[text.index >= HEADER_ROWS]
        ends = [numbers(text[key], edges, whole=True).tolist() for key in _EDGE_COLUMNS["needed"]]
        known = set(table["spot"])
        return [link for link in zip(*ends, strict=True) if known.issuperset(link)]
    twice = table.duplicated(["track", "frame"])
    if twice.any():
        row = table[twice].iloc[0]
        raise InputError(
            f"{path}: {row['where']}: track {row['track']} has a second spot in frame {row['frame']}, so it divides, and spots "
            f"alone do not say how; put TrackMate's table of edges beside it ({edges.name}), or give its XML file"
        )
    ordered = table.sort_values(["track", "frame"])
    same = ordered["track"].to_numpy()[1:] == ordered["track"].to_numpy()[:-1]
    spots = ordered["spot"].to_numpy()
    return list(zip(spots[:-1][same].tolist(), spots[1:][same].tolist(), strict=True))


def _rows(table: pd.DataFrame, links: list, size: float, path: Path) -> pd.DataFrame:
    """The rows of RawTracks from spots (spot, frame, y, x, where) and links between them."""
    odd = ~(table["frame"].abs() <= EXACT) | (table["frame"] % 1 != 0)
    if odd.any():
        row = table[odd].iloc[0]
        raise InputError(f"{path}: {row['where']}: FRAME is {row['frame']:g}, a whole number from 0 is needed")
    if table["spot"].duplicated().any():
        row = table[table["spot"].duplicated()].iloc[0]
        raise InputError(f"{path}: {row['where']}: ID {row['spot']} stands there for the second time")
    frames: Mapping[int, int] = dict(zip(table["spot"].tolist(), table["frame"].astype("int64").tolist(), strict=True))
    try:
        tracks, parents = tracks_of_links(frames, links)
    except InputError as error:
        raise InputError(f"{path}: {error} (numbers of spots)") from None
    ids = [tracks[spot] for spot in frames]
    return pd.DataFrame(
        {
            "track_id": ids,
            "parent_id": pd.array([parents[track] for track in ids], dtype="Int64"),
            "frame": list(frames.values()),
            "y": table["y"].to_numpy(float) / size,
            "x": table["x"].to_numpy(float) / size,
            "where": table["where"].to_numpy(),
        }
    )
