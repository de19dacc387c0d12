"""What every baseline predicts for the test part of each fold, at the prefixes at which the network is scored."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.progress import progress
from cellfate.evaluation.baselines.fits import choose_strength, fit_boosting, fit_logistic, logistic
from cellfate.evaluation.baselines.prefixes import Course, landmark_prefixes, last_values, prefixes, summaries
from cellfate.evaluation.rates import UNKNOWN, VARIABLES, design_values, fit_rates
from cellfate.evaluation.time.clocks import Clocks
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
    drug: Mapping[str, float | None],
    every: int,
    min_frames: int,
    seed: int,
) -> pd.DataFrame:
    """The baseline_predictions table: every test trajectory of every fold, without its last n frames for each n of ``dropped`` and 0.

    Methods: ``majority``; each of VARIABLES, as :mod:`cellfate.evaluation.rates` has them; ``rings_last_frame``, a logistic regression
    on the logarithms of the last frame's rings, fitted for each n on training trajectories without their last n frames;
    ``rings_any_frame``, the same but fitted once on all of these prefixes; ``rings_prefix``, boosted trees on summaries of all frames,
    fitted once likewise; and, with ``features`` (of all tracks), ``features_prefix``. All are fitted on the training part of a fold alone.
    Those that are fitted once are also there for the frames that are seen at each landmark (:mod:`cellfate.evaluation.time.clocks`, whose
    ``drug`` it is), as the network predicts them: every ``every`` frames.
    """
    usable = trajectories[trajectories["usable"]].reset_index(drop=True)
    course = Course(rings, logarithm=True)
    rows = prefixes(usable, course, dropped, min_frames)
    inputs = Inputs(rows, last_values(course, rows), summaries(course, rows), _summaries(features, rows))
    tables, clocks = [], Clocks.of(trajectories, drug)
    for fold in progress(sorted(split["fold"].unique()), "fit baselines", unit="fold"):
        members = fold_trajectories(usable, split, fold, ["train", "test"])
        parts = rows["trajectory"].map(members.set_index("trajectory")["split"])
        train, test = (inputs.of((parts == part).to_numpy()) for part in ("train", "test"))
        further = landmark_prefixes(
            usable.merge(members.loc[members["split"] == "test", ["trajectory"]]), course, rows, clocks, every, min_frames
        )
        more = Inputs(further, last_values(course, further), summaries(course, further), _summaries(features, further))
        for method, probability, at_landmarks in _methods(train, test, more, seed):
            tables.append(test.rows[KNOWN].assign(method=method, fold=fold, probability=probability))
            if at_landmarks is not None:
                tables.append(further[KNOWN].assign(method=method, fold=fold, probability=at_landmarks))
    return pd.concat(tables, ignore_index=True)


def _summaries(features: pd.DataFrame | None, rows: pd.DataFrame) -> np.ndarray | None:
    return None if features is None else summaries(Course(features, logarithm=False), rows)


def _methods(train: Inputs, test: Inputs, more: Inputs, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """(name, probability of label 1 for each test prefix, and for each of ``more`` where it is fitted once) of every baseline."""
    majority = float(train.labels[train.rows["n"] == 0].mean() > 0.5)
    yield "majority", np.full(len(test.rows), majority), None
    of_train, of_test = design_values(train.rows), design_values(test.rows)
    for name in VARIABLES:
        yield name, _by_n(train, test, lambda a, b, name=name: _rates(of_train[name], of_test[name], train.labels, a, b)), None
    groups = resampling_units(train.rows["recording"].to_numpy(), train.rows["lineage"].to_numpy())
    whole = (train.rows["n"] == 0).to_numpy()
    strength = choose_strength(train.last[whole], train.labels[whole], groups[whole], seed)
    yield "rings_last_frame", _by_n(train, test, lambda a, b: _last_frame(train, test, strength, a, b)), None
    fitted = fit_logistic(train.last, train.labels, groups, seed)
    yield "rings_any_frame", *(_of_rows(lambda values: fitted.predict_proba(values)[:, 1], part.last) for part in (test, more))
    trees = fit_boosting(train.rings, train.labels, seed)
    yield "rings_prefix", *(_of_rows(trees.probability, part.rings) for part in (test, more))
    if train.features is not None:
        trees = fit_boosting(train.features, train.labels, seed)
        yield "features_prefix", *(_of_rows(trees.probability, part.features) for part in (test, more))


def _of_rows(predict: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """Predictions for ``values`` (N, F), which may have no row."""
    return predict(values) if len(values) else np.empty(0)


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
