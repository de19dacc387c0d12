"""What the steps of ``snakemake transition`` hand to each other, as HDF5 and text, and lists of genes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from cellfate.base.errors import InputError, no_file
from cellfate.base.files import replacing
from cellfate.base.hdf5 import open_hdf5, reading, writing_hdf5
from cellfate.transition.cells import Cells, Prepared

ARRAYS = ("values", "zero", "log_expression", "embedding")
NAMES = ("genes", "cells", "parts")


@dataclass(frozen=True)
class PreparedFile:
    """Prepared expression with its phenotypes (codes and names), targets, and the kind of the targets."""

    prepared: Prepared
    phenotype: np.ndarray
    phenotypes: list[str]
    targets: np.ndarray
    targets_kind: str
    groups: np.ndarray | None = None  # (N,) of each cell, such as its donor, where there are any
    absorbing: tuple[int, ...] = ()  # codes of the phenotypes that nothing follows
    conditions: np.ndarray | None = None  # (N,) such as treated or not
    along: np.ndarray | None = None  # (N,) numbers that trends of fates follow
    left_out: Prepared | None = None  # cells that take no part; ``parts`` say why
    left_out_phenotype: np.ndarray | None = None  # codes of theirs, -1 without a label or for one that takes no part

    def cells(self, standardise: bool = True) -> tuple[Prepared, Cells]:
        """The arrays for a network; without ``standardise`` logarithms in place of z-scores."""
        prepared = self.prepared if standardise else without_scaling(self.prepared)
        return prepared, Cells(prepared.values, prepared.embedding, self.phenotype, self.targets, self.absorbing)


def without_scaling(prepared: Prepared) -> Prepared:
    """The same cells with their log expression in place of z-scores: no expression is then 0."""
    changed = {"values": prepared.log_expression, "zero": np.zeros_like(prepared.zero)}
    return Prepared(**{**prepared.__dict__, **changed})


def write_prepared(file: PreparedFile, path: str | Path) -> None:
    with writing_hdf5(path) as out:
        _write_cells(out, file.prepared)
        if file.left_out is not None:
            _write_cells(out.create_group("left_out"), file.left_out)
            out["left_out/phenotype"] = file.left_out_phenotype
        out["phenotype"], out["targets"], out["phenotypes"] = file.phenotype, file.targets, file.phenotypes
        out["absorbing"] = np.array(file.absorbing, int)
        for name in ("groups", "conditions"):
            if getattr(file, name) is not None:
                out[name] = [str(value) for value in getattr(file, name)]
        if file.along is not None:
            out["along"] = file.along
        out.attrs.update({"embedding_name": file.prepared.embedding_name, "targets_kind": file.targets_kind})


def _write_cells(out: h5py.Group, cells: Prepared) -> None:
    for name in ARRAYS:
        out.create_dataset(name, data=np.asarray(getattr(cells, name), np.float32), compression="gzip")
    for name in NAMES:
        out[name] = [str(value) for value in getattr(cells, name)]


def _read_cells(node: h5py.Group, embedding_name: str) -> Prepared:
    arrays = {name: node[name][()].astype(float) for name in ARRAYS}
    return Prepared(**arrays, **{name: _names(node[name]) for name in NAMES}, embedding_name=embedding_name)


def _names(node: h5py.Dataset) -> np.ndarray:
    return np.array([value.decode() for value in node[()]], dtype=object)


def read_prepared(path: str | Path) -> PreparedFile:
    with open_hdf5(path, "a file of prepared cells") as file, reading(path, "a file of prepared cells"):
        embedding_name = str(file.attrs["embedding_name"])
        prepared = _read_cells(file, embedding_name)
        gone = {}
        if "left_out" in file:
            gone = {"left_out": _read_cells(file["left_out"], embedding_name), "left_out_phenotype": file["left_out/phenotype"][()]}
        phenotypes = _names(file["phenotypes"]).tolist()
        labels = {name: _names(file[name]) if name in file else None for name in ("groups", "conditions")}
        along = file["along"][()] if "along" in file else None
        absorbing = tuple(file["absorbing"][()].tolist())
        of_cells = (file["phenotype"][()], phenotypes, file["targets"][()], str(file.attrs["targets_kind"]))
        return PreparedFile(prepared, *of_cells, **labels, along=along, absorbing=absorbing, **gone)


def _lines(path: str | Path, what: str) -> list[str]:
    """The lines of a text file; ``what`` it should be."""
    path = Path(path)
    if not path.is_file():
        raise InputError(no_file(path, what))
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as text in UTF-8: {error}") from error


def read_genes(path: str | Path) -> list[str]:
    """A list of genes, one name a line; empty lines and what follows # are left out. Raises InputError when none is left."""
    names = [line.split("#")[0].strip() for line in _lines(path, "a list of genes for transition.prior")]
    names = [name for name in names if name]
    if not names:
        raise InputError(f"{path}: no gene in it")
    return names


def read_gene_sets(path: str | Path) -> dict[str, list[str]]:
    """Gene sets of a GMT file: name, description and genes, separated by tabs. Raises InputError naming the line."""
    found: dict[str, list[str]] = {}
    for line, text in enumerate(_lines(path, "a GMT file for transition.gene_sets"), start=1):
        fields = [field.strip() for field in text.split("\t")]
        if fields == [""]:
            continue
        genes = [gene for gene in fields[2:] if gene]
        if not genes:
            raise InputError(f"{path}: line {line}: name, description and at least one gene are needed, separated by tabs")
        if fields[0] in found:
            raise InputError(f"{path}: line {line}: the set {fields[0]!r} occurs twice")
        found[fields[0]] = genes
    return found


def write_gene_sets(sets: Mapping[str, Sequence[str]], path: str | Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("".join("\t".join([name, "planted", *genes]) + "\n" for name, genes in sets.items()))
