"""Scores against the simulator's truth: how far P is off, whether planted regulators are found, and whether knockouts do what they would.

Only the scoring of simulated cells reads these files.
"""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cellfate.base.hdf5 import open_hdf5, reading
from cellfate.transition.cells import Prepared
from cellfate.transition.metrics import mean_by_phenotype, precision_at_k

LEVEL = 0.05  # q-values up to this count as found


@dataclass(frozen=True)
class Truth:
    """The exact probabilities of the next phenotype (N, n) of the simulated cells, and with knockouts (m, N, n), (S, N, n)."""

    cells: list[str]
    phenotype: np.ndarray
    phenotypes: list[str]
    genes: list[str]
    roles: np.ndarray
    pathways: list[str]
    pathway_edges: np.ndarray
    probabilities: np.ndarray
    knockouts: np.ndarray
    pathway_knockouts: np.ndarray

    def of(self, cells: list[str], genes: list[str]) -> "Truth":
        """The truth of these cells and genes, in this order."""
        rows = pd.Index(self.cells).get_indexer(list(map(str, cells)))
        columns = pd.Index(self.genes).get_indexer(list(map(str, genes)))
        assert (rows >= 0).all(), "a cell is not in the truth"
        assert (columns >= 0).all(), "a gene is not in the truth"
        return Truth(
            [self.cells[row] for row in rows],
            self.phenotype[rows],
            self.phenotypes,
            [self.genes[column] for column in columns],
            self.roles[columns],
            self.pathways,
            self.pathway_edges,
            self.probabilities[rows],
            self.knockouts[columns][:, rows],
            self.pathway_knockouts[:, rows],
        )

    def held_out(self, prepared: Prepared) -> "Truth":
        """The truth of the held-out cells and the analysed genes of ``prepared``, in their order."""
        return self.of(list(prepared.cells[prepared.held_out]), list(prepared.genes))

    @property
    def regulators(self) -> np.ndarray:
        return self.roles == "regulator"

    def matrix(self) -> np.ndarray:
        """The true P over these cells, (n, n)."""
        return mean_by_phenotype(self.probabilities, self.phenotype, len(self.phenotypes))

    def effects(self) -> np.ndarray:
        """The true change of P by the knockout of each gene, (m, n, n)."""
        n, base = len(self.phenotypes), self.matrix()
        return np.stack([mean_by_phenotype(q, self.phenotype, n) - base for q in self.knockouts])

    def pathway_effects(self) -> np.ndarray:
        """The true change of P by the knockout of each pathway, (S, n, n)."""
        n, base = len(self.phenotypes), self.matrix()
        return np.stack([mean_by_phenotype(q, self.phenotype, n) - base for q in self.pathway_knockouts])


def read_truth(path: str | Path) -> Truth:
    """Read what :func:`cellfate.transition.simulation.write_truth` wrote."""

    def words(node: h5py.Dataset) -> list[str]:
        return [value.decode() for value in node[()]]

    with open_hdf5(path, "the truth of simulated cells") as file, reading(path, "the truth of simulated cells"):
        return Truth(
            words(file["cells"]),
            file["phenotype"][()],
            words(file["phenotypes"]),
            words(file["genes"]),
            np.array(words(file["roles"])),
            words(file["pathways"]),
            file["pathway_edges"][()],
            file["probabilities"][()].astype(float),
            file["knockouts"][()].astype(float),
            file["pathway_knockouts"][()].astype(float),
        )


def matrix_error(matrix: np.ndarray, truth: Truth) -> float:
    """The mean |P - true P| over all entries."""
    return float(np.abs(matrix - truth.matrix()).mean())


def discovery(significant: np.ndarray, truth: Truth) -> dict[str, float]:
    """How many genes were called, the share of them that does nothing (false discoveries), and the share of regulators that was found."""
    called = int(significant.sum())
    return {
        "called": called,
        "false_discovery_proportion": float((significant & ~truth.regulators).sum() / called) if called else 0.0,
        "regulators_found": float((significant & truth.regulators).sum() / truth.regulators.sum()),
    }


def truth_scores(truth: Truth, matrices: pd.DataFrame, rankings: pd.DataFrame, knockouts: pd.DataFrame) -> pd.DataFrame:
    """Every score of a run: what, metric, value. ``truth`` is of the held-out cells and the analysed genes, in their order.

    ``matrices`` are the transition matrices of all variants in one table, ``rankings`` and ``knockouts`` the tables of genes.
    """
    n = len(truth.phenotypes)
    rows = [
        (f"P: {variant}", "mean_error", matrix_error(_as_matrix(table, truth.phenotypes), truth))
        for variant, table in matrices.groupby("variant", sort=False)
    ]
    rows.append(("P: uniform", "mean_error", matrix_error(np.full((n, n), 1 / n), truth)))
    for method, table in rankings.groupby("method", sort=False):
        scores = table.set_index("gene")["score"].reindex(truth.genes).to_numpy()
        rows.append((f"ranking: {method}", "precision_at_k", precision_at_k(scores, truth.regulators)))
    rows.append(("ranking: chance", "precision_at_k", float(truth.regulators.mean())))
    tests = {"the test of use, which calls none": "use_q_value", "held-out likelihood": "held_out_q_value", "refitting": "refit_q_value"}
    for kind, column in tests.items():
        if knockouts[column].isna().all():  # genes were not tested by refitting
            continue
        called = (knockouts.set_index("gene")[column].reindex(truth.genes) <= LEVEL).to_numpy()
        rows += [(f"knockouts by {kind}", metric, float(value)) for metric, value in discovery(called, truth).items()]
    return pd.DataFrame(rows, columns=["what", "metric", "value"])


def _as_matrix(table: pd.DataFrame, phenotypes: list[str]) -> np.ndarray:
    return table.pivot(index="source", columns="target", values="probability").loc[phenotypes, phenotypes].to_numpy(float)
