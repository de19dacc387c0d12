"""Whether two results folders hold the same numbers to the last bit: before and after a change that should change none.

    python benchmarks/compare_results.py before/results/demo results/demo

Compared are all tables (Parquet, CSV), the data sets of HDF5 files and JSON files that either folder has. Pages, pictures, times of
jobs and what says who wrote a file (attributes, the version) are left out. The exit status is 1 where something differs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401, the compression of crops and masks
import numpy as np
import pandas as pd

WHO_WROTE = ("software", "config_digest", "commit")  # keys of JSON files


def tables_equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether columns, types, rows and values are the same; NaN equals NaN."""
    try:
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    except AssertionError:
        return False
    return True


def datasets(path: Path) -> dict[str, np.ndarray]:
    """Every data set of an HDF5 file by its name."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def datasets_equal(one: Path, other: Path) -> bool:
    first, second = datasets(one), datasets(other)
    return first.keys() == second.keys() and all(same_array(first[name], second[name]) for name in first)


def same_array(one: np.ndarray, other: np.ndarray) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    numbers = one.dtype.kind in "fc"
    return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other, equal_nan=numbers)


def content(path: Path) -> object:
    found = json.loads(path.read_text())
    return {key: value for key, value in found.items() if key not in WHO_WROTE} if isinstance(found, dict) else found


def text_table(path: Path) -> pd.DataFrame:
    """A CSV table, every cell as its text, without how long an epoch took."""
    return pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="seconds", errors="ignore")


COMPARED = {
    ".parquet": lambda one, other: tables_equal(pd.read_parquet(one), pd.read_parquet(other)),
    ".csv": lambda one, other: one.read_bytes() == other.read_bytes() or tables_equal(text_table(one), text_table(other)),
    ".h5": datasets_equal,
    ".json": lambda one, other: content(one) == content(other),
    ".safetensors": lambda one, other: one.read_bytes() == other.read_bytes(),
}


def differences(before: Path, after: Path) -> Iterator[str]:
    """A line for each file that only one folder has, or whose content differs, and one at the end with the number compared."""
    names = {path.relative_to(folder) for folder in (before, after) for path in folder.rglob("*") if path.suffix in COMPARED}
    names = sorted(name for name in names if "benchmarks" not in name.parts)
    for name in names:
        missing = [str(folder) for folder in (before, after) if not (folder / name).exists()]
        if missing:
            yield f"{name}: not in {missing[0]}"
        elif not COMPARED[name.suffix](before / name, after / name):
            yield f"{name}: differs"
    print(f"{len(names)} files compared")


if __name__ == "__main__":
    found = list(differences(*map(Path, sys.argv[1:3])))
    print("\n".join(found) or "no difference")
    sys.exit(bool(found))
