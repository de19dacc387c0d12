"""The course that cells share over time, estimated and taken out of features."""

import numpy as np
from scipy.sparse.csgraph import connected_components

MIN_COURSE = 3  # trajectories of an outcome that must have a value at a frame; with fewer the outcome's course has none there
ROUNDING = 1e-9  # of a feature's largest value: residuals that differ by less are ties


def additive_course(values: np.ndarray, min_course: int = MIN_COURSE) -> np.ndarray:
    """The course b of the additive model x_jt = a_j + b_t, level of trajectory j plus course, by least squares: (F, T).

    ``values`` (J, F, T), NaN where there is no value, and the course are in the features' units. The normal equations, the
    levels eliminated, are (D - M' N^-1 M) b = M' (x - means of the trajectories): M (J, T) says where there is a value, D and
    N count values per frame and per trajectory (two-way layout without interaction, unequal numbers; Searle, Linear Models,
    1971, chapter 7). A course is known up to a constant and has mean 0 here. NaN where fewer than ``min_course`` trajectories
    have a value, and at frames that no chain of trajectories links to the largest group of linked frames.
    """
    values = np.asarray(values, float)
    course = np.full(values.shape[1:], np.nan)
    known = ~np.isnan(values)
    alike: dict[bytes, list[int]] = {}  # features with values in the same places share the equations
    for feature in range(len(course)):
        alike.setdefault(known[:, feature].tobytes(), []).append(feature)
    for features in alike.values():
        mask = known[:, features[0]]
        if mask.any():
            frames = _linked_frames(mask)
            rows = mask[:, frames].any(axis=1)
            course[np.ix_(features, frames)] = _solved_course(values[np.ix_(rows, features, frames)], mask[np.ix_(rows, frames)])
            course[np.ix_(features, mask.sum(axis=0) < min_course)] = np.nan
    return course


def _linked_frames(mask: np.ndarray) -> np.ndarray:
    """The (T,) mask of the largest group of frames that trajectories link: those with values at both of two frames link them."""
    counts = mask.sum(axis=0)
    links = mask.T.astype(float) @ mask > 0
    groups = connected_components(links, directed=False)[1]
    return (groups == np.bincount(groups, weights=counts).argmax()) & (counts > 0)


def _solved_course(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Course (F, T) with mean 0 of linked frames; the features (J, F, T) have values in the same places, ``mask`` (J, T)."""
    sizes = mask.sum(axis=1)
    means = np.where(mask[:, None], values, 0.0).sum(axis=2) / sizes[:, None]
    rest = np.where(mask[:, None], values - means[:, :, None], 0.0).sum(axis=0)
    normal = np.diag(mask.sum(axis=0)) - mask.T @ (mask / sizes[:, None])
    return np.linalg.solve(normal + 1.0, rest.T).T  # adding 1 fixes the constant: it makes the sum of the course 0


def remove_course(values: np.ndarray, outcomes: np.ndarray, units: np.ndarray, min_course: int = MIN_COURSE) -> np.ndarray:
    """The first of :func:`remove_courses`: values less the course that both outcomes share, (J, F, T)."""
    return remove_courses(values, outcomes, units, min_course)[0]


def remove_courses(
    values: np.ndarray, outcomes: np.ndarray, units: np.ndarray, min_course: int = MIN_COURSE
) -> tuple[np.ndarray, np.ndarray]:
    """Values less the course that both outcomes share, and less that of the own outcome, (J, F, T) each.

    What is left is relative to other cells at the same time. ``values`` (J, F, T) are aligned at the end: column t is t frames before
    a trajectory's last frame. ``outcomes`` (J,) are 0 or 1. The shared course is the mean of the two outcomes'
    (:func:`additive_course`), whatever their sizes; all courses are without trajectories of the same of the ``units`` (J,) as the
    trajectory at hand. NaN where the others have no course: of either outcome, or of the own one.
    """
    values, outcomes, units = np.asarray(values, float), np.asarray(outcomes), np.asarray(units)
    shared, alike = np.full((2, *values.shape), np.nan)
    for unit in np.unique(units):
        own = units == unit
        courses = np.stack([additive_course(values[~own & (outcomes == outcome)], min_course) for outcome in (0, 1)])
        shared[own] = _less(values[own], courses.mean(axis=0))
        alike[own] = _less(values[own], courses[outcomes[own].astype(int)])
    return shared, alike


def _less(values: np.ndarray, course: np.ndarray) -> np.ndarray:
    """Values (J, F, T) less the course, rounded so that residuals that differ by rounding alone are ties."""
    largest = np.nan_to_num(np.abs(values) + np.abs(course)).max(axis=2, keepdims=True)
    step = ROUNDING * np.where(largest > 0, largest, 1.0)
    return np.round((values - course) / step) * step
