"""How much memory and time many cells and genes need until they are prepared for the networks, and for one training.

Cells are made up for the purpose: counts of which 5 % are above 0, four phenotypes with markers, observed next phenotypes, two days and
pseudotimes, written in blocks as a sparse h5ad file. Each part runs in a process of its own, whose largest memory and CPU time are printed
as a row of the table of docs/transition.md.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/transition_size.py [--cells 100000] [--genes 20000]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import yaml

from cellfate.transition.fit import fit, prepare_cells, read_cells

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = yaml.safe_load((ROOT / "config/config.yaml").read_text())["transition"]
DENSITY, MARKERS, BLOCK = 0.05, 50, 1000  # share of values above 0, marker genes of a phenotype, cells written at once
NAMES = ("A", "B", "C", "D")
PARTS = ("observed", "transport", "pseudotime", "training")


def write_cells(path: Path, n_cells: int, n_genes: int) -> None:
    """A sparse h5ad file of Poisson counts, blocks of cells one after the other."""
    rng = np.random.default_rng(0)
    each = int(DENSITY * n_genes)
    labels = rng.integers(len(NAMES), size=n_cells)
    with h5py.File(path, "w") as file:
        x = file.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": (n_cells, n_genes)})
        data, indices = (x.create_dataset(name, (n_cells * each,), kind) for name, kind in (("data", "f4"), ("indices", "i4")))
        x["indptr"] = np.arange(n_cells + 1, dtype=np.int64) * each
        for first in range(0, n_cells, BLOCK):
            rows = np.arange(first, min(first + BLOCK, n_cells))
            places = np.sort(_places(labels[rows], n_genes, each, rng), axis=1)
            span = slice(first * each, (first + len(rows)) * each)
            indices[span], data[span] = places.ravel(), rng.poisson(0.7, places.size) + 1
        following = np.where(rng.random(n_cells) < 0.7, labels, (labels + 1) % len(NAMES))
        names = np.array(NAMES, dtype=object)
        columns = {"phenotype": names[labels], "following": names[following], "pseudotime": labels + rng.random(n_cells)}
        columns["day"] = rng.integers(2, size=n_cells).astype(float)
        for name, index, own in (("obs", "c", columns), ("var", "g", {})):
            group = file.create_group(name)
            group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
            group["_index"] = [f"{index}{n}" for n in range(n_cells if name == "obs" else n_genes)]
            for key, values in own.items():
                group[key] = values


def _places(labels: np.ndarray, n_genes: int, each: int, rng: np.random.Generator) -> np.ndarray:
    """Which genes each cell has counts of (cells, each): the markers of its phenotype, and one of each other stretch of genes."""
    stretch = n_genes // each
    places = np.arange(each) * stretch + rng.integers(stretch, size=(len(labels), each))
    own = np.arange(each) // MARKERS == labels[:, None]  # in these stretches a phenotype always has the first gene
    return np.where(own, np.arange(each) * stretch, places)


def measure(path: str, part: str) -> None:
    """Run one part and print its numbers."""
    began, targets = time.perf_counter(), {**SETTINGS["targets"], "kind": "observed", "column": "following"}
    if part == "pseudotime":
        targets |= {"kind": "pseudotime", "column": "pseudotime"}
    if part == "transport":
        targets |= {"kind": "optimal_transport", "time": "day"}
    reading = {key: SETTINGS[key] for key in ("label", "min_cells", "components")} | {"layer": "X", "kind": "counts"}
    table = read_cells(path, targets=targets, **reading)
    if part in ("observed", "training"):
        prepared, cells = prepare_cells(table, **{key: SETTINGS[key] for key in ("fractions", "genes", "components")}, seed=1)
    if part == "training":
        settings = {"model": SETTINGS["model"], "training": SETTINGS["training"]}
        fit(prepared, cells, len(table.phenotypes), SETTINGS["network"], **settings, seed=1)
    use = resource.getrusage(resource.RUSAGE_SELF)
    words = {
        "observed": "read, checked, genes chosen, PCA",
        "transport": "read, checked, PCA of all genes, optimal transport between two days",
        "pseudotime": "read, checked, PCA of all genes, neighbours along pseudotime",
        "training": "read, prepared, one network trained and looked at",
    }[part]
    cpu = use.ru_utime + use.ru_stime
    print(f"| {words} | {use.ru_maxrss / 2**20:.1f} | {cpu:.0f} | {time.perf_counter() - began:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--measure", nargs=2, metavar=("FILE", "PART"))
    arguments = parser.parse_args()
    if arguments.measure:
        measure(*arguments.measure)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cells.h5ad")
        write_cells(path, arguments.cells, arguments.genes)
        print(f"{arguments.cells} cells, {arguments.genes} genes, {path.stat().st_size / 2**30:.2f} GiB on disk")
        print("| part | largest memory, GiB | CPU seconds | seconds |\n|---|---:|---:|---:|", flush=True)
        for part in PARTS:
            subprocess.run([sys.executable, __file__, "--measure", str(path), part], check=True)


if __name__ == "__main__":
    main()
