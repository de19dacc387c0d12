"""How cells pass from state to state, and into fates that absorb, counted in each group of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.recordings.sheet import NO_TREATMENT
from cellfate.statistics.bootstrap import resampling_units
from cellfate.statistics.chains.markov import count_transitions, transition_matrix


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
