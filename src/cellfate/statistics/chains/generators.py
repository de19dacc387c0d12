"""Rates of a continuous-time Markov chain from its transition matrix over a known time."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm, logm

from cellfate.statistics.chains.markov import check_transition_matrix

TOLERANCE = 1e-8  # of entries that must be real, or not below 0, and of rows that add up to 0
LOGARITHM, ADJUSTED, FIRST_ORDER = "logarithm", "adjusted logarithm", "first order"


@dataclass(frozen=True)
class Generator:
    """Rates Q (n, n) per unit of time, off the diagonal from 0 on, rows adding up to 0. ``method`` says how they were had.

    ``embeddable`` is whether P is that of some chain in continuous time by its principal logarithm; ``error`` the largest
    |exp(Q t) - P|; ``reason`` why it is not embeddable, None where it is.
    """

    rates: np.ndarray
    method: str
    embeddable: bool
    error: float
    reason: str | None


def generator(P: np.ndarray, duration: float) -> Generator:
    """Q with exp(Q ``duration``) = P, by the matrix logarithm where that is a generator.

    Else its entries below 0 off the diagonal are set to 0 and the diagonal makes up for them (Israel, Rosenthal and Wei, Mathematical
    Finance 2001), or, where P has no real logarithm, Q = (P - I) / duration, the rates of a chain that is looked at in steps.
    """
    P = check_transition_matrix(P)
    determinant = np.linalg.det(P)
    found = _logarithm(P)
    if determinant <= 0 or found is None:
        reason = f"the determinant of P is {determinant:.2g}, above 0 is needed" if determinant <= 0 else "P has no real logarithm"
        return _described(P, P - np.eye(len(P)), duration, FIRST_ORDER, reason)
    off = found - np.diag(np.diag(found))
    lowest = off.min(initial=0.0)
    if lowest >= -TOLERANCE:
        return _described(P, _balanced(off), duration, LOGARITHM, None)
    i, j = np.unravel_index(off.argmin(), off.shape)
    reason = f"the logarithm of P has {lowest:.2g} at row {i}, column {j}, no rate is below 0"
    return _described(P, _balanced(off), duration, ADJUSTED, reason)


def _logarithm(P: np.ndarray) -> np.ndarray | None:
    """The principal logarithm where it is real and its rows add up to 0, None elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a singular P, which is told from what comes back
        found = logm(P)
    if not np.isfinite(found).all() or np.abs(np.imag(found)).max() > TOLERANCE or np.abs(found.sum(axis=1)).max() > 1e-6:
        return None
    return np.real(found)


def _balanced(off: np.ndarray) -> np.ndarray:
    """Rates with nothing below 0 off the diagonal and rows that add up to 0."""
    off = np.maximum(off, 0)
    return off - np.diag(off.sum(axis=1))


def _described(P: np.ndarray, per_duration: np.ndarray, duration: float, method: str, reason: str | None) -> Generator:
    error = float(np.abs(expm(per_duration) - P).max())
    return Generator(per_duration / duration, method, method == LOGARITHM, error, reason)
