"""Expression of single cells in h5ad files: read, checked and written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import writing_hdf5

KINDS = ("counts", "lognorm")
LARGEST_LOG = 20.0  # natural log of 5e8: no logarithm of counts is larger
CSR_CSC = {"csr_matrix": sparse.csr_matrix, "csc_matrix": sparse.csc_matrix}


@dataclass(frozen=True)
class Expression:
    """``values`` (N, m), counts or logarithms as ``kind`` says, the names of cells and genes, and the columns of the cells."""

    values: np.ndarray
    kind: str
    cells: np.ndarray
    genes: np.ndarray
    columns: pd.DataFrame
    source: str = "expression"


def read_h5ad(path: str | Path, *, layer: str, kind: str) -> Expression:
    """Expression of ``layer`` (``X``, ``raw/X`` or ``layers/<name>``) with every column of ``obs``.

    Raises InputError for a missing file or layer, names that occur twice, values that ``kind`` does not allow: counts are whole
    numbers from 0 on, lognorm is log1p of normalised counts; scaled data (with negative values) is refused.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file (transition.expression.path)")
    if kind not in KINDS:
        raise InputError(f"transition.expression.kind is {kind!r}, one of {', '.join(KINDS)} is needed")
    try:
        file = h5py.File(path)
    except OSError as error:
        raise InputError(f"{path}: not an h5ad file ({error})") from None
    with file:
        place = _place(file, layer)
        if place not in file:
            raise InputError(f"{path}: no layer {layer!r}; there are {', '.join(_layers(file))}")
        values = _matrix(file[place], f"{path}: {layer}")
        cells = _index(file, "obs", path)
        genes = _index(file, _place(file, "raw/var") if layer.startswith("raw/") else "var", path)
        columns = pd.DataFrame({name: _column(file, "obs", name) for name in _names(file["obs"])})
    if values.shape != (len(cells), len(genes)):
        raise InputError(f"{path}: {layer} is {values.shape}, but there are {len(cells)} cells and {len(genes)} genes")
    expression = Expression(values, kind, cells, genes, columns, str(path))
    check_expression(expression)
    return expression


def _place(file: h5py.File, name: str) -> str:
    """Where ``name`` is in the file: anndata before 0.7 wrote raw.X and raw.var."""
    return name if name in file else name.replace("raw/", "raw.", 1)


def _layers(file: h5py.File) -> list[str]:
    found = [name for name in ("X", "raw/X") if _place(file, name) in file]
    return found + [f"layers/{name}" for name in file.get("layers", {})]


def _matrix(node: h5py.Dataset | h5py.Group, where: str) -> np.ndarray:
    if isinstance(node, h5py.Dataset):
        return node[()].astype(np.float64)
    encoding = _text(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "")))
    kind = encoding if encoding in CSR_CSC else f"{encoding}_matrix"
    if kind not in CSR_CSC:
        raise InputError(f"{where}: encoding {encoding!r} cannot be read; dense, csr_matrix and csc_matrix can")
    shape = tuple(node.attrs["shape"] if "shape" in node.attrs else node.attrs["h5sparse_shape"])
    return CSR_CSC[kind]((node["data"][()], node["indices"][()], node["indptr"][()]), shape=shape).toarray().astype(np.float64)


def _index(file: h5py.File, group: str, path: Path) -> np.ndarray:
    if group not in file:
        raise InputError(f"{path}: {group} is missing")
    node = file[group]
    if isinstance(node, h5py.Dataset):  # files of anndata before 0.7
        return _strings(node[node.dtype.names[0]])
    return _strings(node[_text(node.attrs.get("_index", "index"))][()])


def _names(node: h5py.Dataset | h5py.Group) -> list[str]:
    if isinstance(node, h5py.Dataset):
        return list(node.dtype.names[1:])
    index = _text(node.attrs.get("_index", "index"))
    return [name for name in node if name not in (index, "__categories")]


def _column(file: h5py.File, group: str, name: str) -> np.ndarray:
    """One column as an array; text where it is categorical, None where a category is missing."""
    parent = file[group]
    if isinstance(parent, h5py.Dataset):
        codes, key = parent[name], f"uns/{name}_categories"
        return _strings(codes) if codes.dtype.kind in "OS" else _categories(codes, file[key][()]) if key in file else codes
    node = parent[name]
    if isinstance(node, h5py.Dataset):
        if "categories" in node.attrs:  # files of anndata 0.7
            return _categories(node[()], file[node.attrs["categories"]][()])
        values = node[()]
        return _strings(values) if values.dtype.kind in "OS" else values
    if "codes" in node:
        return _categories(node["codes"][()], node["categories"][()])
    values, mask = node["values"][()], node["mask"][()]  # nullable numbers and booleans
    return np.where(mask, None, _strings(values) if values.dtype.kind in "OS" else values)


def _categories(codes: np.ndarray, categories: np.ndarray) -> np.ndarray:
    names = _strings(categories) if categories.dtype.kind in "OS" else categories.astype(str).astype(object)
    return np.array([None if code < 0 else names[code] for code in codes], dtype=object)


def _strings(values: np.ndarray) -> np.ndarray:
    return np.array([_text(value) for value in values], dtype=object)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def write_h5ad(path: str | Path, values: np.ndarray, cells: Sequence[str], genes: Sequence[str], columns: Mapping[str, np.ndarray]) -> None:
    """Write cells in AnnData's format 0.1.0: a dense X, obs with text, whole numbers and floats as columns, var with names alone."""
    with writing_hdf5(path) as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = file.create_dataset("X", data=values, compression="gzip")
        x.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        _write_frame(file, "obs", cells, columns)
        _write_frame(file, "var", genes, {})


def _write_frame(file: h5py.File, name: str, index: Sequence[str], columns: Mapping[str, np.ndarray]) -> None:
    group = file.create_group(name)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    group.attrs["column-order"] = np.array(list(columns), dtype=h5py.string_dtype())
    for key, values in {"_index": np.asarray(index, object), **columns}.items():
        text = np.asarray(values).dtype.kind in "OU"
        data = np.array(["" if value is None else str(value) for value in values], dtype=object) if text else np.asarray(values)
        node = group.create_dataset(key, data=data, dtype=h5py.string_dtype() if text else None)
        node.attrs.update({"encoding-type": "string-array" if text else "array", "encoding-version": "0.2.0"})


def check_expression(expression: Expression) -> None:
    """Raise an InputError that names the first cell, gene and value that cannot be."""
    for kind, names in (("cell", expression.cells), ("gene", expression.genes)):
        twice = pd.Series(names).duplicated().to_numpy()
        if twice.any():
            name = names[twice.argmax()]
            raise InputError(
                f"{expression.source}: {kind} {name!r} occurs {int((names == name).sum())} times; every {kind} needs a name of its own"
            )
    values = expression.values
    _refuse(expression, ~np.isfinite(values), "a finite number is needed")
    if expression.kind == "counts":
        _refuse(expression, values < 0, "counts cannot be negative; is this scaled data? Name the layer of the counts")
        _refuse(expression, values != np.round(values), "whole numbers are needed; for log-normalised values say kind: lognorm")
    else:
        scaled = "log1p of counts cannot be negative: this is scaled (z-scored) data, which is refused; name the layer before the scaling"
        _refuse(expression, values < 0, scaled)
        large = f"logarithms above {LARGEST_LOG:g} are no log1p of counts; for counts say kind: counts"
        _refuse(expression, values > LARGEST_LOG, large)
        if values.size and (values == np.round(values)).all():
            raise InputError(f"{expression.source}: every value is a whole number, so these are counts, not logarithms: say kind: counts")
    empty = values.sum(axis=1) == 0
    if empty.any():
        raise InputError(f"{expression.source}: cell {expression.cells[empty.argmax()]!r} has no expression at all; leave it out")


def _refuse(expression: Expression, wrong: np.ndarray, message: str) -> None:
    if wrong.any():
        cell, gene = np.unravel_index(wrong.argmax(), wrong.shape)
        where = f"cell {expression.cells[cell]!r}, gene {expression.genes[gene]!r}"
        raise InputError(f"{expression.source}: {where}: {expression.values[cell, gene]:.6g}; {message}")
