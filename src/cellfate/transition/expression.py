"""Expression of single cells prepared for the network: labels, choice of genes, split, normalisation and embedding."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError, no_file
from cellfate.transition.genes.variable import choose_genes, named_genes
from cellfate.transition.h5ad import Expression
from cellfate.transition.parts import split_cells

GIVEN = "given embedding"  # what an embedding is called that was not made here


def column_of(expression: Expression, name: str, key: str) -> np.ndarray:
    """The column ``name`` of the cells, that the setting ``key`` asks for."""
    if name not in expression.columns:
        known = ", ".join(expression.columns.columns) or "none"
        raise InputError(f"{expression.source}: no column {name!r} ({key}); the columns of the cells are {known}")
    return expression.columns[name]


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


def prepare(
    expression: Expression,
    codes: np.ndarray,
    *,
    fractions: Sequence[float],
    genes: int,
    components: int,
    seed: int,
    names: Sequence[str],
    always: Collection[str] = (),
    embedding: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    standardise: bool = True,
) -> Prepared:
    """Normalise, split, choose genes, z-score on the training part, and embed: a given ``embedding`` (N, d), else PCA, called so.

    ``genes`` are chosen by :func:`cellfate.transition.genes.variable.choose_genes`; those that ``always`` names come on top. ``names`` are
    those of the phenotypes. ``standardise`` off leaves the logarithms as they are, as the paper's text does. PCA is fitted on the
    training part.
    """
    parts = split_cells(codes, fractions, seed, groups, names=names)
    train = parts == "train"
    logs = log_normalised(expression)
    linear = np.expm1(logs[train])
    chosen = choose_genes(linear, genes, named_genes(expression.genes, always)[0])
    logs = logs[:, chosen]
    middle, width = logs[train].mean(axis=0), logs[train].std(axis=0)
    if not standardise:
        middle, width = np.zeros_like(middle), np.ones_like(width)
    values = (logs - middle) / width
    name = "PCA" if embedding is None else GIVEN
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
        raise InputError(no_file(path, "a table for transition.embedding"))
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    except Exception as error:  # parsers of damaged tables raise many kinds
        raise InputError(f"{path}: not readable as a table: {' '.join(str(error).split())}") from error
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
