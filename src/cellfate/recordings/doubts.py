"""What of a sheet of recordings may be meant and is often a slip: values far from those of the other rows or that no microscope has, and
one treatment, dose or group that is written in two ways.

Every cluster job parses this module again: it imports nothing heavier than pandas.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from statistics import median_high, median_low

import pandas as pd

from cellfate.recordings.sheet import NO_TREATMENT, sheet_line
from cellfate.recordings.tables import INTERVALS_MIN, PIXEL_SIZES_UM, TOLERANCE

FAR = 10  # times the median of the other rows
USUAL = {"frame_interval_min": (INTERVALS_MIN, "min"), "pixel_size_um": (PIXEL_SIZES_UM, "um")}
MIX_UPS = {
    "frame_interval_min": {60: "seconds written as minutes", 1 / 60: "hours written as minutes"},
    "pixel_size_um": {1000: "nanometres written as micrometres", 1 / 1000: "millimetres written as micrometres"},
}

SPELLED = {  # what happens to one that is written in two ways
    "recording": "some disks take them for one name",
    "treatment": "one treatment? Here they are two",
    "dose": "one dose? Here they are two",
    "group": "one group? As two, it can be in training and test",
}
_PARTS = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+\b)?)|(?P<word>[^\W\d_]+)|(?<=\w)[\s_-]+(?=\w)|\s+|(?P<sign>.)", re.IGNORECASE
)


def sheet_doubts(sheet: pd.DataFrame, source: str | Path) -> list[str]:
    """Warnings, each with line, column and value; cells that are empty say nothing."""
    far = [warning for column in USUAL for warning in _far_values(sheet, column, source)]
    mixed = [] if any("frame_interval_min" in warning for warning in far) else _mixed_intervals(sheet, source)
    return [*far, *mixed] + [warning for column in SPELLED for warning in _spellings(sheet, column, source)]


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


def _mixed_intervals(sheet: pd.DataFrame, source: str | Path) -> Iterator[str]:
    """A line where recordings have different intervals, more than the tolerance apart."""
    counts = pd.to_numeric(sheet["frame_interval_min"], errors="coerce").value_counts().sort_index()
    counts = counts[counts.index > 0]
    if len(counts) > 1 and counts.index.max() > (1 + TOLERANCE) * counts.index.min():
        shown = [f"{value:g} min ({n} recording{'s' * (n > 1)})" for value, n in counts.items()]
        yield (
            f"{source}: frame_interval_min: {', '.join(shown[:-1])} and {shown[-1]}: the network counts frames, which are not the "
            "same time in all of these; analyse recordings of one interval, or leave frames out"
        )


def _spellings(sheet: pd.DataFrame, column: str, source: str | Path) -> Iterator[str]:
    """Words of a column of which one is likely another one, written otherwise, with the number of their recordings."""
    counts = sheet[column].dropna().astype(str).value_counts(sort=False).to_dict()
    alike: dict[object, list[str]] = {}
    for word in counts:
        alike.setdefault(word.casefold() if column == "recording" else tuple(_parts(word, numbers=True)), []).append(word)
    for words in alike.values():
        if len(words) > 1:
            shown = [f"{_shown(word, column)} ({counts[word]} recording{'s' * (counts[word] > 1)})" for word in words]
            yield f"{source}: {column}: {', '.join(shown[:-1])} and {shown[-1]} differ in {_difference(words)} alone: {SPELLED[column]}"


def _shown(word: str, column: str) -> str:
    return f"{word} or empty" if column == "treatment" and word == NO_TREATMENT else repr(word)


def _difference(words: Sequence[str]) -> str:
    if len({word.lower() for word in words}) == 1:
        return "capital letters"
    if len({tuple(_parts(word, numbers=False)) for word in words}) == 1:
        return "spaces, signs or capital letters"
    return "how numbers are written"


def _parts(word: str, *, numbers: bool) -> Iterator[object]:
    """Words, signs and numbers of a text, without capitals and what joins them; ``10 uM`` and ``10uM``, ``P1_2`` and ``p1-2`` are alike.

    With ``numbers`` their values count: ``1``, ``01`` and ``1.0`` are alike.
    """
    text = unicodedata.normalize("NFKC", word).casefold().strip()
    for part in _PARTS.finditer(text):
        if part["number"]:
            yield float(part["number"]) if numbers else part["number"]
        elif part["word"] or part["sign"]:
            yield part["word"] or part["sign"]
