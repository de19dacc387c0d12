"""Files of labels: one row for each track that a person has looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.names import MARKUP
from cellfate.base.tables import read_table
from cellfate.tracks.tables import CANNOT_TELL, LABELS, NEITHER

SHOWN = 5
EVENTLESS = (NEITHER, CANNOT_TELL)


def label_files(setting: str | Sequence[str] | None) -> list[str]:
    """The files of ``tracks.labels``, which is null, a path or several."""
    return [] if setting is None else [setting] if isinstance(setting, str) else list(setting)


def read_labels(path: str | Path, words: Sequence[str] | None) -> pd.DataFrame:
    """The table LABELS of a file, with the line of each row as its index.

    ``words`` are the outcomes that may be given besides ``neither`` and ``cannot_tell``; None: any. Raises InputError with line and value.
    """
    table = read_table(path, LABELS)
    for place, row in enumerate(table.itertuples(index=False)):
        _check(row, f"{path}: line {place + 2}", words)
    return table.set_axis(pd.RangeIndex(2, len(table) + 2))


def _check(row, here: str, words: Sequence[str] | None) -> None:
    for name in ("by", "outcome"):
        if MARKUP.search(getattr(row, name)):
            raise InputError(f"{here}: {name} is {getattr(row, name)!r}; text without </ and <!-- is needed")
    allowed = None if words is None else [*words, *EVENTLESS]
    if allowed is not None and row.outcome not in allowed:
        raise InputError(f"{here}: outcome is {row.outcome!r}, one of {', '.join(allowed)} is needed (outcomes, explorer.label.outcomes)")
    if row.outcome in EVENTLESS and not pd.isna(row.event_frame):
        raise InputError(f"{here}: event_frame is {row.event_frame}, with outcome {row.outcome} it must be empty")
    if row.outcome not in EVENTLESS and pd.isna(row.event_frame):
        raise InputError(f"{here}: event_frame is empty, the first frame that shows the event ({row.outcome}) is needed")


def label_rows(paths: Sequence[str | Path], recordings: Mapping[str, bool], words: Sequence[str]) -> dict[str, list[dict]]:
    """{recording: its rows of all files, each with its ``file``}; empty without files.

    ``recordings`` are {recording of the sheet: whether it has tracks}, ``words`` as in :func:`read_labels`. Rows have no line: it would
    make stale what another recording's rows have not changed. Raises InputError with file, line and value.
    """
    found: dict[str, list[dict]] = {}
    before: dict[tuple, str] = {}
    for path in paths:
        for line, row in read_labels(path, words).to_dict("index").items():
            plain = {name: None if pd.isna(value) else value for name, value in row.items()}
            here = f"{path}: line {line}"
            _check_recording(plain["recording"], here, recordings)
            key = plain["by"], plain["recording"], int(plain["track_id"])
            if key in before:
                raise InputError(f"{here}: {key[0]} has labelled track {key[2]} of {key[1]} in {before[key]} too: one of the two is needed")
            before[key] = str(path)
            numbers = {name: None if plain[name] is None else int(plain[name]) for name in ("track_id", "event_frame")}
            found.setdefault(plain["recording"], []).append({"file": str(path)} | plain | numbers)
    return found


def _check_recording(name: str, here: str, recordings: Mapping[str, bool]) -> None:
    if name not in recordings:
        raise InputError(f"{here}: recording is {name!r}; the recordings of the sheet are {', '.join(list(recordings)[:SHOWN])}")
    if not recordings[name]:
        raise InputError(f"{here}: recording {name} has no given tracks, and those that are made here cannot be labelled")
