"""Whether transitions over many steps are those of a Markov chain: the size of what a matrix puts into the wrong place, and a verdict."""

from dataclasses import dataclass

import numpy as np

UNITS = 3  # recordings, or donors, that a verdict needs; with 2 the check failed 12 % of simulated Markov chains, with 3 to 12 at most 2 %
LEVEL = 0.05  # of the check of a group, over all its numbers of steps
HOLDS, FAILS, NOT_JUDGED = "holds", "fails", "not judged"


@dataclass(frozen=True)
class ChainCheck:
    """What P^k misplaces, and its verdict; ``noise`` (R, n, m) is what resampled units give in place of the difference."""

    misplaced: float
    sampling_95: float
    p_value: float
    level: float
    verdict: str
    noise: np.ndarray

    def columns(self) -> dict[str, object]:
        names = ("misplaced", "sampling_95", "p_value", "level", "verdict")
        return {name: getattr(self, name) for name in names}


def misplaced(difference: np.ndarray, shares: np.ndarray) -> float:
    """The share of the cells that a matrix with this ``difference`` (n, m) puts into the wrong state, 1/2 sum_ij pi_i |D_ij|."""
    return float(0.5 * (shares[:, None] * np.abs(difference[: len(shares)])).sum())


def check_chain(difference: np.ndarray, resampled: np.ndarray, shares: np.ndarray, *, n_units: int, n_checks: int) -> ChainCheck:
    """Judge ``difference`` (n, m), of P^k from what was seen over k steps, against that of ``resampled`` (R, n, m) draws of units.

    What is judged is :func:`misplaced` against that of D* - D in resampled units, widened by sqrt(U / (U - 1)) as a sample's variance
    is. ``shares`` (n,) are of the sources; LEVEL is Bonferroni's over ``n_checks``. Not judged with fewer than UNITS units.
    """
    noise = (resampled - difference) * (np.sqrt(n_units / (n_units - 1)) if n_units > 1 else 1)
    found = misplaced(difference, shares)
    by_chance = np.array([misplaced(own, shares) for own in noise])
    level, judged = LEVEL / n_checks, n_units >= UNITS
    p_value = (1 + int((by_chance >= found).sum())) / (len(by_chance) + 1) if judged else np.nan
    verdict = NOT_JUDGED if not judged else FAILS if p_value < level else HOLDS
    return ChainCheck(found, float(np.percentile(by_chance, 95)) if judged else np.nan, p_value, level, verdict, noise)
