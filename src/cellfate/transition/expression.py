"""Expression of single cells prepared for the network: labels, choice of genes, split, normalisation and embedding."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from cellfate.base.errors import InputError, no_file
from cellfate.transition.cells import Prepared
from cellfate.transition.genes.variable import choose_genes, named_genes, varying
from cellfate.transition.h5ad import Expression, dense, totals
from cellfate.transition.parts import split_cells

GIVEN = "given embedding"  # what an embedding is called that was not made here


def column_of(expression: Expression, name: str, key: str) -> np.ndarray:
    """The column ``name`` of the cells, that the setting ``key`` asks for."""
    if name not in expression.columns:
        known = ", ".join(expression.columns.columns) or "none"
        raise InputError(f"{expression.source}: no column {name!r} ({key}); the columns of the cells are {known}")
    return expression.columns[name]


# why a cell is left out
NO_LABEL, RARE, NOT_FOLLOWED, FEW_FOLLOWED = "no label", "rare phenotype", "no next phenotype", "phenotype seldom followed"
LEAVE_OUT = ("unlabelled", "rare")  # what transition.leave_out may name


def why_left_out(expression: Expression, name: str, min_cells: int, leave_out: Collection[str]) -> np.ndarray:
    """Why each cell is left out (N,), empty text for one that is not: NO_LABEL, or RARE, of fewer than ``min_cells`` cells.

    ``leave_out`` holds what may be (LEAVE_OUT). Raises InputError where the column is missing, and for a cell without a label or a rare
    phenotype that is not to be left out.
    """
    values = column_of(expression, name, "transition.label")
    missing = missing_text(values)
    if missing.any() and "unlabelled" not in leave_out:
        raise InputError(
            f"{expression.source}: cell {expression.cells[missing.argmax()]!r} has no label in {name!r} ({int(missing.sum())} cells "
            "have none); leave them out, or say unlabelled in transition.leave_out"
        )
    labels = np.where(missing, "", values.astype(str))
    names, codes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(codes)
    small = (sizes < min_cells) & (names != "")
    if small.any() and "rare" not in leave_out:
        place = np.where(small, sizes, sizes.max() + 1).argmin()
        raise InputError(
            f"{expression.source}: phenotype {str(names[place])!r} has {sizes[place]} cells in column {name!r}, at least {min_cells} are "
            "needed (transition.min_cells); rare in transition.leave_out leaves such cells out"
        )
    return np.where(missing, NO_LABEL, np.where(small[codes], RARE, "")).astype(object)


def labels_of(expression: Expression, name: str) -> tuple[np.ndarray, list[str]]:
    """Codes (N,) and names of the phenotypes in column ``name``, names sorted. Raises InputError when there is one phenotype only."""
    values = column_of(expression, name, "transition.label")
    names, codes = np.unique(values.astype(str), return_inverse=True)
    if len(names) < 2:
        there = f"all cells are {str(names[0])!r}" if len(names) else "no cell is left"
        raise InputError(f"{expression.source}: {there} in column {name!r}; at least two phenotypes are needed")
    return codes, [str(value) for value in names]


def missing_text(values: np.ndarray) -> np.ndarray:
    """Where a column of text holds nothing, (N,) bool."""
    return np.array([value is None or value != value or str(value) in ("", "nan") for value in values])


@dataclass(frozen=True)
class Scaling:
    """How cells are prepared, as it was fitted on some: the depth to which counts are scaled, the genes that are ``chosen``, the mean,
    width and ``zero`` of each, the axes (d, m) of the PCA, None for a given embedding, and the mean and width of the embedding.

    ``zero`` (m,) is where a knockout puts a gene, on the scale of the z-scores: no expression; of features their mean.
    """

    depth: float
    chosen: np.ndarray
    middle: np.ndarray
    width: np.ndarray
    zero: np.ndarray
    centre: np.ndarray
    axes: np.ndarray | None
    mean: np.ndarray
    spread: np.ndarray

    def __call__(self, expression: Expression, parts: np.ndarray, embedding: np.ndarray | None) -> Prepared:
        """``expression`` prepared; ``embedding`` (N, d) is the given one."""
        logs = dense(log_normalised(expression, self.depth)[:, self.chosen])
        values = (logs - self.middle) / self.width
        found = np.asarray(embedding, float) if self.axes is None else (values - self.centre) @ self.axes.T
        name = GIVEN if self.axes is None else "PCA"
        found = (found - self.mean) / self.spread
        return Prepared(*(values, self.zero, logs, expression.genes[self.chosen], expression.cells, parts, found, name), scaling=self)


def median_depth(expression: Expression) -> float:
    """The median of the cells' totals; 1 for logarithms, which have theirs, and for features."""
    return 1.0 if expression.kind != "counts" else float(np.median(totals(expression.values)))


def log_normalised(expression: Expression, depth: float | None = None) -> np.ndarray | sparse.csr_array:
    """log1p of counts scaled to ``depth``, by default the median depth of the cells (N, m); other values are taken as they are."""
    values = expression.values
    if expression.kind != "counts":
        return values
    depth = median_depth(expression) if depth is None else depth
    factors = depth / totals(values)
    if sparse.issparse(values):
        return (sparse.diags_array(factors.astype(values.dtype)) @ values).log1p().tocsr()
    return np.log1p(values * factors[:, None])


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

    ``genes`` are chosen by :func:`cellfate.transition.genes.variable.choose_genes`; those that ``always`` names come on top. Features are
    all taken, where they vary. ``names`` are those of the phenotypes. ``standardise`` off leaves the logarithms as they are, as the
    paper's text does. PCA is fitted on the training part.
    """
    parts = split_cells(codes, fractions, seed, groups, names=names)
    train, depth = parts == "train", median_depth(expression)
    logs = log_normalised(expression, depth)
    own = logs[np.flatnonzero(train)]
    if expression.kind == "features":
        chosen = varying(own)
    else:
        chosen = choose_genes(own.expm1() if sparse.issparse(own) else np.expm1(own), genes, named_genes(expression.genes, always)[0])
    own = dense(own[:, chosen])
    middle, width = own.mean(axis=0), own.std(axis=0)
    if not standardise:
        middle, width = np.zeros_like(middle), np.ones_like(width)
    zero = np.zeros_like(middle) if expression.kind == "features" else -middle / width
    centre, axes = principal_axes((own - middle) / width, components) if embedding is None else (np.zeros(len(chosen)), None)
    size = len(axes) if embedding is None else embedding.shape[1]
    prepared = Scaling(depth, chosen, middle, width, zero, centre, axes, np.zeros(size), np.ones(size))(expression, parts, embedding)
    mean, spread = prepared.embedding[train].mean(axis=0), prepared.embedding[train].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaling = replace(prepared.scaling, mean=mean, spread=spread)
    return replace(prepared, embedding=(prepared.embedding - mean) / spread, scaling=scaling)


def principal_axes(values: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean (m,) of ``values`` (N, m), and the first ``components`` axes (d, m) along which they vary most."""
    middle = values.mean(axis=0)
    axes = np.linalg.svd(values - middle, full_matrices=False)[2]
    return middle, axes[: min(components, len(axes))]


def principal_components(values: np.ndarray | sparse.csr_array, components: int) -> np.ndarray:
    """The first ``components`` principal components of ``values`` (N, m): (N, d); by a truncated decomposition where they are sparse."""
    if sparse.issparse(values) and components < min(values.shape):
        from sklearn.decomposition import PCA  # a second, which pages do not need

        return PCA(components, svd_solver="arpack", random_state=0).fit_transform(values)
    values = dense(values)
    middle, axes = principal_axes(values, components)
    return (values - middle) @ axes.T


def standardised(values: np.ndarray | sparse.csr_array) -> np.ndarray:
    """Features of different units as z-scores (N, m); those that never vary are 0."""
    values = dense(values)
    width = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(width > 0, width, 1.0)


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
