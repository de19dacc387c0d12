"""The tables of a fitted transition network, as :mod:`cellfate.base.tables` declares them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cellfate.statistics.markov import overall_entropy, row_entropy
from cellfate.statistics.reliability import reliability
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import Fit
from cellfate.transition.metrics import BINS, bootstrap_matrix, confidence, mean_by_phenotype, transition_factor
from cellfate.transition.network.baselines import LogisticTransitions
from cellfate.transition.network.training import Cells


def score_table(variant: str, scores: Mapping[str, float], n_cells: int) -> pd.DataFrame:
    return pd.DataFrame({"variant": variant, "metric": list(scores), "value": list(scores.values()), "n_cells": n_cells})


def matrix_table(run: Fit, file: PreparedFile, *, bootstrap: int, seed: int) -> pd.DataFrame:
    """P with its interval and entropies. For static labels: the confusion of phenotypes, the mean of p_fused, and called so."""
    if file.targets_kind == "static":
        return _matrix_table(run.variant, "confusion", run.predictions.fused, run.cells, file, bootstrap, seed)
    return _matrix_table(run.variant, "transition", run.q, run.cells, file, bootstrap, seed)


def logistic_matrix_table(regression: LogisticTransitions, held: Cells, file: PreparedFile, *, bootstrap: int, seed: int) -> pd.DataFrame:
    """The same for the logistic regressions."""
    if file.targets_kind == "static":
        return _matrix_table("logistic", "confusion", regression.phenotype(held.expression), held, file, bootstrap, seed)
    return _matrix_table("logistic", "transition", regression(held.expression, held.embedding, held.phenotype), held, file, bootstrap, seed)


def _matrix_table(variant: str, kind: str, q: np.ndarray, cells: Cells, file: PreparedFile, bootstrap: int, seed: int) -> pd.DataFrame:
    n = len(file.phenotypes)
    low, high = bootstrap_matrix(q, cells.phenotype, n, bootstrap=bootstrap, seed=seed)
    return _long(variant, kind, mean_by_phenotype(q, cells.phenotype, n), low, high, cells, file)


def _long(variant: str, kind: str, matrix: np.ndarray, low: np.ndarray, high: np.ndarray, cells: Cells, file: PreparedFile) -> pd.DataFrame:
    names, n = file.phenotypes, len(file.phenotypes)
    sizes = np.bincount(cells.phenotype, minlength=n)
    columns = {
        "variant": variant,
        "kind": kind,
        "source": np.repeat(names, n),
        "target": np.tile(names, n),
        "probability": np.clip(matrix, 0, 1).ravel(),
        "ci_low": np.clip(low, 0, 1).ravel(),
        "ci_high": np.clip(high, 0, 1).ravel(),
        "entropy": np.repeat(row_entropy(matrix), n),
        "overall_entropy": overall_entropy(matrix, sizes),
        "n_cells": np.repeat(sizes, n),
    }
    return pd.DataFrame(columns)


def cell_table(run: Fit, file: PreparedFile, *, confidence_k: int | None) -> pd.DataFrame:
    """One row per held-out cell: probabilities of its present (p_) and next (q_) phenotype, confidence, uncertainty, transition factor."""
    names = np.array(file.phenotypes, dtype=object)
    fused = run.predictions.fused
    static = file.targets_kind == "static"
    columns = {
        "cell": file.prepared.cells[run.test],
        "phenotype": names[run.cells.phenotype],
        "predicted": names[fused.argmax(axis=1)],
        "confidence": np.clip(confidence(fused, confidence_k), 0, 1),
        "uncertainty": np.clip(run.u, 0, 1),
        "transition_factor": np.nan if static else transition_factor(run.q, run.cells.phenotype, run.u),
    }
    columns |= {f"p_{name}": fused[:, place] for place, name in enumerate(names)}
    columns |= {} if static else {f"q_{name}": run.q[:, place] for place, name in enumerate(names)}
    return pd.DataFrame(columns)


def reliability_table(variant: str, probabilities: np.ndarray, phenotype: np.ndarray, *, confidence_k: int | None) -> pd.DataFrame:
    """How often predictions of a confidence are right, in bins of equal width."""
    right = probabilities.argmax(axis=1) == phenotype
    table, _ = reliability(right, np.clip(confidence(probabilities, confidence_k), 0, 1), bins=BINS)
    return table.assign(variant=variant)
