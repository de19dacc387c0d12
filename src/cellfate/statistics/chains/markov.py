"""Markov chains between states: transition matrices from counts, their entropy, where a chain ends, and whether it is one.

Used for the phenotypes of sequenced cells and for the states of tracked ones (cellfate.states.chain). ``P`` (n, n) is row-stochastic:
``P[i, j]`` is the probability of state j one step after state i.
"""

from collections.abc import Sequence

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
    P, absorbing, transient = check_transition_matrix(P), list(absorbing), _transient(P, absorbing)
    found = np.zeros((len(P), len(absorbing)))
    found[absorbing, range(len(absorbing))] = 1
    if transient:
        found[transient] = np.linalg.solve(_fundamental_system(P, transient), P[np.ix_(transient, absorbing)])
    return np.clip(found, 0, 1)  # but for rounding they are within


def absorption_times(P: np.ndarray, absorbing: list[int]) -> np.ndarray:
    """The expected number of steps until any of ``absorbing`` is reached, (n,): t = (I - Q)^-1 1; 0 for those themselves.

    Raises InputError when some state reaches none of them.
    """
    P, transient = check_transition_matrix(P), _transient(P, absorbing)
    found = np.zeros(len(P))
    if transient:
        found[transient] = np.linalg.solve(_fundamental_system(P, transient), np.ones(len(transient)))
    return found


def times_to_fates(P: np.ndarray, absorbing: list[int]) -> np.ndarray:
    """[i, a]: the expected steps of those chains from state i that end in ``absorbing[a]``, (n, A); NaN where none does.

    (I - Q)^-1 b_a / b_a with b_a the absorption probabilities: the chain given its fate. Raises InputError when some state reaches none.
    """
    P, transient = check_transition_matrix(P), _transient(P, absorbing)
    ends = absorption_probabilities(P, absorbing)
    found = np.where(np.eye(len(P))[:, list(absorbing)] > 0, 0.0, np.nan)
    if transient:
        own = ends[transient]
        waited = np.linalg.solve(_fundamental_system(P, transient), own)
        found[transient] = np.divide(waited, own, out=np.full(own.shape, np.nan), where=own > 0)
    return found


def _transient(P: np.ndarray, absorbing: list[int]) -> list[int]:
    return [i for i in range(len(P)) if i not in list(absorbing)]


def _fundamental_system(P: np.ndarray, transient: list[int]) -> np.ndarray:
    """I - Q of the ``transient`` states; InputError where some of them is never left."""
    system = np.eye(len(transient)) - P[np.ix_(transient, transient)]
    if np.linalg.matrix_rank(system) < len(transient):
        raise InputError("absorption probabilities: some states never reach an absorbing one")
    return system


def stationary_shares(P: np.ndarray) -> np.ndarray:
    """The shares (n,) of the states that one step leaves as they are. Raises InputError where there is more than one such set."""
    P = check_transition_matrix(P)
    system = np.vstack([P.T - np.eye(len(P)), np.ones(len(P))])
    if np.linalg.matrix_rank(system) < len(P):
        raise InputError("stationary shares: the chain falls apart into parts that never meet")
    return np.clip(np.linalg.lstsq(system, np.append(np.zeros(len(P)), 1.0), rcond=None)[0], 0, 1)


def stable_states(P: np.ndarray, stability: float) -> list[int]:
    """States in which a chain stays for at least ``stability`` of its steps, absorbing ones among them."""
    return np.flatnonzero(np.diag(check_transition_matrix(P)) >= stability).tolist()


def powers(P: np.ndarray, steps: Sequence[int]) -> dict[int, np.ndarray]:
    """P^k for each k of ``steps``."""
    P = check_transition_matrix(P)
    return {k: np.linalg.matrix_power(P, k) for k in steps}


def chapman_kolmogorov(one_step: np.ndarray, many_steps: np.ndarray, steps: int) -> np.ndarray:
    """How far ``one_step`` ^ ``steps`` is from the matrix ``many_steps`` that was counted over as many steps, (n, n).

    A Markov chain with constant probabilities gives about 0; the caller judges by the sampling error of the counts.
    """
    return np.linalg.matrix_power(check_transition_matrix(one_step), steps) - check_transition_matrix(many_steps)
