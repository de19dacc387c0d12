"""What every baseline predicts for the test part of each fold, at the prefixes at which the network is scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.progress import progress
from cellfate.evaluation.baselines.fits import choose_strength, fit_boosting, fit_logistic, logistic
from cellfate.evaluation.baselines.prefixes import Course, last_values, prefixes, summaries
from cellfate.evaluation.rates import UNKNOWN, VARIABLES, design_values, fit_rates
from cellfate.statistics.bootstrap import resampling_units
from cellfate.trajectories.folds import fold_trajectories

KNOWN = ["trajectory", "recording", "lineage", "treatment", "label", "n"]


@dataclass(frozen=True)
class Inputs:
    """What baselines see of the prefixes ``rows``: their last rings, and summaries of all rings and, where given, features."""

    rows: pd.DataFrame
    last: np.ndarray
    rings: np.ndarray
    features: np.ndarray | None

    def of(self, mask: np.ndarray) -> "Inputs":
        features = None if self.features is None else self.features[mask]
        return Inputs(self.rows[mask], self.last[mask], self.rings[mask], features)

    @property
    def labels(self) -> np.ndarray:
        return self.rows["label"].to_numpy(int)


def predict_baselines(
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    rings: pd.DataFrame,
    features: pd.DataFrame | None,
    *,
    dropped: Sequence[int],
    min_frames: int,
    seed: int,
) -> pd.DataFrame:
    """The baseline_predictions table: every test trajectory of every fold, without its last n frames for each n of ``dropped`` and 0.

    Methods: ``majority``; each of VARIABLES, as :mod:`cellfate.evaluation.rates` has them; ``rings_last_frame``, a logistic regression
    on the logarithms of the last frame's rings, fitted for each n on training trajectories without their last n frames;
    ``rings_any_frame``, the same but fitted once on all of these prefixes; ``rings_prefix``, boosted trees on summaries of all frames,
    fitted once likewise; and, with ``features`` (of all tracks), ``features_prefix``. All are fitted on the training part of a fold alone.
    """
    usable = trajectories[trajectories["usable"]].reset_index(drop=True)
    course = Course(rings, logarithm=True)
    rows = prefixes(usable, course, dropped, min_frames)
    of_features = None if features is None else summaries(Course(features, logarithm=False), rows)
    inputs = Inputs(rows, last_values(course, rows), summaries(course, rows), of_features)
    tables = []
    for fold in progress(sorted(split["fold"].unique()), "fit baselines", unit="fold"):
        members = fold_trajectories(usable, split, fold, ["train", "test"])
        parts = rows["trajectory"].map(members.set_index("trajectory")["split"])
        train, test = (inputs.of((parts == part).to_numpy()) for part in ("train", "test"))
        for method, probability in _methods(train, test, seed):
            tables.append(test.rows[KNOWN].assign(method=method, fold=fold, probability=probability))
    return pd.concat(tables, ignore_index=True)


def _methods(train: Inputs, test: Inputs, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, probability of label 1 for each test prefix) of every baseline."""
    majority = float(train.labels[train.rows["n"] == 0].mean() > 0.5)
    yield "majority", np.full(len(test.rows), majority)
    of_train, of_test = design_values(train.rows), design_values(test.rows)
    for name in VARIABLES:
        yield name, _by_n(train, test, lambda a, b, name=name: _rates(of_train[name], of_test[name], train.labels, a, b))
    groups = resampling_units(train.rows["recording"].to_numpy(), train.rows["lineage"].to_numpy())
    whole = (train.rows["n"] == 0).to_numpy()
    strength = choose_strength(train.last[whole], train.labels[whole], groups[whole], seed)
    yield "rings_last_frame", _by_n(train, test, lambda a, b: _last_frame(train, test, strength, a, b))
    yield "rings_any_frame", fit_logistic(train.last, train.labels, groups, seed).predict_proba(test.last)[:, 1]
    yield "rings_prefix", fit_boosting(train.rings, train.labels, seed).probability(test.rings)
    if train.features is not None:
        yield "features_prefix", fit_boosting(train.features, train.labels, seed).probability(test.features)


def _by_n(train: Inputs, test: Inputs, predict) -> np.ndarray:
    """Probabilities of a baseline that is fitted for each n; ``predict`` gets the masks of the training and the test prefixes of one n.

    Where the training prefixes of an n lack a class nothing is known.
    """
    found = np.full(len(test.rows), UNKNOWN)
    for n in test.rows["n"].unique():
        a, b = (train.rows["n"] == n).to_numpy(), (test.rows["n"] == n).to_numpy()
        if len(np.unique(train.labels[a])) == 2:
            found[b] = predict(a, b)
    return found


def _rates(of_train: pd.Series, of_test: pd.Series, labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return fit_rates(of_train[a].to_numpy(), labels[a]).predict(of_test[b].to_numpy())


def _last_frame(train: Inputs, test: Inputs, strength: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return logistic(strength).fit(train.last[a], train.labels[a]).predict_proba(test.last[b])[:, 1]
