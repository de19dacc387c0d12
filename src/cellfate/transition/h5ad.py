"""Expression of single cells in h5ad files: read, checked and written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - files compressed with zstd, blosc and others can be read once it is imported
import numpy as np
import pandas as pd
from scipy import sparse

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.base.hdf5 import open_hdf5, reading, writing_hdf5
from cellfate.transition.kinds import LARGEST_LOG, are_logarithms, why_no_logarithms

H5AD = "an h5ad file"
KINDS = ("counts", "lognorm", "features")
CSR_CSC = {"csr_matrix": sparse.csr_array, "csc_matrix": sparse.csc_array}
LARGE = 20_000_000  # values of a dense matrix, from which on it is kept without its zeros


@dataclass(frozen=True)
class CellColumns:
    """The columns of the cells in a file, each opened when it is asked for by name: others may be of any encoding.

    ``columns`` are the names, ``rows`` the places of the cells that are wanted, None: of all.
    """

    path: Path
    columns: tuple[str, ...]
    rows: np.ndarray | None = None

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of a column; raises InputError where they are of an unknown encoding or cannot be read."""
        try:
            with open_hdf5(self.path, H5AD) as file:
                values = _column(file, "obs", name, self.path)
        except (OSError, KeyError, RuntimeError) as error:
            raise InputError(f"{in_words(error, self.path)}; column {name!r} of the cells") from None
        return values if self.rows is None else values[self.rows]

    def of(self, mask: np.ndarray) -> "CellColumns":
        """The same columns of the cells in a mask."""
        return replace(self, rows=np.flatnonzero(mask) if self.rows is None else self.rows[mask])


@dataclass(frozen=True)
class Expression:
    """``values`` (N, m), counts, logarithms or features as ``kind`` says, the names of cells and genes, and the columns of the cells.

    Values that are sparse in the file stay so.
    """

    values: np.ndarray | sparse.csr_array
    kind: str
    cells: np.ndarray
    genes: np.ndarray
    columns: CellColumns
    source: str = "expression"

    def take(self, mask: np.ndarray) -> "Expression":
        """The cells of a mask (N,) bool."""
        rows = np.flatnonzero(mask)
        return replace(self, values=self.values[rows], cells=self.cells[rows], columns=self.columns.of(mask))


def dense(values: np.ndarray | sparse.csr_array) -> np.ndarray:
    """Values (N, m) as an array of double precision."""
    return np.asarray(values.toarray() if sparse.issparse(values) else values, np.float64)


def totals(values: np.ndarray | sparse.csr_array) -> np.ndarray:
    """The sum of each cell's values, (N,), in double precision."""
    return np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()


def read_h5ad(path: str | Path, *, layer: str, kind: str) -> Expression:
    """Expression of ``layer`` (``X``, ``raw/X`` or ``layers/<name>``) with the columns of ``obs``, which are read when asked for.

    Raises InputError for a missing file or layer, names that occur twice, values that ``kind`` does not allow: counts are numbers
    from 0 on, fractions too (after a correction for ambient RNA) unless they are logarithms; lognorm is log1p of normalised counts,
    where scaled data (with negative values) is refused; features, such as area and brightness, may be any finite numbers.
    """
    path = Path(path)
    if kind not in KINDS:
        raise InputError(f"transition.expression.kind is {kind!r}, one of {', '.join(KINDS)} is needed")
    with open_hdf5(path, "an h5ad file for transition.expression.path") as file:
        try:
            values, cells, genes = _read_layer(file, layer, path)
            columns = CellColumns(path, tuple(_names(file["obs"])))
        except InputError:
            raise
        except Exception as error:  # a damaged file, or one of another layout
            raise InputError(in_words(error, path)) from None
    if values.shape != (len(cells), len(genes)):
        raise InputError(f"{path}: {layer} is {values.shape}, but there are {len(cells)} cells and {len(genes)} genes")
    expression = Expression(values, kind, cells, genes, columns, str(path))
    check_expression(expression)
    return expression


def cell_names(path: str | Path) -> np.ndarray:
    """The names of the cells of an h5ad file, in its order."""
    with open_hdf5(path, H5AD) as file, reading(path, H5AD):
        return _index(file, "obs", Path(path))


def read_view(path: str | Path, name: str) -> np.ndarray:
    """The coordinates (N, d) in ``obsm`` under a name, such as X_umap; an InputError where there is none, or they are no numbers."""
    with open_hdf5(path, H5AD) as file, reading(path, H5AD):
        names = list(file.get("obsm", {}))
        if name not in names:
            raise InputError(f"{path}: no {name!r} in obsm (transition.view); {_among(names, 'the file has')}")
        node = file["obsm"][name]
        if not isinstance(node, h5py.Dataset) or node.ndim != 2 or node.shape[1] < 2 or not np.isfinite(node[()]).all():
            raise InputError(f"{path}: {name!r} in obsm (transition.view) is no table of two or more columns of finite numbers")
        return node[()].astype(float)


def _read_layer(file: h5py.File, layer: str, path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values (N, m) of the layer, and the names of its cells and genes."""
    place = _place(file, layer)
    if place not in file:
        raise InputError(f"{path}: no layer {layer!r}; {_among(_layers(file), 'the file has')}")
    genes = _place(file, "raw/var") if layer.startswith("raw/") else "var"
    return _matrix(file[place], f"{path}: {layer}"), _index(file, "obs", path), _index(file, genes, path)


def _place(file: h5py.File, name: str) -> str:
    """Where ``name`` is in the file: anndata before 0.7 wrote raw.X and raw.var."""
    return name if name in file else name.replace("raw/", "raw.", 1)


def _among(names: Sequence[str], what: str) -> str:
    """Some names for a message; that there is none, where it is so."""
    return f"{what} {', '.join(names) or 'none'}"


def _layers(file: h5py.File) -> list[str]:
    found = [name for name in ("X", "raw/X") if _place(file, name) in file]
    return found + [f"layers/{name}" for name in file.get("layers", {})]


def _matrix(node: h5py.Dataset | h5py.Group, where: str) -> np.ndarray | sparse.csr_array:
    if isinstance(node, h5py.Dataset):
        return node[()].astype(np.float64) if node.size < LARGE else _thinned(node)
    encoding = _text(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "")))
    kind = encoding if encoding in CSR_CSC else f"{encoding}_matrix"
    if kind not in CSR_CSC:
        raise InputError(f"{where}: encoding {encoding!r} cannot be read; dense, csr_matrix and csc_matrix can")
    shape = tuple(node.attrs["shape"] if "shape" in node.attrs else node.attrs["h5sparse_shape"])
    data = node["data"][()]
    data = data if data.dtype in (np.float32, np.float64) else data.astype(np.float64)
    found = CSR_CSC[kind]((data, node["indices"][()], node["indptr"][()]), shape=shape).tocsr()
    found.sum_duplicates()
    return found


def _thinned(node: h5py.Dataset) -> sparse.csr_array:
    """A large dense matrix, read in blocks of cells, without its zeros."""
    step = max(1, LARGE // (10 * node.shape[1]))
    single = node.dtype.kind == "f" and node.dtype.itemsize <= 4
    kind = np.float32 if single else np.float64
    return sparse.vstack([sparse.csr_array(node[row : row + step].astype(kind)) for row in range(0, node.shape[0], step)], format="csr")


def _index(file: h5py.File, group: str, path: Path) -> np.ndarray:
    if group not in file:
        raise InputError(f"{path}: {group} is missing")
    node = file[group]
    if isinstance(node, h5py.Dataset):  # files of anndata before 0.7
        return _strings(node[node.dtype.names[0]])
    name = _text(node.attrs.get("_index", "index"))
    values = _column(file, group, name, path)
    missing = np.array([value is None for value in values], bool)
    if missing.any():
        raise InputError(f"{path}: row {int(missing.argmax())} of {group} has no name ({group}/{name})")
    return _strings(values)


def _names(node: h5py.Dataset | h5py.Group) -> list[str]:
    """The names of the columns; those with a slash lie deeper in the file than the others."""
    if isinstance(node, h5py.Dataset):
        return list(node.dtype.names[1:])
    index = _text(node.attrs.get("_index", "index"))
    named = [_text(name) for name in node.attrs.get("column-order", ())]
    parts = {name.split("/")[0] for name in named if "/" in name}
    return named + [name for name in node if name not in (index, "__categories", *named, *parts)]


def _column(file: h5py.File, group: str, name: str, path: Path) -> np.ndarray:
    """One column as an array; text where it is categorical, None where a category or a value is missing."""
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
    if not {"values", "mask"} <= set(node):
        encoding = _text(node.attrs.get("encoding-type", "none"))
        raise InputError(f"{path}: column {name!r} of {group} has the encoding {encoding!r}, which cannot be read")
    values, mask = node["values"][()], node["mask"][()]  # nullable text, numbers and booleans
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
    values = expression.values.data if sparse.issparse(expression.values) else expression.values  # zeros are never wrong
    _refuse(expression, ~np.isfinite(values), "a finite number is needed")
    if expression.kind == "features":
        return
    if expression.kind == "counts":
        _refuse(expression, values < 0, "counts cannot be negative; is this scaled data? Name the layer of the counts")
        if are_logarithms(expression.values):
            told = "exp(x) - 1 is of whole counts, or adds up to the same in every cell"
            raise InputError(f"{expression.source}: these are logarithms, not counts ({told}): say kind: lognorm")
    else:
        scaled = "log1p of counts cannot be negative: this is scaled (z-scored) data, which is refused; name the layer before the scaling"
        _refuse(expression, values < 0, scaled)
        large = f"logarithms above {LARGEST_LOG:g} are no log1p of counts; for counts say kind: counts"
        _refuse(expression, values > LARGEST_LOG, large)
        if values.size and (reason := why_no_logarithms(expression.values)):
            raise InputError(f"{expression.source}: {reason}: say kind: counts")
    empty = totals(expression.values) == 0
    if empty.any():
        raise InputError(f"{expression.source}: cell {expression.cells[empty.argmax()]!r} has no expression at all; leave it out")


def _refuse(expression: Expression, wrong: np.ndarray, message: str) -> None:
    if wrong.any():
        cell, gene = _place_of(expression.values, int(wrong.argmax()))
        where = f"cell {expression.cells[cell]!r}, gene {expression.genes[gene]!r}"
        raise InputError(f"{expression.source}: {where}: {expression.values[cell, gene]:.6g}; {message}")


def _place_of(values: np.ndarray | sparse.csr_array, number: int) -> tuple[int, int]:
    """Cell and gene of the stored value with a number."""
    if sparse.issparse(values):
        return int(np.searchsorted(values.indptr, number, side="right")) - 1, int(values.indices[number])
    return np.unravel_index(number, values.shape)
