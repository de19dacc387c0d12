"""The tables of a fitted transition network, as :mod:`cellfate.base.tables` declares them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.statistics.chains.markov import overall_entropy, row_entropy
from cellfate.statistics.reliability import reliability
from cellfate.transition.cells import Cells
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import Fit, Said
from cellfate.transition.matrix.counted import Matrix, counted_matrix, without_interval
from cellfate.transition.matrix.refits import long_matrix, refit_interval, refits_of
from cellfate.transition.metrics import BINS, LATE_FALL, confidence, late_fall, mean_by_phenotype, transition_factor
from cellfate.transition.network.baselines import NETWORKS, LogisticTransitions
from cellfate.transition.tables import TRANSITION_MATRIX

OBSERVED = ("observed", "distribution", "clones")  # kinds of targets that are no estimates
NOT_REFITTED = "none: this variant is not refitted"


def score_table(together: Said, fits: Sequence[Fit], *, confidence_k: int | None) -> pd.DataFrame:
    """Scores of what the seeds say together, with the smallest and the largest of the single ones; and how the trainings ended."""
    value = together.scores(confidence_k=confidence_k)
    single = pd.DataFrame([run.scores(confidence_k=confidence_k) for run in fits])
    table = scores_of(together.variant, value, len(together.cells))
    table["value_min"], table["value_max"] = single.min().to_numpy(), single.max().to_numpy()
    late = [late_fall(run.curves) for run in fits]
    end = {"variant": together.variant, "metric": LATE_FALL, "value": np.mean(late), "n_cells": len(together.cells)}
    return pd.concat([table, pd.DataFrame([end | {"value_min": min(late), "value_max": max(late)}])], ignore_index=True)


def scores_of(variant: str, scores: Mapping[str, float], n_cells: int) -> pd.DataFrame:
    """Scores of one model; a model without seeds has no other values than this one."""
    values = list(scores.values())
    return pd.DataFrame({"variant": variant, "metric": list(scores), "value": values, "value_min": values, "value_max": values}).assign(
        n_cells=n_cells
    )


def with_roles(scores: pd.DataFrame, network: str) -> pd.DataFrame:
    """The scores of all variants, the ``network`` first, with the role of each."""
    role = np.select([scores["variant"] == network, scores["variant"].isin([*NETWORKS, "logistic"])], ["network", "baseline"], "variant")
    return scores.assign(role=role).sort_values("role", key=lambda roles: roles != "network", kind="stable", ignore_index=True)


def matrix_table(run: Said, file: PreparedFile) -> pd.DataFrame:
    """P with its entropies and no interval. For static labels: the confusion of phenotypes, the mean of p_fused, and called so."""
    q = run.predictions.fused if file.targets_kind == "static" else run.q
    return _of_predictions(run.variant, q, run.cells, file)


def logistic_matrix_table(regression: LogisticTransitions, held: Cells, file: PreparedFile) -> pd.DataFrame:
    """The same for the logistic regressions."""
    static = file.targets_kind == "static"
    q = regression.phenotype(held.expression) if static else regression(held.expression, held.embedding, held.phenotype)
    return _of_predictions("logistic", q, held, file)


def _of_predictions(variant: str, q: np.ndarray, cells: Cells, file: PreparedFile) -> pd.DataFrame:
    n = len(file.phenotypes)
    matrix = without_interval(mean_by_phenotype(q, cells.phenotype, n), NOT_REFITTED, file.absorbing)
    return _long(variant, matrix, np.bincount(cells.phenotype, minlength=n), file)


def counted_matrix_table(file: PreparedFile) -> pd.DataFrame:
    """P counted from the next phenotypes of all cells; none for static labels."""
    if file.targets_kind == "static":
        return pd.DataFrame(columns=list(TRANSITION_MATRIX.columns))
    matrix = counted_matrix(file.targets, file.phenotype, file.absorbing, file.groups, observed=file.targets_kind in OBSERVED)
    return _long("counted", matrix, np.bincount(file.phenotype, minlength=len(file.phenotypes)), file)


def matrices_table(tables: Sequence[pd.DataFrame], refits: pd.DataFrame, file: PreparedFile, network: str) -> pd.DataFrame:
    """The matrices of all variants in one table, that of ``network`` first, then the counted one; those that were refitted have intervals.

    Without refits the network and the regression say so as the reason.
    """
    names, found = file.phenotypes, []
    tables = sorted(tables, key=lambda table: table["variant"].iloc[0] != network)
    for table in tables:
        variant = table["variant"].iloc[0]
        if variant in (network, "logistic"):
            P = table["probability"].to_numpy(float).reshape(len(names), -1)
            sizes = table["n_cells"].to_numpy()[:: len(names)]
            table = _long(variant, refit_interval(P, refits_of(refits, variant, names), file.absorbing), sizes, file)
        found.append(table)
    found.insert(1, counted_matrix_table(file))
    return pd.concat([table for table in found if len(table)], ignore_index=True)


def _long(variant: str, matrix: Matrix, sizes: np.ndarray, file: PreparedFile) -> pd.DataFrame:
    n = len(file.phenotypes)
    columns = {
        "variant": variant,
        "kind": "confusion" if file.targets_kind == "static" else "transition",
        **long_matrix(np.clip(matrix.P, 0, 1), file.phenotypes),
        "ci_low": np.clip(matrix.low, 0, 1).ravel(),
        "ci_high": np.clip(matrix.high, 0, 1).ravel(),
        "interval": np.repeat(matrix.intervals, n),
        "absorbing": np.repeat(np.isin(np.arange(n), file.absorbing), n),
        "entropy": np.repeat(row_entropy(matrix.P), n),
        "overall_entropy": overall_entropy(matrix.P, sizes),
        "n_cells": np.repeat(sizes, n),
    }
    return pd.DataFrame(columns)


def cell_table(run: Said, file: PreparedFile, *, confidence_k: int | None) -> pd.DataFrame:
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
