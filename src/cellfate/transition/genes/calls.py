"""When a gene, an edge or a set is called: p-values of random draws, their correction, and agreement of the seeds."""

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from cellfate.base.errors import InputError

NO_REFITS = "no gene is called: only the test by refitting calls genes, and transition.knockouts.refits is 0"


def p_value(null: np.ndarray, statistic: float) -> float:
    """The share of the draws ``null`` (R,) that reach ``statistic``, itself among them; NaN where it is no number."""
    return float((1 + (null >= statistic - 1e-12).sum()) / (len(null) + 1)) if np.isfinite(statistic) else np.nan


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg over the p-values that are numbers, (K,); the others are no tests and stay NaN, which is never significant."""
    p = np.asarray(p, float)
    found, known = np.full(p.shape, np.nan), np.isfinite(p)
    found[known] = false_discovery_control(p[known])
    return found


def agreed(p: np.ndarray) -> np.ndarray:
    """The largest p-value over the seeds, (S, K) -> (K,): a small one says that every seed has a small one; NaN where a seed has none."""
    return np.max(np.asarray(p, float), axis=0)


def smallest_p(draws: int) -> float:
    """The smallest p-value that ``draws`` random draws can give."""
    return 1 / (draws + 1)


def check_draws(permutations: int, n_genes: int, level: float) -> None:
    """Raises InputError when the smallest attainable p could not pass the correction even for one gene of ``n_genes``."""
    if smallest_p(permutations) > level / n_genes:
        needed = int(np.ceil(n_genes / level))
        raise InputError(
            f"transition.knockouts.permutations is {permutations}: a lone gene could never be found among {n_genes}; {needed} are needed"
        )


def report(values: pd.Series, level: float, draws: int, what: str) -> str:
    """How many of the q-values pass at ``level``, and the smallest p that ``draws`` can give beside the one that a lone ``what`` needs."""
    passed = f"{int((values <= level).sum())} of {len(values)} {what}s"
    return f"{passed}; smallest attainable p {smallest_p(draws):.2g}, a lone {what} needs {level / max(len(values), 1):.2g}"
