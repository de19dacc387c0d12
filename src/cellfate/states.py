"""A Markov view of tracked cells: what they look like in each frame, how they pass from look to look, and where they end.

*States* are clusters of frames by their features, learned from the training part of the split without the outcomes. *Fates*
absorb: from its event on a cell stays in its outcome. Tables in, tables out; the chain's own formulas are in cellfate.markov.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from cellfate.errors import InputError
from cellfate.markov import (
    absorption_probabilities,
    chapman_kolmogorov,
    count_transitions,
    overall_entropy,
    row_entropy,
    transition_matrix,
)
from cellfate.recordings import NO_TREATMENT
from cellfate.statistics import bootstrap_counts, resampling_units
from cellfate.tables import TABLES

INTENSITIES = "intensity_mean"  # in the settings: that of every channel
STARTS = 10  # of the clustering, of which the best is kept
TELLING = 0.5  # SD from the mean at which a feature enters the words for a state
UNITS = 3  # recordings that a verdict needs; with 2 the check failed 12 % of simulated Markov chains, with 3 to 12 at most 2 %
LEVEL = 0.05  # of the Chapman-Kolmogorov check of a group, over all its numbers of steps
INTERVAL = (2.5, 97.5)  # percentiles
ALL = "all"
HOLDS, FAILS, NOT_JUDGED = "holds", "fails", "not judged"


# ---- states ----


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


def chosen_features(wanted: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns that the settings name; ``intensity_mean`` stands for that of every channel. InputError for an unknown one."""
    key = TABLES["features"].key
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
    return pd.DataFrame(rows)[list(TABLES["state_profiles"].columns)]


def describe(scaled: np.ndarray, names: Sequence[str]) -> str:
    """Words for a state by its two most telling features, at least half an SD from the mean: "high p53, low area"."""
    order = [i for i in np.argsort(-np.abs(scaled), kind="stable") if abs(scaled[i]) >= TELLING][:2]
    words = [f"{'high' if scaled[i] > 0 else 'low'} {names[i].removeprefix(f'{INTENSITIES}-').replace('_', ' ')}" for i in order]
    return ", ".join(words) or "average"


# ---- groups ----


def recording_groups(sheet: pd.DataFrame, group_by: str, ends: Mapping[str, int]) -> pd.DataFrame:
    """Which frames of a recording belong to which group: rows (recording, group, first, stop), frames first .. stop - 1.

    A group is a value of the sheet's column ``group_by``; where the sheet has the time of the drug it is two, before and after.
    ``ends`` has the last frame of each recording. Raises InputError where the column is empty.
    """
    rows = []
    for line, row in enumerate(sheet.itertuples(index=False), start=2):
        value = getattr(row, group_by)
        if pd.isna(value):
            raise InputError(f"recordings sheet: line {line}: {group_by} is empty, states.group_by needs it")
        value = "untreated" if (group_by, value) == ("treatment", NO_TREATMENT) else value
        stop = ends.get(row.recording, -1) + 1
        if pd.isna(row.treatment_start_h):
            rows.append((row.recording, value, 0, stop))
        else:
            start = min(stop, ceil(row.treatment_start_h * 60 / row.frame_interval_min - 1e-9))
            rows += [(row.recording, f"{value}, before", 0, start), (row.recording, f"{value}, after", start, stop)]
    return pd.DataFrame(rows, columns=["recording", "group", "first", "stop"])


# ---- counting ----


@dataclass(frozen=True)
class Counted:
    """The transitions of one group. ``counts[lag]`` (U, m, m) are those of each resampled unit: the states, then ``fates``."""

    group: str
    n_states: int
    fates: list[str]  # that were seen in the group
    counts: dict[int, np.ndarray]
    n_cells: int
    absorbed: dict[str, int]  # cells

    def names(self) -> list[str]:
        return [*map(str, range(1, self.n_states + 1)), *self.fates]

    def matrix(self, counts: np.ndarray, smoothing: float) -> np.ndarray:
        """P (m, m) from the counts of all units; a fate stays what it is."""
        P = np.eye(len(counts))
        P[: self.n_states] = transition_matrix(counts[: self.n_states], smoothing)
        return P


def track_course(frames: np.ndarray, states: np.ndarray, event_frame: int | None, fate: int | None, end: int) -> np.ndarray:
    """The state in each frame 0 .. ``end`` of the recording, (end + 1,); -1 where the cell was not seen, ``fate`` from its event on."""
    course = np.full(end + 1, -1)
    course[np.asarray(frames, int)] = states
    if fate is not None:
        course[event_frame:] = fate
    return course


def count_group(
    courses: Sequence[np.ndarray], units: Sequence[str], group: str, n_states: int, fates: Sequence[str], lags: Sequence[int]
) -> Counted | None:
    """Transitions of all ``courses`` of one group at each of the ``lags`` (frames), per unit; None without any at the first lag.

    Each course covers the frames in which the group was watched, whether the cell lived so long or not: only then are cells
    that reach a fate and cells that do not counted over the same frames. A pair of frames counts where both are known.
    """
    labels, rows = np.unique(np.asarray(units, str), return_inverse=True)
    size = n_states + len(fates)
    counts = {lag: np.zeros((len(labels), size, size)) for lag in lags}
    cells, absorbed = 0, np.zeros(len(fates), int)
    for course, row in zip(courses, rows, strict=True):
        for lag in lags:
            sources, targets = course[:-lag], course[lag:]
            pairs = (sources >= 0) & (sources < n_states) & (targets >= 0)
            counts[lag][row] += count_transitions(sources[pairs], targets[pairs], size)
            if lag == lags[0]:
                cells += bool(pairs.any())
                absorbed[np.unique(targets[pairs & (targets >= n_states)]) - n_states] += 1
    if cells == 0:
        return None
    kept = [*range(n_states), *(n_states + np.flatnonzero(absorbed))]
    seen = [fate for fate, n in zip(fates, absorbed, strict=True) if n]
    counts = {lag: own[:, kept][:, :, kept] for lag, own in counts.items()}
    units_seen = counts[lags[0]].any(axis=(1, 2))
    counts = {lag: own[units_seen] for lag, own in counts.items()}
    return Counted(group, n_states, seen, counts, cells, dict(zip(seen, absorbed[absorbed > 0].tolist(), strict=True)))


def count_groups(
    states: pd.DataFrame,
    trajectories: pd.DataFrame,
    sheet: pd.DataFrame,
    outcomes: Mapping[str, str],
    n_states: int,
    lags: Sequence[int],
    *,
    group_by: str,
) -> list[Counted]:
    """The transitions of each group of recordings, in the order of the sheet; groups without any are left out.

    Outcomes that are compared and have an event absorb. All other tracks (censored, alive at the end, another outcome)
    contribute transitions alone. Raises InputError when no group sees a cell reach a fate.
    """
    fates = [outcomes["negative"], outcomes["positive"]]
    ends = trajectories.groupby("recording")[["last_frame", "event_frame"]].max().max(axis=1).astype(int).to_dict()
    groups = recording_groups(sheet, group_by, ends)
    tracks = trajectories.set_index(["recording", "track_id"])
    watched = list(states.groupby(["recording", "track_id"], sort=True))
    rows = tracks.loc[[key for key, _ in watched]]
    units = resampling_units(rows.index.get_level_values("recording").to_numpy(), rows["lineage"].to_numpy())
    courses = []
    for ((recording, _), own), (outcome, event) in zip(watched, zip(rows["outcome"], rows["event_frame"], strict=True), strict=True):
        fate = n_states + fates.index(outcome) if outcome in fates and pd.notna(event) else None
        event = None if fate is None else int(event)
        courses.append((recording, track_course(own["frame"], own["state"] - 1, event, fate, ends[recording])))
    found = []
    for group in dict.fromkeys(groups["group"]):
        spans = groups[groups["group"] == group].set_index("recording")
        members = [
            (course[spans.at[recording, "first"] : spans.at[recording, "stop"]], unit)
            for (recording, course), unit in zip(courses, units, strict=True)
            if recording in spans.index
        ]
        counted = members and count_group(*zip(*members, strict=True), group, n_states, fates, lags)
        found += [counted] if counted else []
    if not any(counted.fates for counted in found):
        seen = ", ".join(f"{name} {n}" for name, n in rows["outcome"].value_counts().items())
        raise InputError(
            f"states: no cell is seen to reach {' or '.join(fates)}, so nothing absorbs; outcomes of the tracks with states: {seen}"
        )
    return found


# ---- what follows from the counts ----


def tabulate_states(
    groups: Sequence[Counted], lag: int, steps: Sequence[int], *, smoothing: float, bootstrap: int, seed: int
) -> dict[str, pd.DataFrame]:
    """The tables state_transitions, state_absorption, state_entropy, state_checks and state_check_entries of all groups.

    Intervals are 95 % percentile bootstrap intervals over recordings (lineages where there is one recording), null with one.
    Values of a state that a group never leaves, and absorption where the group saw no fate, are null.
    """
    tables: dict[str, list[pd.DataFrame]] = {}
    for counted in groups:
        draws = bootstrap_counts(len(counted.counts[lag]), bootstrap, np.random.default_rng(seed))
        for name, rows in {**_chain_rows(counted, lag, smoothing, draws), **_check_rows(counted, lag, steps, smoothing, draws)}.items():
            tables.setdefault(name, []).append(pd.DataFrame(rows, columns=list(TABLES[name].columns)))
    return {name: pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True) for name, parts in tables.items()}


def _chain_rows(counted: Counted, lag: int, smoothing: float, draws: np.ndarray) -> dict[str, list[dict]]:
    n, names = counted.n_states, counted.names()
    counts = counted.counts[lag].sum(axis=0)
    sources = counts[:n].sum(axis=1)
    P = counted.matrix(counts, smoothing)
    drawn = np.tensordot(draws, counted.counts[lag], axes=1)
    matrices = np.stack([counted.matrix(own, smoothing) for own in drawn])
    entropies = np.column_stack([row_entropy(matrices[:, :n]), [_overall(own, P_) for own, P_ in zip(drawn[:, :n], matrices, strict=True)]])
    entropy = [*row_entropy(P[:n]), overall_entropy(P[:n], sources)]
    P_low, P_high = _limits(matrices, draws)
    H_low, H_high = _limits(entropies, draws)
    known = [*(sources > 0), True]
    transitions, absorption = [], []
    for i in range(n):
        for j, target in enumerate(names):
            row = {"group": counted.group, "lag": lag, "source": names[i], "target": target, "kind": "state" if j < n else "fate"}
            row |= {"count": int(counts[i, j])} | _estimate("probability", P[i, j], P_low[i, j], P_high[i, j], known[i])
            transitions.append(row)
    if counted.fates:
        absorbing = list(range(n, len(names)))
        B = absorption_probabilities(P, absorbing)
        B_low, B_high = _limits(np.stack([absorption_probabilities(own, absorbing) for own in matrices]), draws)
        for i in range(n):
            for a, fate in enumerate(counted.fates):
                row = {"group": counted.group, "source": names[i], "fate": fate, "n_cells": counted.absorbed[fate]}
                absorption.append(row | _estimate("probability", B[i, a], B_low[i, a], B_high[i, a], known[i]))
    shared = {"group": counted.group, "n_cells": counted.n_cells, "n_units": draws.shape[1]}
    rows = zip([*names[:n], ALL], [*sources, sources.sum()], entropy, H_low, H_high, known, strict=True)
    entropy_rows = [shared | {"source": s, "n_transitions": int(c)} | _estimate("entropy", *rest) for s, c, *rest in rows]
    return {"state_transitions": transitions, "state_absorption": absorption, "state_entropy": entropy_rows}


def _overall(counts: np.ndarray, P: np.ndarray) -> float:
    return overall_entropy(P[: len(counts)], counts.sum(axis=1))


def _estimate(name: str, value: float, low: float, high: float, known: bool = True) -> dict[str, float]:
    return {name: value, "ci_low": low, "ci_high": high} if known else {name: np.nan, "ci_low": np.nan, "ci_high": np.nan}


def _limits(values: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % limits over the first axis; NaN where there is one unit to draw."""
    if draws.shape[1] < 2:
        return np.full(values.shape[1:], np.nan), np.full(values.shape[1:], np.nan)
    low, high = np.percentile(values, INTERVAL, axis=0)
    return low, high


def _check_rows(counted: Counted, lag: int, steps: Sequence[int], smoothing: float, draws: np.ndarray) -> dict[str, list[dict]]:
    """P(lag)^k against P counted at k lags.

    What is judged is the share of the cells that the power puts into the wrong state, 1/2 sum_ij pi_i |D_ij|, against that of
    D* - D in resampled units, widened by sqrt(U / (U - 1)) as a sample's variance is. ``level`` is Bonferroni's over the steps.
    """
    n, names, checks, entries = counted.n_states, counted.names(), [], []
    one, drawn_one = counted.counts[lag], np.tensordot(draws, counted.counts[lag], axes=1)
    P, n_units = counted.matrix(one.sum(axis=0), smoothing), draws.shape[1]
    one_steps = [counted.matrix(own, smoothing) for own in drawn_one]
    for k in steps:
        many = counted.counts[k * lag]
        counts = many.sum(axis=0)
        sources = counts[:n].sum(axis=1)
        if sources.sum() == 0:
            continue
        counted_far = counted.matrix(counts, smoothing)
        difference = chapman_kolmogorov(P, counted_far, k)
        resampled = [
            chapman_kolmogorov(P_, counted.matrix(own, smoothing), k)
            for P_, own in zip(one_steps, np.tensordot(draws, many, axes=1), strict=True)
        ]
        shares = sources / sources.sum()
        noise = (np.stack(resampled) - difference) * (np.sqrt(n_units / (n_units - 1)) if n_units > 1 else 1)
        misplaced = _misplaced(difference, shares)
        by_chance = np.array([_misplaced(own, shares) for own in noise])
        judged = n_units >= UNITS
        p_value = (1 + int((by_chance >= misplaced).sum())) / (len(by_chance) + 1) if judged else np.nan
        verdict = NOT_JUDGED if not judged else FAILS if p_value < LEVEL / len(steps) else HOLDS
        shared = {"group": counted.group, "steps": k, "lag": k * lag}
        checks.append(
            shared
            | {"misplaced": misplaced, "sampling_95": np.percentile(by_chance, 95) if judged else np.nan, "p_value": p_value}
            | {"level": LEVEL / len(steps), "verdict": verdict, "n_transitions": int(sources.sum()), "n_units": n_units}
        )
        low, high = _limits(difference + noise, draws)
        for i in np.flatnonzero(sources):
            for j, target in enumerate(names):
                row = shared | {"source": names[i], "target": target, "predicted": np.clip(counted_far[i, j] + difference[i, j], 0, 1)}
                entries.append(row | {"counted": counted_far[i, j]} | _estimate("difference", difference[i, j], low[i, j], high[i, j]))
    return {"state_checks": checks, "state_check_entries": entries}


def _misplaced(difference: np.ndarray, shares: np.ndarray) -> float:
    return float(0.5 * (shares[:, None] * np.abs(difference[: len(shares)])).sum())


def verdict_in_words(checks: pd.DataFrame, group: str) -> str:
    """One sentence about the Chapman-Kolmogorov check of a group: the worst of its steps, by its p-value, then its size."""
    own = checks[checks["group"] == group]
    if own.empty:
        return "Chapman-Kolmogorov not checked: no track is long enough"
    if (own["verdict"] == NOT_JUDGED).all():
        return f"Chapman-Kolmogorov not judged: fewer than {UNITS} recordings or lineages"
    worst = own.sort_values(["p_value", "misplaced"], ascending=[True, False]).iloc[0]
    verdict = "FAILS" if (own["verdict"] == FAILS).any() else "holds"
    found = f"P^{worst['steps']} misplaces {100 * worst['misplaced']:.1f} % of the cells"
    return f"Chapman-Kolmogorov {verdict}: {found} (sampling error {100 * worst['sampling_95']:.1f} %, p = {worst['p_value']:.2g})"


def findings(groups: Sequence[Counted], checks: pd.DataFrame) -> str:
    """A line for each group: its cells, how many reached which fate, and the verdict of the check."""
    lines = []
    for counted in groups:
        fates = ", ".join(f"{n} to {fate}" for fate, n in counted.absorbed.items()) or "none to a fate"
        lines.append(f"tabulate_states {counted.group}: {counted.n_cells} cells, {fates}. {verdict_in_words(checks, counted.group)}")
    return "\n".join(lines)
