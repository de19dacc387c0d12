"""Tables of tracked cells, of this program or another one: a row per cell and frame, columns by the names that the settings give."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError, no_file

CONSTANT = 1e-12  # variance, of the squared mean, up to which a feature says nothing


@dataclass(frozen=True)
class TrackColumns:
    """The names of the columns; without ``recording`` each table is one recording, without ``phenotype`` none is given.

    ``others`` are kept as text, such as a condition.
    """

    recording: str | None
    track: str
    time: str
    phenotype: str | None
    others: tuple[str, ...] = ()

    def named(self) -> dict[str, str]:
        """The columns that a table must have, by the keys of the section transition."""
        keys = {f"tracks.{key}": getattr(self, key) for key in ("recording", "track", "time", "phenotype")}
        return {key: name for key, name in keys.items() if name is not None} | {f"group or condition: {name}": name for name in self.others}


@dataclass(frozen=True)
class Tracks:
    """``rows`` (recording, track, time, phenotype or None, place: file and row in words), and their ``features`` (N, F), NaN if missing.

    ``others`` are further columns of text.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    others: pd.DataFrame

    @property
    def complete(self) -> np.ndarray:
        """Rows that have every feature, (N,) bool."""
        return np.isfinite(self.features.to_numpy(float)).all(axis=1)

    def clustered(self, find: Callable[[np.ndarray, list[str]], tuple[np.ndarray, list[str]]]) -> tuple["Tracks", list[str]]:
        """The same rows with a phenotype that ``find`` sees in the values (N, F) and names of the features, and its words about them.

        Rows that lack a feature have none.
        """
        complete, names = self.complete, list(self.features)
        found, lines = find(self.features.to_numpy(float)[complete], names)
        phenotype = np.full(len(self.rows), None, object)
        phenotype[complete] = [str(state) for state in found]
        return Tracks(self.rows.assign(phenotype=phenotype), self.features, self.others), lines


def read_tracks(paths: Sequence[str | Path], columns: TrackColumns, features: Sequence[str] | None) -> Tracks:
    """Tables, CSV, TSV or parquet, put together; ``features`` names columns of numbers, None: all of them that all tables have.

    A feature that never varies is left out. Raises InputError with file, row and value: a missing file or column, text in place of a
    number, a row without a track or time, a track that is twice at one time, no phenotype in any row, no feature.
    """
    return gathered({str(path): _table(Path(path)) for path in paths}, columns, features)


def gathered(tables: Mapping[str, pd.DataFrame], columns: TrackColumns, features: Sequence[str] | None) -> Tracks:
    """:func:`read_tracks` of tables that are open, by what they are called in messages."""
    first = next(iter(tables.values()))
    shared = [name for name in first if all(name in table for table in tables.values())]
    wanted = features if features is not None else [name for name in shared if _of_numbers(tables.values(), name, columns)]
    found = [tracks_of(table, columns, wanted, source, Path(source).stem) for source, table in tables.items()]
    rows, values, others = (pd.concat([getattr(own, name) for own in found], ignore_index=True) for name in ("rows", "features", "others"))
    where = ", ".join(tables)
    if columns.phenotype is not None and rows["phenotype"].isna().all():
        raise InputError(f"{where}: no row has a phenotype in column {columns.phenotype!r} (transition.tracks.phenotype)")
    _refuse_twice(rows)
    return Tracks(rows, _varying(values, where), others)


def tracks_of(table: pd.DataFrame, columns: TrackColumns, features: Sequence[str], source: str, recording: str) -> Tracks:
    """The rows of one ``table``; ``source`` names it in messages, ``recording`` is its own where no column says it."""
    for key, name in {**columns.named(), **{f"tracks.features: {name}": name for name in features}}.items():
        if name not in table:
            known = ", ".join(map(str, table)) or "none"
            raise InputError(f"{source}: no column {name!r} (transition.{key}); the columns are {known}")
    place = [f"{source}: row {row}" for row in range(1, len(table) + 1)]
    rows = pd.DataFrame({"time": _numbers(table[columns.time], place, complete=True)})
    for key in ("recording", "track"):
        name = getattr(columns, key)
        rows[key] = recording if name is None else _names(table[name], place)
    rows["phenotype"] = None if columns.phenotype is None else _text(table[columns.phenotype])
    values = {name: _numbers(table[name], place, complete=False) for name in features}
    others = pd.DataFrame({name: _text(table[name]) for name in columns.others}, index=rows.index)
    return Tracks(rows.assign(place=place), pd.DataFrame(values, index=rows.index), others)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(no_file(path, "a table for transition.tracks.files"))
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep=_separator(path), encoding="utf-8-sig")
    except Exception as error:  # parsers of damaged tables raise many kinds
        raise InputError(f"{path}: not readable as a table: {' '.join(str(error).split())}") from error
    if table.empty:
        raise InputError(f"{path}: no row in it")
    return table.reset_index(drop=True).rename(columns=lambda name: str(name).strip())


def _separator(path: Path) -> str:
    """What stands most often in the first line: a tab, a semicolon or a comma."""
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    return max(",;\t", key=first.count)


def _of_numbers(tables: Iterable[pd.DataFrame], name: str, columns: TrackColumns) -> bool:
    """Whether a column holds numbers in every table, and none of the settings names it."""
    return name not in columns.named().values() and all(pd.api.types.is_numeric_dtype(table[name]) for table in tables)


def _numbers(column: pd.Series, place: Sequence[str], *, complete: bool) -> np.ndarray:
    """A column as numbers (N,); an InputError for text, and for a missing one where all must be there."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~np.isfinite(values) & (complete | column.notna().to_numpy())
    if wrong.any():
        row = int(wrong.argmax())
        value = "empty" if pd.isna(column.iloc[row]) else repr(column.iloc[row])
        raise InputError(f"{place[row]}: {column.name} is {value}, a number is needed ({int(wrong.sum())} rows)")
    return values


def _names(column: pd.Series, place: Sequence[str]) -> pd.Series:
    """A column of names or whole numbers as text, 3.0 as 3; an InputError for an empty one."""
    missing = _text(column).isna().to_numpy()
    if missing.any():
        raise InputError(f"{place[int(missing.argmax())]}: {column.name} is empty ({int(missing.sum())} rows); leave these rows out")
    whole = pd.api.types.is_float_dtype(column) and (column == column.round()).all()
    return (column.astype("int64") if whole else column).astype(str).str.strip()


def _text(column: pd.Series) -> pd.Series:
    """Text without spaces around it, None where nothing stands."""
    whole = pd.api.types.is_float_dtype(column) and (column.dropna() == column.dropna().round()).all()
    text = (column.astype("Int64") if whole else column).astype(object).map(lambda value: None if pd.isna(value) else str(value).strip())
    return text.where(text != "", None).astype(object)


def _refuse_twice(rows: pd.DataFrame) -> None:
    """InputError where a track of a recording is twice at one time."""
    twice = rows.duplicated(["recording", "track", "time"]).to_numpy()
    if twice.any():
        row = rows.iloc[int(twice.argmax())]
        raise InputError(
            f"{row['place']}: track {row['track']} of recording {row['recording']} is there twice at time {row['time']:g} "
            f"({int(twice.sum())} rows); does transition.tracks.recording name the column of the recordings?"
        )


def _varying(features: pd.DataFrame, where: str) -> pd.DataFrame:
    kept = [name for name in features if np.nanvar(features[name]) > CONSTANT * max(np.nanmean(features[name]) ** 2, 1e-300)]
    if not kept:
        raise InputError(f"{where}: no column of numbers that vary is left for transition.tracks.features")
    return features[kept]
