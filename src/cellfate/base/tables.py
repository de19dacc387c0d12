"""What every table is that one step hands to the next: its columns, their types and allowed values, declared once in its room.

``read_table`` and ``write_table`` check a table against its declaration; a violation is an :class:`InputError` that
names the file, the row and the value. Parquet, CSV and TSV are told apart by the file's ending.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError, no_file, raise_first
from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE

LARGEST = 2**63 - 1  # whole number that tables can hold


@dataclass(frozen=True)
class Column:
    """One column. ``kind`` is ``str``, ``int``, ``float`` or ``bool``; bounds are inclusive."""

    kind: str
    nullable: bool = False
    allowed: tuple | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Table:
    """A declared table. ``open`` tables may have further columns (features are named after channels)."""

    name: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    open: bool = False


STR, INT, FLOAT, BOOL = Column("str"), Column("int"), Column("float"), Column("bool")
STR_NULL, INT_NULL, FLOAT_NULL = Column("str", nullable=True), Column("int", nullable=True), Column("float", nullable=True)
COUNT = Column("int", low=0)
UNIT = Column("float", low=0, high=1)
UNIT_NULL = Column("float", nullable=True, low=0, high=1)
DELTA_NULL = Column("float", nullable=True, low=-1, high=1)


def check_table(table: pd.DataFrame, declared: Table, source: str | Path) -> pd.DataFrame:
    """Return ``table`` with the declared column types, or raise an InputError that names file, row and value.

    Rows are counted as a reader of the file sees them: the first data row of a CSV or TSV file is line 2.
    """
    return raise_first(table_problems(table, declared, source))


def table_problems(table: pd.DataFrame, declared: Table, source: str | Path) -> Generator[str, None, pd.DataFrame | None]:
    """Yield every problem of a declared table; return the table with the declared types, or None where a column is missing.

    The returned table is fit for use only when there was no problem: a value that has one is NaN, or stays as it is.
    """
    missing = [c for c in declared.columns if c not in table.columns]
    extra = [c for c in table.columns if c not in declared.columns]
    if missing:
        unknown = f"; unknown: {', '.join(map(str, extra))}" if extra and not declared.open else f"; found {_names(table.columns)}"
        yield f"{source}: column{'s' * (len(missing) > 1)} {', '.join(missing)} missing{unknown}"
        return None
    if extra and not declared.open:
        yield f"{source}: unknown column{'s' * (len(extra) > 1)} {_names(extra)}; allowed are {', '.join(declared.columns)}"
    columns = {}
    for column, spec in declared.columns.items():
        columns[column] = yield from _column_problems(table[column], spec, source, column)
    checked = pd.DataFrame(columns, index=table.index)
    for column in extra:
        checked[column] = table[column]
    if declared.key:
        twice = checked.duplicated(list(declared.key)) & checked[list(declared.key)].notna().all(axis="columns")
        for row in np.flatnonzero(twice.to_numpy()):
            value = ", ".join(f"{k} {checked.iloc[row][k]}" for k in declared.key)
            yield f"{source}: line {_line(row)}: {value} stands here for the second time"
    return checked


def _names(columns: Iterable) -> str:
    return ", ".join(map(str, columns))


def _line(row: int) -> int:
    return row + 2


def _bad_values(bad: pd.Series, values: pd.Series, source: str | Path, column: str, wanted: str) -> Iterator[str]:
    for row in np.flatnonzero(bad.to_numpy()):
        value = values.iloc[row]
        shown = "empty" if pd.isna(value) else repr(value.item() if hasattr(value, "item") else value)
        yield f"{source}: line {_line(row)}: {column} is {shown}, {wanted}"


def _column_problems(values: pd.Series, spec: Column, source: str | Path, column: str) -> Generator[str, None, pd.Series]:
    known = values.notna()
    if not spec.nullable:
        yield from _bad_values(~known, values, source, column, "a value is needed")
    if spec.kind == "str":
        typed = values.astype("object").where(known, None).map(lambda v: v if v is None else str(v))
    elif spec.kind == "bool":
        yield from _bad_values(known & ~values.isin([True, False]), values, source, column, "True or False is needed")
        typed = values.astype(bool)
    else:
        typed = yield from _number_problems(values, known, spec, source, column)
    if spec.low is not None:
        yield from _bad_values(_holds(known & (typed < spec.low)), values, source, column, f"at least {spec.low} is needed")
    if spec.high is not None:
        yield from _bad_values(_holds(known & (typed > spec.high)), values, source, column, f"at most {spec.high} is allowed")
    if spec.allowed is not None:
        wanted = f"one of {', '.join(map(str, spec.allowed))} is needed"
        yield from _bad_values(known & ~typed.isin(spec.allowed), values, source, column, wanted)
    return typed


def _number_problems(values: pd.Series, known: pd.Series, spec: Column, source: str | Path, column: str) -> Generator[str, None, pd.Series]:
    if spec.kind == "int" and (whole := _exact(values, known)) is not None:
        return whole if spec.nullable or whole.isna().any() else whole.astype("int64")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    infinite = known & ~np.isfinite(numbers)
    yield from _bad_values(infinite, values, source, column, "a finite number is needed")
    numbers = numbers.where(np.isfinite(numbers))
    if spec.kind != "int":
        return numbers
    beyond = known & (numbers.abs() >= LARGEST)
    yield from _bad_values(beyond, values, source, column, f"at most {LARGEST} can be read")
    numbers = numbers.where(~beyond)
    broken = known & ~infinite & ~beyond & (numbers % 1 != 0)
    yield from _bad_values(broken, values, source, column, "a whole number is needed")
    whole = numbers.where(~broken)
    return whole.astype("Int64") if spec.nullable or whole.isna().any() else whole.astype("int64")


def _exact(values: pd.Series, known: pd.Series) -> pd.Series | None:
    """Whole numbers as Int64, exact also above 2^53; None for a column that has other values besides."""
    if pd.api.types.is_bool_dtype(values) or not (pd.api.types.is_integer_dtype(values) or values.dtype == object):
        return None
    if values.dtype == np.uint64 and len(values) and values.max() > LARGEST:
        return None
    if values.dtype == object and not all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in values[known]):
        return None
    try:
        return pd.Series(pd.array([v if k else pd.NA for v, k in zip(values, known, strict=True)], dtype="Int64"), index=values.index)
    except (OverflowError, TypeError, ValueError):
        return None


def _holds(bad: pd.Series) -> pd.Series:
    return bad.fillna(False).astype(bool)


def read_table(path: str | Path, declared: Table) -> pd.DataFrame:
    """Read and check a declared table from a ``.parquet``, ``.csv`` or ``.tsv`` file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(no_file(path, f"{declared.name} table"))
    if path.suffix == ".parquet":
        try:
            table = pd.read_parquet(path)
        except Exception as error:  # a damaged file fails in many ways
            raise InputError(in_words(error, path)) from error
    else:
        text = {column: "string" for column, spec in declared.columns.items() if spec.kind == "str"}
        try:
            table = pd.read_csv(path, sep=_separator(path), dtype=text, keep_default_na=False, na_values=[""])
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not readable as a table: {error}") from error
    return check_table(table, declared, path)


def read_tables(paths: Sequence[str | Path], declared: Table) -> pd.DataFrame:
    """Read several files of one declared table (recordings or folds) and put them below one another."""
    return pd.concat([read_table(path, declared) for path in paths], ignore_index=True)


def write_table(table: pd.DataFrame, path: str | Path, declared: Table) -> None:
    """Check a declared table and write it (temporary name, then rename). Columns stand in the declared order."""
    path = Path(path)
    table = check_table(table.reset_index(drop=True), declared, path)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            _write_parquet(table, temporary)
        else:
            table.to_csv(temporary, sep=_separator(path), index=False)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write as pandas does, and the program's name under ``software`` into the schema's metadata, which readers of tables pass over."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(columns.replace_schema_metadata({**columns.schema.metadata, "software": SOFTWARE}), path)


def _separator(path: Path) -> str:
    return {".csv": ",", ".tsv": "\t"}[path.suffix]
