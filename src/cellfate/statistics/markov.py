"""Markov chains between states: transition matrices from counts, their entropy, where a chain ends, and whether it is one.

Used for the phenotypes of sequenced cells and for the states of tracked ones (cellfate.states.chain). ``P`` (n, n) is row-stochastic:
``P[i, j]`` is the probability of state j one step after state i.
"""

import numpy as np

from cellfate.base.errors import InputError

ROW_TOLERANCE = 1e-6  # a row of a transition matrix may differ from 1 by this much


def count_transitions(sources: np.ndarray, targets: np.ndarray, n_states: int) -> np.ndarray:
    """How often state ``targets[t]`` follows state ``sources[t]``, both (T,) of 0 .. n_states - 1: an (n, n) array of counts."""
    counts = np.zeros((n_states, n_states))
    np.add.at(counts, (np.asarray(sources, int), np.asarray(targets, int)), 1)
    return counts


def transition_matrix(counts: np.ndarray, smoothing: float) -> np.ndarray:
    """The posterior mean of P under a symmetric Dirichlet prior of ``smoothing`` counts per entry (0.5 is Jeffreys' prior).

    Raises InputError when nothing was counted for a state and ``smoothing`` is 0.
    """
    counts = np.asarray(counts, float) + smoothing
    totals = counts.sum(axis=1)
    if (totals == 0).any():
        raise InputError(f"transition matrix: state {int((totals == 0).argmax())} has no transition; a smoothing above 0 is needed")
    return counts / totals[:, None]


def check_transition_matrix(P: np.ndarray) -> np.ndarray:
    """``P`` as floats; an InputError names the first row that is no distribution."""
    P = np.asarray(P, float)
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise InputError(f"transition matrix: a square matrix is needed, this one is {P.shape}")
    wrong = (np.abs(P.sum(axis=1) - 1) > ROW_TOLERANCE) | (P < -ROW_TOLERANCE).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"transition matrix: row {row} is {P[row].round(4).tolist()}, probabilities that add up to 1 are needed")
    return np.clip(P, 0, None)


def row_entropy(P: np.ndarray) -> np.ndarray:
    """H_i = - sum_j P_ij ln P_ij in nats, (n,); 0 ln 0 counts as 0."""
    P = np.asarray(P, float)
    return -np.where(P > 0, P * np.log(np.where(P > 0, P, 1.0)), 0.0).sum(axis=-1)


def overall_entropy(P: np.ndarray, weights: np.ndarray) -> float:
    """sum_i pi_i H_i in nats. ``weights`` (n,) are shares or counts of the states."""
    weights = np.asarray(weights, float)
    return float((weights / weights.sum() * row_entropy(P)).sum())


def absorption_probabilities(P: np.ndarray, absorbing: list[int]) -> np.ndarray:
    """[i, a]: the probability that a chain from state i ends in ``absorbing[a]``, (n, A).

    B = (I - Q)^-1 R with Q and R the rows of the transient states (Kemeny and Snell, Finite Markov Chains, 1960). Raises
    InputError when some state reaches none of them.
    """
    P = check_transition_matrix(P)
    absorbing = list(absorbing)
    transient = [i for i in range(len(P)) if i not in absorbing]
    found = np.zeros((len(P), len(absorbing)))
    found[absorbing, range(len(absorbing))] = 1
    system = np.eye(len(transient)) - P[np.ix_(transient, transient)]
    if transient and np.linalg.matrix_rank(system) < len(transient):
        raise InputError("absorption probabilities: some states never reach an absorbing one")
    if transient:
        found[transient] = np.linalg.solve(system, P[np.ix_(transient, absorbing)])
    return np.clip(found, 0, 1)  # but for rounding they are within


def chapman_kolmogorov(one_step: np.ndarray, many_steps: np.ndarray, steps: int) -> np.ndarray:
    """How far ``one_step`` ^ ``steps`` is from the matrix ``many_steps`` that was counted over as many steps, (n, n).

    A Markov chain with constant probabilities gives about 0; the caller judges by the sampling error of the counts.
    """
    return np.linalg.matrix_power(check_transition_matrix(one_step), steps) - check_transition_matrix(many_steps)
