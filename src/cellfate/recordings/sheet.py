"""The recordings sheet: read and checked.

Every cluster job parses this module again: it imports nothing heavier than pandas.
"""

import csv
import io
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError, no_file, raise_first
from cellfate.base.names import CHANNEL_NAME, MARKUP, RECORDING_NAME
from cellfate.base.tables import Table, table_problems
from cellfate.frames.reader import MAX_PIXELS
from cellfate.recordings.places import images_twice, tracks_twice
from cellfate.recordings.tables import RECORDINGS
from cellfate.tracks.formats import format_problems

NO_TREATMENT = "none"
NAME_WANTED = "letters, digits, '_', '.' and '-' are allowed, the first no '.' or '-'"


def read_sheet(path: str | Path) -> pd.DataFrame:
    """Read the recordings sheet (TSV, or CSV by its ending), one row per recording in the file's order.

    A row that begins with ``#``, a row without a value, and a column without a name and a value are left out.
    Columns that may be empty may also be missing. An empty treatment becomes ``none``. Raises InputError with file, line and
    value for missing, unknown or mistyped columns, an empty sheet, names that are not unique or do not fit a file name, images or tracks
    that stand in two rows, channels that are not the same in every row, and tracks without tracks_format or the other way round.
    """
    return raise_first(sheet_problems(path))


def sheet_problems(path: str | Path) -> Generator[str, None, pd.DataFrame | None]:
    """Yield every problem of the recordings sheet; return the sheet, or None where it cannot be read or a column is missing.

    The returned sheet is that of :func:`read_sheet` when there was no problem; else cells that are wrong stay or are empty.
    """
    return (yield from problems_by_line(path, RECORDINGS, checked_rows, "recording"))


CheckOfRows = Callable[[pd.DataFrame, Path], Generator[str, None, pd.DataFrame | None]]


def problems_by_line(path: str | Path, declared: Table, check: CheckOfRows, one_row: str) -> Generator[str, None, pd.DataFrame | None]:
    """Read a sheet of the declared columns and yield what ``check`` finds in it, with the lines of the file.

    ``check`` is given the sheet, as if row 0 stood in line 2, and the path; ``one_row`` says what a row stands for.
    """
    path = Path(path)
    try:
        sheet, lines = _text_of_sheet(path, declared, one_row)
    except InputError as error:
        yield str(error)
        return None
    numbers = [1, *lines]
    problems = check(sheet, path)
    while True:
        try:
            problem = next(problems)
        except StopIteration as end:
            checked = end.value
            break
        yield re.sub(r"\bline (\d+)", lambda line: f"line {numbers[int(line[1]) - 1]}", problem)
    if checked is not None:
        checked.attrs["lines"] = lines
    return checked


def sheet_line(sheet: pd.DataFrame, row: int) -> int:
    """The line of the file that row ``row`` (from 0) of a sheet stands in, with the lines counted that begin with ``#``."""
    return sheet.attrs.get("lines", range(2, len(sheet) + 2))[row]


def _text_of_sheet(path: Path, declared: Table, one_row: str) -> tuple[pd.DataFrame, list[int]]:
    """The cells of a sheet, as numbers where all of a column are, and the line of the file that each row stands in."""
    if not path.is_file():
        raise InputError(no_file(path, f"a {one_row}s sheet (.tsv, .csv)"))
    columns = declared.columns
    header, rows = _cells(path, one_row)
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows.values()])
    sheet = pd.read_csv(
        io.StringIO(text.getvalue()),
        dtype={name: "string" for name, column in columns.items() if column.kind == "str"},
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
    )
    for name in [name for name, column in columns.items() if column.nullable and name not in sheet]:
        sheet[name] = None  # a mistyped name is an unknown column
    return sheet, list(rows)


def _cells(path: Path, one_row: str) -> tuple[list[str], dict[int, list[str]]]:
    """The names of the columns, and the cells of each row by its line, of a text table.

    Rows that begin with ``#``, rows without a value, and columns without a name and a value are left out.
    """
    lines, before = {}, 0
    try:
        text = io.StringIO(path.read_text(encoding="utf-8-sig"))
        reader = csv.reader(text, delimiter="," if path.suffix.lower() == ".csv" else "\t")
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
                lines[before + 1] = cells
            before = reader.line_num
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as a table: {error}; save it as text in UTF-8, separated by tabs") from error
    except csv.Error as error:
        raise InputError(f"{path}: not readable as a table: line {before + 1}: {error}") from error
    if not lines:
        raise InputError(f"{path}: the sheet is empty; a line with the names of the columns and one row per {one_row} are needed")
    header = [name.strip() for name in lines.pop(next(iter(lines)))]
    if len(header) == 1 and len(re.split(r"[,;\s]+", header[0])) > 3:
        raise InputError(f"{path}: line 1 has one column, {header[0]!r}; tabs are needed between the columns (commas in a .csv file)")
    if not lines:
        raise InputError(f"{path}: no {one_row}s in the sheet; one row per {one_row} is needed")
    return _named_columns(path, header, lines)


def _named_columns(path: Path, header: list[str], lines: dict[int, list[str]]) -> tuple[list[str], dict[int, list[str]]]:
    """The columns that have a name, each row as long as the header; InputError for a value that stands in no named column."""
    for line, cells in lines.items():
        for place, cell in enumerate(cells):
            if cell.strip() and not (place < len(header) and header[place]):
                raise InputError(f"{path}: line {line}: {cell!r} stands in column {place + 1}, which has no name in the first line")
            if MARKUP.search(cell):
                raise InputError(
                    f"{path}: line {line}: {cell!r}: text without </ and <!-- is needed, which the report's page would take for markup"
                )
    named = [place for place, name in enumerate(header) if name]
    twice = [header[place] for place in named if header.count(header[place]) > 1]
    if twice:
        raise InputError(f"{path}: line 1: the column {twice[0]} stands there {header.count(twice[0])} times")
    rows = {line: [cells[place] if place < len(cells) else "" for place in named] for line, cells in lines.items()}
    return [header[place] for place in named], rows


def validate_sheet(sheet: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """Check a recordings sheet whose row 0 stands in line 2 of ``source``; see :func:`read_sheet`."""
    return raise_first(checked_rows(sheet, source))


def checked_rows(sheet: pd.DataFrame, source: str | Path) -> Generator[str, None, pd.DataFrame | None]:
    """Yield every problem of a recordings sheet whose row 0 stands in line 2 of ``source``; return it as :func:`sheet_problems`."""
    sheet = yield from table_problems(without_blanks(sheet, RECORDINGS), RECORDINGS, source)
    if sheet is None:
        return None
    sheet["treatment"] = sheet["treatment"].fillna(NO_TREATMENT)
    for number, row in enumerate(sheet.itertuples(index=False), start=2):
        yield from _row_problems(row, f"{source}: line {number}")
    yield from images_twice(sheet, source)
    yield from tracks_twice(sheet, source)
    yield from tidy_channels(sheet, source)
    return sheet


def without_blanks(sheet: pd.DataFrame, declared: Table) -> pd.DataFrame:
    """The sheet without blanks around the texts of its declared columns; a text of blanks alone becomes None."""
    for name in sheet.columns.intersection(list(declared.columns)):
        if pd.api.types.is_string_dtype(sheet[name]):
            stripped = sheet[name].str.strip()
            sheet = sheet.assign(**{name: stripped.where(stripped != "", None)})
    return sheet


def tidy_channels(sheet: pd.DataFrame, source: str | Path) -> Iterator[str]:
    """Take blanks out of ``channels`` and ``channel_labels`` of a sheet, in place; yield where channels are not those of the first row."""
    for name in ("channels", "channel_labels"):
        sheet[name] = sheet[name].map(lambda text: text and ",".join(split_channels(text)))
    for number, channels in enumerate(sheet["channels"], start=2):
        if channels is not None and channels != sheet["channels"].iloc[0]:
            yield (
                f"{source}: line {number}: channels is {channels!r}, line 2 has {sheet['channels'].iloc[0]!r}; "
                "all recordings of a data set need the same channels in the same order"
            )


def _row_problems(row, here: str) -> Iterator[str]:
    if row.recording is not None and not RECORDING_NAME.fullmatch(row.recording):
        yield f"{here}: recording is {row.recording!r}, {NAME_WANTED}"
    if (row.tracks is None) != (row.tracks_format is None):
        there, empty = ("tracks", "tracks_format") if row.tracks_format is None else ("tracks_format", "tracks")
        yield f"{here}: {there} is {row.tracks or row.tracks_format!r}, but {empty} is empty; give both or neither"
    if row.tracks_format is not None:
        yield from format_problems(row.tracks_format, here)
    if row.channels is not None:
        yield from channel_problems(row, here)
    yield from pattern_problems(row.images, "images", here)


def pattern_problems(path: str | None, column: str, here: str) -> Iterator[str]:
    """Whether only the placeholders that readers know stand in braces in the path of ``column``."""
    placeholders = re.findall(r"\{.*?\}", path or "")
    if set("{}") & set(re.sub(r"\{(channel|time)\}", "", path or "")) or len(set(placeholders)) < len(placeholders):
        yield f"{here}: {column} is {path!r}; in braces only {{channel}} and {{time}} may stand, each once"


def channel_problems(row, here: str) -> Iterator[str]:
    """Whether ``channels`` of a row are names, each once, and ``channel_labels`` as many, each once."""
    channels = split_channels(row.channels)
    bad = [name for name in channels if not CHANNEL_NAME.fullmatch(name)]
    if bad:
        yield f"{here}: channels is {row.channels!r}: {bad[0]!r} is not a name of letters, digits, '_' and '-'"
    if len(set(channels)) < len(channels):
        yield f"{here}: channels is {row.channels!r}; each name may stand there once"
    labels = None if row.channel_labels is None else split_channels(row.channel_labels)
    if labels is not None and len(set(labels)) < len(labels):
        yield f"{here}: channel_labels is {row.channel_labels!r}; each name may stand there once, or two channels would show the same"
    if labels is not None and len(labels) != len(channels):
        yield f"{here}: channel_labels is {row.channel_labels!r}, one is needed for each of the channels {row.channels!r}"


def images_folder(images: str) -> str:
    """What must exist for the ``images`` cell of a sheet: the folder or file itself, or the folder in which a pattern begins."""
    return images if "{" not in images else str(Path(images.split("{")[0] + "x").parent)


def split_channels(text: str) -> list[str]:
    """The channel names of a sheet's cell: ``'a, b'`` gives ``['a', 'b']``."""
    return [name.strip() for name in text.split(",")]


def frames_arguments(
    images: str, channels: str, channel_labels: str | None, last_image: int | None = None, max_pixels: int = MAX_PIXELS
) -> dict:
    """What opens a recording's frames, from the cells of its row: the arguments of :func:`cellfate.frames.formats.open_frames`.

    The usual limit of pixels is left out, so that what was made before there was one is not made again.
    """
    labels = channel_labels and split_channels(channel_labels)
    last = {} if pd.isna(last_image) else {"last_image": int(last_image)}
    limit = {} if max_pixels == MAX_PIXELS else {"max_pixels": max_pixels}
    return {"images": images, "channels": split_channels(channels), "channel_labels": labels, **last, **limit}
