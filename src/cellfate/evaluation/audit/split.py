"""By how much a split is optimistic that puts cells of one lineage, recording or group on both sides.

Measured with two simple predictors on the rings of the last frame, which can be fitted again in seconds: how much better do they score
on the same held-out cells in the split of the run than when such cells stay together? The network was not trained again; that it gains
as much is a guess, that it gains something is likely.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cellfate.evaluation.audit.words import LEVELS, LOGISTIC, NEAREST, ONE_ALONE, RELATIVES
from cellfate.evaluation.baselines.fits import STRONG, logistic
from cellfate.evaluation.baselines.prefixes import Course, last_values
from cellfate.evaluation.tables import SPLIT_AUDIT
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import balanced_accuracy, difference

MOST_FOLDS = 5
PREDICTORS: dict[str, Callable] = {  # the second remembers single cells, as a large network can
    LOGISTIC: lambda: logistic(STRONG),
    NEAREST: lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
}


@dataclass(frozen=True)
class Cells:
    """Usable trajectories with their label, log rings of the last frame (N, F), and where each is held out."""

    rows: pd.DataFrame
    values: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]  # positions of training and of test cells, of each fold

    @property
    def labels(self) -> np.ndarray:
        return self.rows["label"].to_numpy(int)

    @property
    def tested(self) -> np.ndarray:
        """Positions of the cells that a fold holds out, in order."""
        return np.unique(np.concatenate([test for _, test in self.folds]))


def cells_of(trajectories: pd.DataFrame, split: pd.DataFrame, rings: pd.DataFrame) -> Cells:
    """What is audited, from the tables trajectories, split and rings (of all recordings)."""
    usable = trajectories[trajectories["usable"]].reset_index(drop=True)
    place = pd.Series(usable.index, usable["trajectory"])
    folds = []
    for _, of_fold in split[split["trajectory"].isin(place.index)].groupby("fold"):
        folds.append(tuple(place[of_fold.loc[of_fold["split"] == part, "trajectory"]].to_numpy() for part in ("train", "test")))
    return Cells(usable, last_values(Course(rings, logarithm=True), usable), folds)


def audit_split(cells: Cells, outcomes: Mapping[str, str], unit: str, seed: int) -> pd.DataFrame:
    """The split_audit table: a row for each of LEVELS that the split does not keep whole, and each way of telling the outcome.

    ``related`` is the share of held-out cells with one of the same level in their training part. ``own`` is the balanced accuracy in
    the split of the run, ``whole`` that of the same cells when the level is kept whole, in as many folds as the held-out share asks
    for; ``optimism`` is their difference, with the interval over recordings (groups where ``unit`` is group). For the outcome of
    relatives, ``own`` is of the related cells, called as most of their relatives in training are, and there is no ``whole``. Cells whose
    level is not known, those of recordings without a group, are left out of it.
    """
    names = (outcomes["negative"], outcomes["positive"])
    found = []
    for level in LEVELS:
        own = _having(cells, level)
        values = own.rows[level].to_numpy()
        related = _related(own, values) if own.folds else np.zeros(0, bool)
        if not related.any():
            continue
        row = {"level": level, "n_trajectories": len(own.tested), "related": float(related.mean())}
        found.append(row | {"method": RELATIVES, **_by_relatives(own, values)})
        folds = _whole_folds(own, values, seed)
        for method, predictor in PREDICTORS.items():
            found.append(row | {"method": method, **_optimism(own, folds, predictor, names, unit)})
    return pd.DataFrame(found, columns=list(SPLIT_AUDIT.columns))


def _having(cells: Cells, level: str) -> Cells:
    """The cells whose ``level`` is known, in the folds that have some of them in both parts."""
    known = cells.rows[level].notna().to_numpy()
    place = np.cumsum(known) - 1
    folds = [tuple(place[part[known[part]]] for part in fold) for fold in cells.folds]
    return Cells(cells.rows[known].reset_index(drop=True), cells.values[known], [fold for fold in folds if all(map(len, fold))])


def _related(cells: Cells, values: np.ndarray) -> np.ndarray:
    """Which held-out cells have one with the same of ``values`` in the training part of their fold."""
    flags = {cell: values[cell] in set(values[train]) for train, test in cells.folds for cell in test}
    return np.array([flags[cell] for cell in cells.tested])


def _by_relatives(cells: Cells, values: np.ndarray) -> dict:
    """The balanced accuracy of related cells, called as their relatives are; ties are left out."""
    labels, called = cells.labels, {}
    for train, test in cells.folds:
        share = pd.Series(labels[train]).groupby(values[train]).mean()
        called |= {cell: share[values[cell]] for cell in test if values[cell] in share.index and share[values[cell]] != 0.5}
    places = np.array(sorted(called), int)
    score = balanced_accuracy(labels[places], np.array([called[cell] > 0.5 for cell in places], int))
    return {"own": score.value, "whole": np.nan, "optimism": np.nan, "ci_low": np.nan, "ci_high": np.nan, "reason": "nothing is fitted"}


def _whole_folds(cells: Cells, values: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds over all cells that keep the level whole; empty where it has one value."""
    held_out = np.mean([len(test) / (len(train) + len(test)) for train, test in cells.folds])
    count = int(np.clip(round(1 / held_out), 2, MOST_FOLDS))
    count = min(count, len(np.unique(values)), int(np.bincount(cells.labels).max()))
    if count < 2:
        return []
    return list(StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(cells.values, cells.labels, values))


def _optimism(cells: Cells, folds: list, predictor: Callable, names: tuple[str, str], unit: str) -> dict:
    tested, labels = cells.tested, cells.labels[cells.tested]
    if len(np.unique(labels)) < 2:
        return dict.fromkeys(("own", "whole", "optimism", "ci_low", "ci_high"), np.nan) | {"reason": "outcomes of both kinds are needed"}
    own = balanced_accuracy(labels, _predicted(cells, cells.folds, predictor)[tested])
    if not folds:
        return {"own": own.value, "whole": np.nan, "optimism": np.nan, "ci_low": np.nan, "ci_high": np.nan, "reason": ONE_ALONE}
    whole = balanced_accuracy(labels, _predicted(cells, folds, predictor)[tested])
    gain = difference(own, whole)
    by = "group" if unit == "group" else "recording"
    interval = score_interval(gain, cells.rows[by].to_numpy()[tested], names=names, unit=by)
    limits = {"ci_low": interval.low, "ci_high": interval.high, "reason": interval.reason}
    return {"own": own.value, "whole": whole.value, "optimism": gain.value, **limits}


def _predicted(cells: Cells, folds: list[tuple[np.ndarray, np.ndarray]], predictor: Callable) -> np.ndarray:
    """The label that each cell is given where it is held out, (N,); where a training part has one outcome alone, that one."""
    labels, found = cells.labels, np.zeros(len(cells.rows), int)
    for train, test in folds:
        one_class = len(np.unique(labels[train])) == 1
        found[test] = labels[train][0] if one_class else predictor().fit(cells.values[train], labels[train]).predict(cells.values[test])
    return found
