"""Cells that follow a Markov chain of known matrix."""

import numpy as np

CHAIN = np.array([[0.85, 0.1, 0.04, 0.01], [0.2, 0.75, 0.01, 0.04], [0, 0, 1, 0], [0, 0, 0, 1]])


def simulated(P, n_cells, n_frames, rng, n_states=2):
    """Courses (n_cells, n_frames) of a Markov chain that starts in any of its states."""
    courses = np.empty((n_cells, n_frames), int)
    now = rng.integers(0, n_states, n_cells)
    for frame in range(n_frames):
        courses[:, frame] = now
        now = (rng.random(n_cells)[:, None] > P[now].cumsum(axis=1)).sum(axis=1)
    return courses
