"""The interval of a network's P: the network trained again on resampled cells, so that what training adds is in it.

Predictions of one network that are resampled leave out the error of its training, which is most of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import t as student

from cellfate.base.progress import progress
from cellfate.statistics.intervals import LEVEL
from cellfate.transition.cells import Cells, Prepared
from cellfate.transition.files import PreparedFile
from cellfate.transition.fit import cells_of, fit, logistic
from cellfate.transition.matrix.counted import Matrix, without_interval
from cellfate.transition.metrics import mean_by_phenotype

FEWEST = 3  # refits; the spread of two is a guess
EDGE = 1e-4  # probabilities are this far from 0 and 1 on the scale on which they spread
NO_REFITS = "none: transition.matrix_refits is 0, and predictions that are resampled without training leave out most of the error"
Said = Callable[[Prepared, Cells, int], np.ndarray]  # cells and a seed -> the probabilities (N, n) of the held-out ones


def resampled(prepared: Prepared, cells: Cells, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Places of the cells of a bootstrap sample: drawn again within each part and phenotype, or whole ``groups`` within each part."""
    found = []
    for part in np.unique(prepared.parts.astype(str)):
        inside = prepared.parts == part
        if groups is None:
            strata = [np.flatnonzero(inside & (cells.phenotype == code)) for code in np.unique(cells.phenotype[inside])]
            found += [rng.choice(stratum, len(stratum)) for stratum in strata]
        else:
            names = np.unique(groups[inside].astype(str))
            found += [np.flatnonzero(inside & (groups.astype(str) == name)) for name in rng.choice(names, len(names))]
    return np.sort(np.concatenate(found))


def refitted_matrices(
    prepared: Prepared, cells: Cells, n_phenotypes: int, said: Said, *, refits: int, seed: int, groups: np.ndarray | None
) -> np.ndarray:
    """P (R, n, n) of ``refits`` trainings on resampled cells; NaN rows where a sample has no training or no held-out cell of a phenotype.

    The z-scores, the choice of genes and the embedding stay those of all training cells.
    """
    found = []
    for turn in progress(range(refits), "refits of P"):
        chosen = resampled(prepared, cells, groups, np.random.default_rng([seed, turn]))
        rows = {name: getattr(prepared, name)[chosen] for name in ("values", "log_expression", "cells", "parts", "embedding")}
        again, own = replace(prepared, **rows), cells.take(chosen)
        q = said(again, own, seed + turn + 1)
        P = mean_by_phenotype(q, own.phenotype[again.held_out], n_phenotypes)
        P[np.setdiff1d(np.arange(n_phenotypes), own.phenotype[again.parts == "train"])] = np.nan
        found.append(P)
    return np.array(found)


def refit_interval(P: np.ndarray, refits: np.ndarray, absorbing: Sequence[int]) -> Matrix:
    """``P`` (n, n) with 95 % limits from P of the ``refits`` (R, n, n): t limits on the logit scale with R - 1 degrees of freedom."""
    if len(refits) == 0:
        return without_interval(P, NO_REFITS, absorbing)
    found = without_interval(P, "", absorbing)
    low, high, intervals = found.low.copy(), found.high.copy(), list(found.intervals)
    for i in np.setdiff1d(np.arange(len(P)), np.asarray(absorbing, int)):
        own = refits[~np.isnan(refits[:, i]).any(axis=1), i]
        if len(own) < FEWEST:
            intervals[i] = f"none: {len(own)} of {len(refits)} refits have such cells, at least {FEWEST} are needed"
            continue
        spread = logit(np.clip(own, EDGE, 1 - EDGE)).std(axis=0, ddof=1)
        half = student.ppf((1 + LEVEL) / 2, len(own) - 1) * spread
        middle = logit(np.clip(P[i], EDGE, 1 - EDGE))
        low[i], high[i] = np.minimum(expit(middle - half), P[i]), np.maximum(expit(middle + half), P[i])
        intervals[i] = f"{len(own)} bootstrapped refits"
    return Matrix(P, low, high, intervals)


def matrix_refits(file: PreparedFile, variant: str, *, refits: int, seed: int, only: Sequence[str] = (), **fitting: object) -> pd.DataFrame:
    """P of ``variant`` and of logistic regression, each refitted on resampled cells: a table ``matrix_refits``.

    ``only`` names those of the two that are wanted, both without it; ``fitting`` goes to :func:`cellfate.transition.fit.train`.
    """
    n, static = len(file.phenotypes), file.targets_kind == "static"

    def network(prepared: Prepared, cells: Cells, turn: int) -> np.ndarray:
        run = fit(prepared, cells, n, variant, seed=turn, **fitting)
        return run.predictions.fused if static else run.q

    def regression(prepared: Prepared, cells: Cells, turn: int) -> np.ndarray:
        model, _, _, held = logistic(prepared, cells, n, confidence_k=None)
        return model.phenotype(held.expression) if static else model(held.expression, held.embedding, held.phenotype)

    again = {"refits": refits, "seed": seed, "groups": file.groups}
    tables = []
    for name, said in {variant: network, "logistic": regression}.items():
        if only and name not in only:
            continue
        found = refitted_matrices(*(file.cells() if name == "logistic" else cells_of(file, name)), n, said, **again)
        tables += [long_matrix(P, file.phenotypes).assign(variant=name, refit=turn) for turn, P in enumerate(found)]
    return pd.concat(tables, ignore_index=True)


def long_matrix(P: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """``P`` (n, n) as rows source, target, probability."""
    n = len(names)
    return pd.DataFrame({"source": np.repeat(list(names), n), "target": np.tile(list(names), n), "probability": np.asarray(P).ravel()})


def refits_of(table: pd.DataFrame, variant: str, names: Sequence[str]) -> np.ndarray:
    """P (R, n, n) of the refits of ``variant`` in a table ``matrix_refits``; none where it was not refitted."""
    own = table[table["variant"] == variant].sort_values("refit", kind="stable")
    n = len(names)
    assert own["source"].tolist() == np.tile(np.repeat(list(names), n), len(own) // n**2).tolist(), "rows of another order"
    return own["probability"].to_numpy(float).reshape(-1, n, n)
