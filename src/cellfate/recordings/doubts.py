"""What of a sheet of recordings may be meant and is often a slip: values far from those of the other rows, or that no microscope has."""

from collections.abc import Iterator
from math import log
from pathlib import Path
from statistics import median_high, median_low

import pandas as pd

from cellfate.recordings.discovery.metadata import INTERVALS_MIN, PIXEL_SIZES_UM, TOLERANCE
from cellfate.recordings.sheet import sheet_line

FAR = 10  # times the median of the other rows
USUAL = {"frame_interval_min": (INTERVALS_MIN, "min"), "pixel_size_um": (PIXEL_SIZES_UM, "um")}
MIX_UPS = {
    "frame_interval_min": {60: "seconds written as minutes", 1 / 60: "hours written as minutes"},
    "pixel_size_um": {1000: "nanometres written as micrometres", 1 / 1000: "millimetres written as micrometres"},
}


def sheet_doubts(sheet: pd.DataFrame, source: str | Path) -> list[str]:
    """Warnings, each with line, column and value; cells that are empty say nothing."""
    return [warning for column in USUAL for warning in _far_values(sheet, column, source)]


def mix_up(column: str, ratio: float) -> str:
    """Which units were likely mistaken where a value is ``ratio`` times what is expected, as the end of a sentence; empty for none."""
    return next((f": {words}?" for factor, words in MIX_UPS[column].items() if abs(ratio / factor - 1) <= TOLERANCE), "")


def _far_values(sheet: pd.DataFrame, column: str, source: str | Path) -> Iterator[str]:
    (low, high), unit = USUAL[column]
    values = pd.to_numeric(sheet[column], errors="coerce").astype("float64").tolist()
    known = {row: value for row, value in enumerate(values) if value > 0}
    for row, value in known.items():
        here = f"{source}: line {sheet_line(sheet, row)}: {column} is {value:g}"
        others = [other for place, other in known.items() if place != row]
        middles = (median_low(others), median_high(others)) if others else (value,)
        middle = min(middles, key=lambda one, value=value: abs(log(value / one)))  # of two rows the slip is not the middle of both
        if not low <= value <= high:
            hint = f": {next(iter(MIX_UPS[column].values()))}?" if value > high else ""
            yield f"{here}, {low:.3g} to {high:g} {unit} is usual{mix_up(column, value / middle) or hint}"
        elif not 1 / FAR <= value / middle <= FAR and (len(known) > 2 or row == max(known)):
            said = "the other row has" if len(others) == 1 else "the median of the other rows is"
            yield f"{here}, {said} {middle:g}{mix_up(column, value / middle)}"
