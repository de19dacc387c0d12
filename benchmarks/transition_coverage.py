"""How often the 95 % intervals of the transition matrix hold the true P, over simulated data sets whose P is known.

Counts: cells of the simulator, and donors whose P differ. Refits: logistic regression and the network, trained again on resampled cells;
beside them what resampling the predictions of one training gives. What is in the table of results is not made again; each further run
adds to it until the numbers that are asked for are there. Writes the table of docs/transition.md between the markers.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/transition_coverage.py [--counted 200] [--logistic 200] [--network 20]
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cellfate.base.files import replacing
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import CellTable, cells_of, fit, logistic, prepare_cells, read_cells
from cellfate.transition.matrix.counted import Matrix, counted_matrix
from cellfate.transition.matrix.refits import matrix_refits, refit_interval, refits_of
from cellfate.transition.metrics import mean_by_phenotype
from cellfate.transition.simulation import simulate_cells, write_cells

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "results/benchmarks/transition_coverage.csv", ROOT / "docs/transition.md"
BEGIN, END = "<!-- results of benchmarks/transition_coverage.py -->", "<!-- end of coverage -->"
SETTINGS = yaml.safe_load((ROOT / "config.yaml").read_text())["transition"]
CELLS, GENES = 1000, 46
STEPS = 100  # of the network, which is as good as after 300 on so few cells, in a third of the time
FIRST_SEED = 1000  # of these data sets, which nothing else has
DONORS, CELLS_EACH, ALIKE = 12, 10, 10.0  # cells of each phenotype of a donor; P of donors is Dirichlet with so many counts
CALLS = {
    "counted": "counted, independent cells",
    "counted, donors": "counted, by donor",
    "counted, donors ignored": "the same cells, donors ignored",
    "logistic": "logistic regression, refits",
    "logistic, resampled": "the same predictions resampled, without refits",
    "network": "network (no Cell Learner), refits",
    "network, resampled": "the same predictions resampled, without refits",
}


def simulated(seed: int) -> tuple[CellTable, np.ndarray]:
    """Cells of the simulator as read from their file, and the mean of their true probabilities (n, n)."""
    cells = simulate_cells(n_cells=CELLS, n_later=1, n_genes=GENES, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        write_cells(cells, f"{folder}/cells.h5ad")
        given = {key: SETTINGS[key] for key in ("label", "min_cells", "components")} | {"layer": "X", "kind": "counts"}
        table = read_cells(f"{folder}/cells.h5ad", targets={"kind": "observed", "column": "next_phenotype"}, **given)
    return table, mean_by_phenotype(cells.probabilities, table.phenotype, len(table.phenotypes))


def rows(seed: int, method: str, matrix: Matrix) -> Iterator[tuple]:
    for i, j in np.ndindex(matrix.P.shape):
        yield seed, method, i, j, matrix.P[i, j], matrix.low[i, j], matrix.high[i, j], np.nan


def counted(seed: int) -> list[tuple]:
    table, true = simulated(seed)
    found = list(rows(seed, "counted", counted_matrix(table.targets, table.phenotype, ())))
    return [(*row[:-1], true[row[2], row[3]]) for row in found]


def donors(seed: int, P: np.ndarray) -> list[tuple]:
    """Cells of donors whose rows of P are drawn around ``P`` (n, n)."""
    rng = np.random.default_rng(seed)
    phenotype, donor, targets = [], [], []
    for name in range(DONORS):
        for i, row in enumerate(P):
            drawn = rng.multinomial(CELLS_EACH, rng.dirichlet(ALIKE * row))
            phenotype += [i] * CELLS_EACH
            donor += [f"donor {name}"] * CELLS_EACH
            targets.append(np.repeat(np.eye(len(P)), drawn, axis=0))
    given = np.concatenate(targets), np.array(phenotype), ()
    return [
        *rows(seed, "counted, donors", counted_matrix(*given, np.array(donor), "donor")),
        *rows(seed, "counted, donors ignored", counted_matrix(*given)),
    ]


def refitted(seed: int, variant: str) -> list[tuple]:
    """P of the regression or of the network, with the limits of refits and of resampled predictions."""
    table, _ = simulated(seed)
    prepared, cells = prepare_cells(table, **{key: SETTINGS[key] for key in ("fractions", "genes", "components")}, seed=seed)
    file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, table.targets_kind)
    n, name = len(table.phenotypes), "logistic" if variant == "logistic" else "network"
    fitting = {"model": SETTINGS["model"], "training": SETTINGS["training"] | {"steps": STEPS}}
    if variant == "logistic":
        model, P, _, held = logistic(prepared, cells, n, confidence_k=None)
        q, phenotype = model(held.expression, held.embedding, held.phenotype), held.phenotype
    else:
        run = fit(*cells_of(file, variant), n, variant, seed=seed, **fitting)
        q, phenotype, P = run.q, run.cells.phenotype, run.matrix
    again = matrix_refits(file, variant, refits=SETTINGS["matrix_refits"], seed=seed, only=(variant,), **fitting)
    found = list(rows(seed, name, refit_interval(P, refits_of(again, variant, table.phenotypes), ())))
    return [*found, *rows(seed, f"{name}, resampled", resampled_predictions(q, phenotype, P, seed))]


def resampled_predictions(q: np.ndarray, phenotype: np.ndarray, P: np.ndarray, seed: int) -> Matrix:
    """Percentiles of P over held-out cells drawn again, which leave the training out."""
    rng = np.random.default_rng(seed)
    low, high = np.empty((2, *P.shape))
    for i in range(len(P)):
        own = q[phenotype == i]
        draws = own[rng.integers(len(own), size=(1000, len(own)))].mean(axis=1)
        low[i], high[i] = np.percentile(draws, [2.5, 97.5], axis=0)
    return Matrix(P, low, high, [])


def coverage(table: pd.DataFrame, true: np.ndarray) -> str:
    """The table of the page."""
    truth = true[table["source"].to_numpy(int), table["target"].to_numpy(int)]  # of a table that began empty they are objects
    held = (table["low"] <= truth + 1e-9) & (truth - 1e-9 <= table["high"])
    lines = ["| P | data sets | intervals | hold the truth | mean width | mean error of P |", "|---|---:|---:|---:|---:|---:|"]
    for method, name in CALLS.items():
        own = table["method"] == method
        if own.any():
            width, error = (table["high"] - table["low"])[own].mean(), (table["P"] - truth)[own].abs().mean()
            lines.append(f"| {name} | {table['seed'][own].nunique()} | {own.sum()} | {held[own].mean():.1%} | {width:.3f} | {error:.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counted", type=int, default=200)
    parser.add_argument("--logistic", type=int, default=200)
    parser.add_argument("--network", type=int, default=20)
    arguments = parser.parse_args()
    columns = ["seed", "method", "source", "target", "P", "low", "high", "true"]
    table = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=columns)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)

    def add(found: list[tuple]) -> pd.DataFrame:
        grown = pd.concat([table, pd.DataFrame(found, columns=columns)], ignore_index=True)
        with replacing(RESULTS) as temporary:
            grown.to_csv(temporary, index=False)
        return grown

    def there(method: str) -> set[int]:
        return set(table.loc[table["method"] == method, "seed"])

    for seed in range(FIRST_SEED, FIRST_SEED + arguments.counted):
        if seed not in there("counted"):
            table = add(counted(seed))
    true = table[table["method"] == "counted"].pivot_table(index="source", columns="target", values="true").to_numpy()
    for seed in range(FIRST_SEED, FIRST_SEED + arguments.counted):
        if seed not in there("counted, donors"):
            table = add(donors(seed, true))
    for name, variant, number in (("network", SETTINGS["network"], arguments.network), ("logistic", "logistic", arguments.logistic)):
        for seed in range(FIRST_SEED, FIRST_SEED + number):
            if seed not in there(name):
                table = add(refitted(seed, variant))
                print(coverage(table, true), flush=True)
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    with replacing(PAGE) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n\n{coverage(table, true)}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
