"""Expression of single cells from h5ad files: reading, checks, normalisation, choice of genes, split and embedding.

The files are read and written with h5py alone, after the specification of AnnData's on-disk format
(https://anndata.readthedocs.io/en/stable/fileformat-prose.html). Gene order is that of the file, always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from cellfate.errors import InputError
from cellfate.files import replacing

KINDS = ("counts", "lognorm")
LARGEST_LOG = 20.0  # natural log of 5e8: no logarithm of counts is larger
SPLITS = ("train", "validation", "test")
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


# ---- h5ad ----


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
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
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


# ---- checks ----


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


def column_of(expression: Expression, name: str, key: str) -> np.ndarray:
    """The column ``name`` of the cells, that the setting ``key`` asks for."""
    if name not in expression.columns:
        known = ", ".join(expression.columns.columns) or "none"
        raise InputError(f"{expression.source}: no column {name!r} ({key}); the columns of the cells are {known}")
    return expression.columns[name].to_numpy()


def labels_of(expression: Expression, name: str, min_cells: int) -> tuple[np.ndarray, list[str]]:
    """Codes (N,) and names of the phenotypes in column ``name``, names sorted.

    Raises InputError when the column or a label is missing, there is one phenotype only, or one has fewer than ``min_cells`` cells.
    """
    values = column_of(expression, name, "transition.label")
    missing = missing_text(values)
    if missing.any():
        cell = expression.cells[missing.argmax()]
        raise InputError(
            f"{expression.source}: cell {cell!r} has no label in {name!r} ({int(missing.sum())} cells have none); leave them out"
        )
    names, codes = np.unique(values.astype(str), return_inverse=True)
    sizes = np.bincount(codes)
    if len(names) < 2:
        raise InputError(f"{expression.source}: all cells are {str(names[0])!r} in column {name!r}; at least two phenotypes are needed")
    if sizes.min() < min_cells:
        small = f"phenotype {str(names[sizes.argmin()])!r} has {sizes.min()} cells"
        raise InputError(f"{expression.source}: {small} in column {name!r}, at least {min_cells} are needed (transition.min_cells)")
    return codes, [str(value) for value in names]


def missing_text(values: np.ndarray) -> np.ndarray:
    """Where a column of text holds nothing, (N,) bool."""
    return np.array([value is None or value != value or str(value) in ("", "nan") for value in values])


# ---- preparation ----


@dataclass(frozen=True)
class Prepared:
    """Expression ready for the networks: ``values`` (N, m) are z-scores on the training part, ``zero`` (m,) is what no expression is there.

    ``embedding`` (N, d) is called ``embedding_name``; ``parts`` (N,) says train, validation or test.
    """

    values: np.ndarray
    zero: np.ndarray
    log_expression: np.ndarray
    genes: np.ndarray
    cells: np.ndarray
    parts: np.ndarray
    embedding: np.ndarray
    embedding_name: str

    @property
    def held_out(self) -> np.ndarray:
        """Places of the cells of the test part."""
        return np.flatnonzero(self.parts == "test")


def log_normalised(expression: Expression) -> np.ndarray:
    """log1p of counts scaled to the median depth of the cells (N, m); lognorm values are taken as they are."""
    if expression.kind == "lognorm":
        return expression.values
    depth = expression.values.sum(axis=1, keepdims=True)
    return np.log1p(expression.values / depth * np.median(depth))


def split_cells(codes: np.ndarray, fractions: Sequence[float], seed: int, groups: np.ndarray | None = None) -> np.ndarray:
    """train, validation or test for each cell (N,), by ``fractions`` within each phenotype; ``groups`` (donors) stay whole where given.

    Raises InputError when a phenotype has no cell in some part.
    """
    rng = np.random.default_rng(seed)
    parts = np.empty(len(codes), dtype=object)
    units = np.arange(len(codes)) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    strata = [codes == code for code in np.unique(codes)] if groups is None else [np.ones(len(codes), bool)]
    for stratum in strata:
        members = rng.permutation(np.unique(units[stratum]))
        ends = np.round(np.cumsum(fractions) * len(members)).astype(int)
        for name, chosen in zip(SPLITS, np.split(members, ends[:-1]), strict=True):
            parts[stratum & np.isin(units, chosen)] = name
    for name in SPLITS:
        absent = sorted(set(codes.tolist()) - set(codes[parts == name].tolist()))
        if absent:
            raise InputError(f"split of the cells: phenotype {absent[0]} has no cell in the {name} part; more cells or groups are needed")
    return parts


def choose_genes(log_expression: np.ndarray, train: np.ndarray, n_genes: int) -> np.ndarray:
    """Places of the ``n_genes`` genes with the largest variance over the training cells, in the file's order; constant ones never."""
    variance = log_expression[train].var(axis=0)
    usable = np.flatnonzero(variance > 1e-12)
    return np.sort(usable[np.argsort(-variance[usable], kind="stable")[:n_genes]])


def prepare(
    expression: Expression,
    codes: np.ndarray,
    *,
    fractions: Sequence[float],
    genes: int,
    components: int,
    seed: int,
    embedding: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    standardise: bool = True,
) -> Prepared:
    """Normalise, split, choose genes, z-score on the training part, and embed: a given ``embedding`` (N, d), else PCA, called so.

    At most ``genes`` are chosen. ``standardise`` off leaves the logarithms as they are, as the paper's text does. PCA is fitted on
    the training part.
    """
    parts = split_cells(codes, fractions, seed, groups)
    train = parts == "train"
    logs = log_normalised(expression)
    chosen = choose_genes(logs, train, genes)
    logs = logs[:, chosen]
    middle, width = logs[train].mean(axis=0), logs[train].std(axis=0)
    if not standardise:
        middle, width = np.zeros_like(middle), np.ones_like(width)
    values = (logs - middle) / width
    name = "PCA" if embedding is None else "given embedding"
    found = principal_components(values, train, components) if embedding is None else np.asarray(embedding, float)
    spread = found[train].std(axis=0)
    found = (found - found[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return Prepared(values, -middle / width, logs, expression.genes[chosen], expression.cells, parts, found, name)


def principal_components(values: np.ndarray, train: np.ndarray, components: int) -> np.ndarray:
    """The first ``components`` principal components of ``values`` (N, m), fitted on the cells of ``train`` (N,) bool: (N, d)."""
    middle = values[train].mean(axis=0)
    axes = np.linalg.svd(values[train] - middle, full_matrices=False)[2]
    return (values - middle) @ axes[: min(components, len(axes))].T


def read_embedding(path: str | Path, cells: np.ndarray) -> np.ndarray:
    """A table of an embedding, CSV, TSV or parquet, first column the cells' names, in the order of ``cells`` (N, d).

    Raises InputError when a cell is missing or occurs twice, or a value is no finite number.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file (transition.embedding)")
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    table = table.set_index(table.columns[0])
    table.index = table.index.astype(str)
    if table.index.has_duplicates:
        raise InputError(f"{path}: cell {table.index[table.index.duplicated()][0]!r} occurs more than once")
    absent = ~pd.Index(cells.astype(str)).isin(table.index)
    if absent.any():
        raise InputError(f"{path}: cell {cells[absent.argmax()]!r} is missing ({int(absent.sum())} of {len(cells)} are)")
    values = table.loc[cells.astype(str)].to_numpy()
    if not np.issubdtype(values.dtype, np.number) or not np.isfinite(values.astype(float)).all():
        raise InputError(f"{path}: every column after the first must hold finite numbers")
    return values.astype(float)
