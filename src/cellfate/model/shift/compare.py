"""How far the values of a recording lie from those of other recordings, and what is said of it."""

import numpy as np
import pandas as pd

from cellfate.crops.appearance import QUANTITIES
from cellfate.model.tables import POSITIONS, SHIFT

FEWEST = 3  # recordings with a range that can be judged by
FEW = 8  # recordings from which on their range and spread are taken for known
TOLERANCE = np.log(1.05)  # clocks and rounded sheets differ by less; no range is taken to be narrower
SETTINGS = ("frame_interval_min", "pixel_size_um")  # chosen, not measured: one recording is enough to know them
COUNTS = tuple(name for name in QUANTITIES if name != "radius")
MAD_TO_SD = 1.4826  # of a normal distribution
LABELS = {
    "frame_interval_min": "frame interval (min)",
    "pixel_size_um": "pixel size (um)",
    "n_frames": "number of frames",
    "track_length": "median length of tracks (frames)",
    "cells_per_frame": "tracked cells per frame",
    "background": "background",
    "radius": "radius of the bright part (px)",
}
SHOWN = 3  # quantities named in a line


def compare(values: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """The shift table of one recording: its ``values`` (channel, quantity, value) against those ``seen`` (recording besides).

    All is compared as logarithms, since gains and sizes are factors; counts as log(1 + counts), mirrored below 0. ``low`` to ``high`` is
    the range of the other recordings. A value is ``inside`` it, at the ``edge`` where it is no further off than the range is wide
    (or 5 %, where that is more), else ``outside``; ``unknown`` where fewer than FEWEST others, or the recording, have a value. Frame
    interval and pixel size are outside from 5 % on, and one other recording is enough. ``z`` is the distance from the
    median in robust standard deviations of the others, from FEW of them on.
    """
    groups = dict(list(seen.assign(channel=seen["channel"].fillna("")).groupby(["channel", "quantity"])["value"]))
    rows = []
    for row in values.itertuples():
        others = groups.get(("" if row.channel is None else row.channel, row.quantity), pd.Series(dtype=float)).dropna().to_numpy(float)
        rows.append({"channel": row.channel, "quantity": row.quantity, "value": row.value, **_placed(row.quantity, row.value, others)})
    columns = [name for name in SHIFT.columns if name != "recording"]
    return pd.DataFrame(rows, columns=columns).astype({"channel": object})


def _placed(quantity: str, value: float, others: np.ndarray) -> dict:
    nothing = {
        "n_recordings": len(others),
        "low": np.nan,
        "median": np.nan,
        "high": np.nan,
        "z": np.nan,
        "position": "unknown",
        "off": np.nan,
    }
    if not len(others):
        return nothing
    found = nothing | {"low": others.min(), "median": float(np.median(others)), "high": others.max()}
    if pd.isna(value) or len(others) < (1 if quantity in SETTINGS else FEWEST):
        return found
    place, known = _comparable(quantity, np.array([value]))[0], _comparable(quantity, others)
    width = TOLERANCE if quantity in SETTINGS else max(np.ptp(known), TOLERANCE)
    beyond = max(known.min() - place, place - known.max(), 0.0)
    position = "inside" if beyond < 1e-9 else "edge" if beyond <= width else "outside"
    return found | {"z": _z(place, known), "position": position, "off": beyond / width}


def _comparable(quantity: str, values: np.ndarray) -> np.ndarray:
    if quantity in COUNTS:
        return np.sign(values) * np.log1p(np.abs(values))
    return np.log(np.maximum(values, 1e-9))


def _z(place: float, known: np.ndarray) -> float:
    spread = MAD_TO_SD * float(np.median(np.abs(known - np.median(known))))
    return (place - float(np.median(known))) / spread if len(known) >= FEW and spread > 0 else np.nan


def shift_lines(table: pd.DataFrame, recording: str, n_recordings: int) -> list[str]:
    """What is said of a recording's shift table: what is outside, how many values are where, or why nothing is known.

    What is outside is a WARNING where FEW recordings or more were seen, and for frame interval and pixel size always: by chance alone
    most recordings have some value outside the range of three or four others (docs/evaluation.md).
    """
    of = f"the {n_recordings} recording{'s' * (n_recordings != 1)} that the model was trained with"
    outside, lines = table[table["position"] == "outside"], []
    sure = outside if n_recordings >= FEW else outside[outside["quantity"].isin(SETTINGS)]
    if len(sure):
        lines.append(f"WARNING: recording {recording} is unlike {of}: {named(sure)}; its predictions may be wrong")
    if n_recordings < FEWEST:
        return [*lines, f"recording {recording}: whether it is unlike {of} cannot be told, at least {FEWEST} are needed"]
    counts = count_positions(table)
    placed = f"{counts['inside']} inside, {counts['edge']} at the edge of, {counts['outside']} outside the range of {of}"
    rest = outside.drop(sure.index)
    rough = f"; of so few the range is rough{': outside are ' + named(rest) if len(rest) else ''}" if n_recordings < FEW else ""
    return [*lines, f"recording {recording}: of {len(table) - counts['unknown']} values {placed}{rough}"]


def named(outside: pd.DataFrame) -> str:
    """The quantities that are furthest outside, one of each kind in a channel, in words."""
    kinds = outside["channel"].fillna("") + outside["quantity"].str.replace(r"_q\d+$", "", regex=True)
    rows = outside.assign(kind=kinds).sort_values("off", ascending=False, kind="stable").drop_duplicates("kind")
    words = [
        f"{label(row.channel, row.quantity)} {row.value:.4g} (seen: {_range(row.low, row.high)})" for row in rows.iloc[:SHOWN].itertuples()
    ]
    more = [f"{len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return ", ".join([*words, *more])


def _range(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def label(channel: str | None, quantity: str) -> str:
    """A quantity in words."""
    kind, _, percent = quantity.partition("_q")
    words = {"raw": "counts", "above": "counts above the background"}
    name = f"{words[kind]}, {int(percent)} % of pixels below:" if kind in words and percent else LABELS[quantity]
    return name if channel is None or pd.isna(channel) else f"{channel} {name}"


def count_positions(table: pd.DataFrame) -> dict[str, int]:
    """How many values of a shift table are in each position."""
    return {name: int((table["position"] == name).sum()) for name in POSITIONS}
