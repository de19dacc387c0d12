"""States of cells: clusters of frames by their features, learned from the training part of the split without the outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from cellfate.base.errors import InputError
from cellfate.segmentation.tables import FEATURES
from cellfate.states.tables import STATE_PROFILES

INTENSITIES = "intensity_mean"  # in the settings: that of every channel
STARTS = 10  # of the clustering, of which the best is kept
TELLING = 0.5  # SD from the mean at which a feature enters the words for a state


@dataclass(frozen=True)
class StateModel:
    """Clusters of frames: ``mean`` and ``sd`` (F,) of the features in training frames, ``centres`` (n, F) in these SD."""

    mean: np.ndarray
    sd: np.ndarray
    centres: np.ndarray

    def assign(self, values: np.ndarray) -> np.ndarray:
        """The nearest centre of each row of ``values`` (N, F), in the features' own units: (N,) of 0 .. n - 1."""
        scaled = (np.asarray(values, float) - self.mean) / self.sd
        return ((scaled[:, None] - self.centres) ** 2).sum(axis=2).argmin(axis=1)


def fit_states(values: np.ndarray, features: Sequence[str], n_states: int, *, seed: int) -> StateModel:
    """Cluster rows (N, F) of the named features by k-means after standardising; states rise with the mean of the first feature.

    Raises InputError for a feature without variation and for fewer different rows than states.
    """
    values = np.asarray(values, float)
    different = len(np.unique(values, axis=0))
    if different < n_states:
        raise InputError(f"states.n_states is {n_states}, but the training recordings have {different} different frames")
    mean, sd = values.mean(axis=0), values.std(axis=0)
    flat = np.flatnonzero(sd == 0)
    if len(flat):
        raise InputError(f"states.features: {features[flat[0]]} is the same in all training frames ({mean[flat[0]]:g})")
    centres = KMeans(n_states, n_init=STARTS, random_state=seed).fit((values - mean) / sd).cluster_centers_
    return StateModel(mean, sd, centres[np.argsort(centres[:, 0], kind="stable")])


def found_states(values: np.ndarray, names: Sequence[str], n_states: int, *, seed: int) -> tuple[np.ndarray, list[str]]:
    """The states of rows (N, F) of the named features, by :func:`fit_states` on all of them: (N,) of 1 .. n, and words for each."""
    model = fit_states(values, names, n_states, seed=seed)
    assigned = model.assign(values)
    shares = np.bincount(assigned, minlength=n_states) / len(values)
    words = [describe(centre, names) for centre in model.centres]
    lines = [f"state {place + 1}: {words[place]} ({shares[place]:.0%})" for place in range(n_states)]
    return assigned + 1, lines


def chosen_features(wanted: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns that the settings name; ``intensity_mean`` stands for that of every channel. InputError for an unknown one."""
    key = FEATURES.key
    known = [name for name in columns if name not in key]
    chosen = []
    for name in wanted:
        found = [column for column in known if column.startswith(f"{INTENSITIES}-")] if name == INTENSITIES else [name]
        if not found or found[0] not in known:
            raise InputError(f"states.features names {name!r}; measured are {', '.join([*known, INTENSITIES])}")
        chosen += [column for column in found if column not in chosen]
    return chosen


def assign_states(
    features: pd.DataFrame,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    wanted: Sequence[str],
    n_states: int,
    *,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The states of all frames, and the profiles of the states: the tables ``states`` and ``state_profiles``.

    The clustering is fitted on frames of the training part (of the first fold, where there are several) and applied to all;
    a track is used up to its event, whatever the protocol's cut. Frames that lack a feature have no state.
    """
    names = chosen_features(wanted, features.columns)
    used = ["recording", "track_id"]
    known = features.merge(trajectories[[*used, "trajectory", "first_frame", "last_frame", "event_frame"]], on=used)
    kept = known["frame"].between(known["first_frame"], known["last_frame"])
    kept &= (known["frame"] < known["event_frame"]).fillna(True).astype(bool)
    known = known[kept & known[names].notna().all(axis=1)]
    training = split.loc[(split["fold"] == 0) & (split["split"] == "train"), "trajectory"]
    fitted = known["trajectory"].isin(training).to_numpy()
    if not fitted.any():
        raise InputError("states: no frame of a training trajectory has all features; masks of all tracks are needed")
    values = known[names].to_numpy(float)
    model = fit_states(values[fitted], names, n_states, seed=seed)
    assigned = model.assign(values)
    states = known[["recording", "track_id", "frame"]].assign(state=assigned + 1)
    return states.sort_values(["recording", "track_id", "frame"], ignore_index=True), _profiles(
        values[fitted], assigned[fitted], names, model
    )


def _profiles(values: np.ndarray, assigned: np.ndarray, names: list[str], model: StateModel) -> pd.DataFrame:
    rows = []
    for state in range(len(model.centres)):
        own = values[assigned == state].mean(axis=0)
        scaled = (own - model.mean) / model.sd
        shared = {"state": state + 1, "description": describe(scaled, names), "n_frames": int((assigned == state).sum())}
        for name, mean, in_sd in zip(names, own, scaled, strict=True):
            rows.append({**shared, "share": float((assigned == state).mean()), "feature": name, "mean": mean, "mean_sd": in_sd})
    return pd.DataFrame(rows)[list(STATE_PROFILES.columns)]


def describe(scaled: np.ndarray, names: Sequence[str]) -> str:
    """Words for a state by its two most telling features, at least half an SD from the mean: "high p53, low area"."""
    order = [i for i in np.argsort(-np.abs(scaled), kind="stable") if abs(scaled[i]) >= TELLING][:2]
    words = [f"{'high' if scaled[i] > 0 else 'low'} {names[i].removeprefix(f'{INTENSITIES}-').replace('_', ' ')}" for i in order]
    return ", ".join(words) or "average"
