"""The present phenotype of 700 public blood cells, by the networks and by what they must beat.

The cells are peripheral blood mononuclear cells of 10x Genomics (Zheng et al., Nature Communications 2017, 8:14049) as scanpy's wheel
ships them, ``scanpy/datasets/10x_pbmc68k_reduced.h5ad``; labels are the bulk labels of that paper. They are static, so this says nothing
of transitions. Each seed splits and trains anew. The table of docs/transition.md between the markers is written from it.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/blood_cells.py --path 10x_pbmc68k_reduced.h5ad [--seeds 1 2 3]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from page_part import write_part

from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import Score, accuracy, f1, mean_of_parts
from cellfate.transition.fit import CellTable, fit, logistic, prepare_cells, read_cells
from cellfate.transition.metrics import LATE, late_fall
from cellfate.transition.network.names import variant_name

SETTINGS = yaml.safe_load((Path(__file__).resolve().parent.parent / "config.yaml").read_text())["transition"]  # the defaults
READING = {"label": "bulk_labels", "layer": "raw/X", "kind": "lognorm", "targets": {"kind": "static"}}
MIN_CELLS = 8  # of a phenotype; the smallest of these cells has so few
REGRESSION, VARIANTS = "logistic", ("full", "no_cell_learner", "mlp")


def predictions(table: CellTable, seed: int) -> pd.DataFrame:
    """A row for each held-out cell and method: seed, method, cell, phenotype, predicted."""
    split = {key: SETTINGS[key] for key in ("fractions", "genes", "components")}
    prepared, cells = prepare_cells(table, **split, seed=seed)
    n, held = len(table.phenotypes), cells.take(prepared.held_out)
    found = {REGRESSION: logistic(prepared, cells, n, confidence_k=None)[0].phenotype(held.expression)}
    for variant in VARIANTS:
        run = fit(prepared, cells, n, variant, model=SETTINGS["model"], training=SETTINGS["training"], seed=seed)
        found[variant] = run.predictions.fused
        if (late := late_fall(run.curves)) > LATE:
            print(f"seed {seed}, {variant}: not converged, {late:.1%} of the fall of the loss in the last fifth", flush=True)
    columns = {"seed": seed, "cell": prepared.held_out, "phenotype": held.phenotype}
    return pd.concat([pd.DataFrame(columns | {"method": name, "predicted": p.argmax(axis=1)}) for name, p in found.items()])


def macro_f1(phenotype: np.ndarray, predicted: np.ndarray) -> Score:
    return mean_of_parts([f1(phenotype, predicted, code) for code in np.unique(phenotype)])


def with_interval(score: Score, cells: np.ndarray) -> str:
    """The score of the held-out cells of all seeds, with limits: a cell that several seeds held out is one unit."""
    found = score_interval(score, cells, names=["0", "1"], unit="cell")
    return f"{score.value:.3f} ({found.low:.3f} to {found.high:.3f})" if found.reason is None else f"{score.value:.3f} ({found.reason})"


def page(table: pd.DataFrame) -> str:
    """The scores in Markdown: of all seeds with limits, and the smallest and the largest of the seeds."""
    lines = ["| | accuracy | by seed | macro F1 | by seed |", "|---|---:|---:|---:|---:|"]
    for method, own in table.groupby("method", sort=False):
        shown = [variant_name(str(method))]
        for score in (accuracy, macro_f1):
            single = [score(part["phenotype"].to_numpy(), part["predicted"].to_numpy()).value for _, part in own.groupby("seed")]
            whole = score(own["phenotype"].to_numpy(), own["predicted"].to_numpy())
            shown += [with_interval(whole, own["cell"].to_numpy()), f"{min(single):.3f} to {max(single):.3f}"]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def run(path: str, seeds: Sequence[int]) -> pd.DataFrame:
    """The predictions of all seeds, for the cells of the file at ``path``."""
    table = read_cells(path, **READING, min_cells=MIN_CELLS, components=SETTINGS["components"])
    print(table.describe(), flush=True)
    return pd.concat([predictions(table, seed) for seed in seeds], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    found = run(given.path, given.seeds)
    text = page(found)
    print(text)
    held = found[found["method"] == REGRESSION]
    note = f"{len(given.seeds)} seeds, each with its own split: {len(held)} predictions of {held['cell'].nunique()} held-out cells."
    write_part("blood_cells", f"{text}\n\n{note}")


if __name__ == "__main__":
    main()
