"""The recordings sheet: read and checked, and written for the published data set from its annotations.

Every cluster job parses this module again: it imports nothing heavier than pandas.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.annotations import split_by_video
from cellfate.disk import free_space, human_size
from cellfate.errors import InputError
from cellfate.names import CHANNEL_NAME, RECORDING_NAME
from cellfate.tables import TABLES, check_table, write_table
from cellfate.track_formats import format_named

NO_TREATMENT = "none"
UNKNOWN_TREATMENT = "unknown"
PUBLISHED_FRAME_BYTES = 1024 * 1024 * 3 * 2  # 1024 x 1024 pixels, three colours, 16 bit


def read_sheet(path: str | Path) -> pd.DataFrame:
    """Read the recordings sheet (TSV, or CSV by its ending), one row per recording in the file's order.

    A row that begins with ``#`` is left out, as if it were not there.
    Columns that may be empty may also be missing. An empty treatment becomes ``none``. Raises InputError with file, line and
    value for missing, unknown or mistyped columns, an empty sheet, names that are not unique or do not fit a file name,
    channels that are not the same in every row, and tracks without tracks_format or the other way round.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file (recordings sheet)")
    columns = TABLES["recordings"].columns
    commented = commented_rows(path)
    try:
        sheet = pd.read_csv(
            path,
            sep="," if path.suffix == ".csv" else "\t",
            dtype={name: "string" for name, column in columns.items() if column.kind == "str"},
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            skiprows=commented,
            encoding="utf-8-sig",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as a table: {error}") from error
    if len(sheet.columns) == 1 and len(re.split(r"[,;\s]+", sheet.columns[0])) > 3:
        raise InputError(
            f"{path}: line 1 has one column, {sheet.columns[0]!r}; tabs are needed between the columns (commas in a .csv file)"
        )
    if sheet.empty:
        raise InputError(f"{path}: no recordings in the sheet; one row per recording is needed")
    if sheet.columns.isin(list(columns)).all():  # otherwise a mistyped name would pass as one left out
        for name in [name for name, column in columns.items() if column.nullable and name not in sheet]:
            sheet[name] = None
    try:
        return validate_sheet(sheet, path)
    except InputError as error:
        kept = [number for number in range(1, len(sheet) + len(commented) + 2) if number - 1 not in commented]
        raise InputError(re.sub(r"\bline (\d+)", lambda line: f"line {kept[int(line[1]) - 1]}", str(error))) from error


def commented_rows(path: Path) -> list[int]:
    """The lines of a sheet, counted from 0, that begin with ``#``."""
    return [number for number, line in enumerate(path.read_bytes().splitlines()) if line.startswith(b"#")]


def validate_sheet(sheet: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """Check a recordings sheet whose row 0 stands in line 2 of ``source``; see :func:`read_sheet`."""
    for name in sheet.columns.intersection(list(TABLES["recordings"].columns)):
        if pd.api.types.is_string_dtype(sheet[name]):
            stripped = sheet[name].str.strip()
            sheet = sheet.assign(**{name: stripped.where(stripped != "", None)})
    sheet = check_table(sheet, "recordings", source)
    sheet["treatment"] = sheet["treatment"].fillna(NO_TREATMENT)
    for number, row in enumerate(sheet.itertuples(index=False), start=2):
        _check_row(row, f"{source}: line {number}")
    twice = sheet["images"].duplicated()
    if twice.any():
        second = int(twice.to_numpy().argmax())
        first = int((sheet["images"] == sheet["images"].iloc[second]).to_numpy().argmax())
        raise InputError(
            f"{source}: line {second + 2}: images is {sheet['images'].iloc[second]!r}, as in line {first + 2}; "
            "the same cells would be in two recordings"
        )
    sheet["channels"] = sheet["channels"].map(lambda text: ",".join(split_channels(text)))
    sheet["channel_labels"] = sheet["channel_labels"].map(lambda text: text and ",".join(split_channels(text)))
    for number, channels in enumerate(sheet["channels"], start=2):
        if channels != sheet["channels"].iloc[0]:
            raise InputError(
                f"{source}: line {number}: channels is {channels!r}, line 2 has {sheet['channels'].iloc[0]!r}; "
                "all recordings of a data set need the same channels in the same order"
            )
    return sheet


def _check_row(row, here: str) -> None:
    if not RECORDING_NAME.fullmatch(row.recording):
        raise InputError(f"{here}: recording is {row.recording!r}, letters, digits, '_', '.' and '-' are allowed, the first no '.' or '-'")
    if (row.tracks is None) != (row.tracks_format is None):
        raise InputError(f"{here}: tracks is {row.tracks!r} and tracks_format is {row.tracks_format!r}; give both or neither")
    if row.tracks_format is not None:
        format_named(row.tracks_format, here)
    channels = split_channels(row.channels)
    bad = [name for name in channels if not CHANNEL_NAME.fullmatch(name)]
    if bad:
        raise InputError(f"{here}: channels is {row.channels!r}: {bad[0]!r} is not a name of letters, digits, '_' and '-'")
    if len(set(channels)) < len(channels):
        raise InputError(f"{here}: channels is {row.channels!r}; each name may stand there once")
    if row.channel_labels is not None and len(split_channels(row.channel_labels)) != len(channels):
        raise InputError(f"{here}: channel_labels is {row.channel_labels!r}, one is needed for each of the channels {row.channels!r}")
    _check_pattern(row.images, here)


def _check_pattern(images: str, here: str) -> None:
    """An InputError unless everything in braces is {channel} or {time}, each at most once."""
    placeholders = re.findall(r"\{.*?\}", images)
    if set("{}") & set(re.sub(r"\{(channel|time)\}", "", images)) or len(set(placeholders)) < len(placeholders):
        raise InputError(f"{here}: images is {images!r}; in braces only {{channel}} and {{time}} may stand, each once")


def images_folder(images: str) -> str:
    """What must exist for the ``images`` cell of a sheet: the folder or file itself, or the folder in which a pattern begins."""
    return images if "{" not in images else str(Path(images.split("{")[0] + "x").parent)


def split_channels(text: str) -> list[str]:
    """The channel names of a sheet's cell: ``'a, b'`` gives ``['a', 'b']``."""
    return [name.strip() for name in text.split(",")]


def write_published_sheet(
    annotations: str | Path,
    sheet: str | Path,
    folder: str | Path,
    *,
    channels: Sequence[str],
    doses: Sequence[Mapping],
    treatment_start_h: float | None,
    frame_interval_min: float,
    pixel_size_um: float | None = None,
    frame_bytes: int = PUBLISHED_FRAME_BYTES,
) -> pd.DataFrame:
    """Write one annotation file per recording into ``folder`` and the sheet of all recordings; returns the sheet.

    The images of a recording are expected at ``images/<recording>`` beside the sheet. ``doses`` lists {first, last, treatment,
    dose} by recording number, both ends inclusive; recordings outside all ranges get the treatment ``unknown``. Treated
    recordings get ``treatment_start_h``. What all frames need on disk, ``frame_bytes`` each, is printed beside the free space.
    """
    counts = split_by_video(annotations, folder)
    images = Path(sheet).parent / "images"
    print(size_report(len(counts), sum(counts.values()), frame_bytes, free_space(images)), file=sys.stderr, flush=True)
    rows = []
    for recording in counts:
        treatment, dose = dose_of(recording, doses)
        rows.append(
            {
                "recording": recording,
                "images": str(images / recording),
                "tracks": str(Path(folder) / f"{recording}.json"),
                "tracks_format": "coco-video",
                "treatment": treatment,
                "dose": dose,
                "treatment_start_h": None if treatment in (NO_TREATMENT, UNKNOWN_TREATMENT) else treatment_start_h,
                "frame_interval_min": frame_interval_min,
                "pixel_size_um": pixel_size_um,
                "channels": ",".join(channels),
                "group": None,
                "channel_labels": None,
            }
        )
    table = validate_sheet(pd.DataFrame(rows), sheet)
    write_table(table, sheet, "recordings")
    return table


def size_report(n_recordings: int, n_frames: int, frame_bytes: int, free: int) -> str:
    """One or two lines: what the images of all recordings need on disk, and what to do when that is more than is ``free``."""
    total = n_frames * frame_bytes
    text = (
        f"{n_recordings} recordings, {n_frames} frames: the images are about {human_size(total)} uncompressed, {human_size(free)} are free"
    )
    if total > free:
        text += "\nNOT ENOUGH SPACE for all: make resources/ a link to a larger disk, or delete rows of the sheet before the next run"
    return text


def dose_of(recording: str, doses: Sequence[Mapping]) -> tuple[str, str | None]:
    """(treatment, dose) of a recording by its number; (``unknown``, None) outside all ranges."""
    if not recording.isdigit():
        raise InputError(f"recording {recording!r} of the annotations is not a number, so source.doses cannot give its dose")
    found = [entry for entry in doses if entry["first"] <= int(recording) <= entry["last"]]
    if len(found) > 1:
        raise InputError(f"source.doses: recording {recording} is in {len(found)} ranges: {', '.join(str(dict(entry)) for entry in found)}")
    return (found[0]["treatment"], found[0]["dose"]) if found else (UNKNOWN_TREATMENT, None)
