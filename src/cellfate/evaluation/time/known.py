"""From how many hours before the end on is a cell's outcome known better than by chance, and how sure is that?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cellfate.evaluation.baselines.scores import LABELS, NETWORK
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.time.before import Cohort
from cellfate.evaluation.time.ends import shared_hours, why_differ
from cellfate.evaluation.time.tables import KNOWN_FROM
from cellfate.statistics.intervals import Interval
from cellfate.statistics.scores import Score, balanced_accuracy

CHANCE = 0.5
FEWEST_UNITS = 5  # of either outcome, for the range over recordings left out


def tabulate_known(cohort: Cohort, baselines: pd.DataFrame, units: Units) -> pd.DataFrame:
    """The known_from table: the network, and each baseline on the same trajectories.

    A method knows from n dropped frames on where the lower limit of its balanced accuracy is above 0.5 there and at every smaller n.
    ``shortest`` and ``longest`` are the range over leaving out one recording (group) at a time, where either outcome is in FEWEST_UNITS of
    them: not an interval, but how much it hangs on single recordings. Without hours that (almost) all trajectories have at that
    point, only ``frames`` is given, and ``reason`` says why.
    """
    members = cohort.rows
    called = {NETWORK: members["predicted"]}
    for method, own in baselines.groupby("method", sort=False):
        if method == "majority":
            continue
        said = own.set_index(["fold", "trajectory", "n"])["probability"] > CHANCE
        found = said.reindex(pd.MultiIndex.from_frame(members[["fold", "trajectory", "n"]]))
        if found.notna().all():
            called[method] = pd.Series(found.to_numpy(int), members.index)
    rows = [_row(method, Cohort(members.assign(predicted=values), cohort.reason), units) for method, values in called.items()]
    return pd.DataFrame(rows, columns=list(KNOWN_FROM.columns))


def _row(method: str, cohort: Cohort, units: Units) -> dict:
    rows = cohort.rows
    counts = units.counts(rows)
    sizes = {"n_trajectories": rows["trajectory"].nunique()} | {name: counts[name] for name in ("units_negative", "units_positive")}
    found = {"method": method, "frames": None, "hours": None, "shortest": None, "longest": None, "reason": None} | sizes
    if rows.empty:
        return found | {"reason": cohort.reason}
    frames, reason = known_frames(rows, units)
    if frames is None:
        return found | {"reason": reason}
    hours = {int(n): shared_hours(now["hours"])[0] for n, now in rows.groupby("n")}
    found |= {"frames": frames, "hours": hours[frames]}
    if hours[frames] is None:
        return found | {"reason": why_differ(rows.loc[rows["n"] == frames, "hours"], frames)}
    if min(counts["units_negative"], counts["units_positive"]) < FEWEST_UNITS:
        return found | {"reason": f"no range: an outcome is in fewer than {FEWEST_UNITS} held-out {units.unit}s"}
    left_out = [known_frames(rows[rows[units.unit] != unit], units)[0] for unit in rows[units.unit].unique()]
    if None in left_out:
        return found | {"reason": "no range: without one of the recordings it is not known at all"}
    shortest, longest = min(left_out), max(left_out)
    for n in (shortest, longest):
        if hours[n] is None:
            return found | {"reason": f"no range: {why_differ(rows.loc[rows['n'] == n, 'hours'], n)}"}
    return found | {"shortest": hours[shortest], "longest": hours[longest]}


def known_frames(rows: pd.DataFrame, units: Units) -> tuple[int | None, str | None]:
    """The largest number of dropped frames from which on a method is better than chance, or None and why."""
    best = None
    for n in sorted(rows["n"].unique()):
        now = rows[rows["n"] == n]
        score = balanced_accuracy(now["label"].to_numpy(int), now["predicted"])
        interval = units.interval(score, now)
        if np.isnan(interval.low) or interval.low <= CHANCE:
            return best, None if best is not None else _not_known(score, interval, int(n), now["trajectory"].nunique())
        best = int(n)
    return best, None


def _not_known(score: Score, interval: Interval, n: int, cells: int) -> str:
    """Why nothing is known at the point that is nearest to the end, n frames before it, of so many cells: those with all points."""
    if np.isnan(interval.low):
        return f"no interval: {interval.reason}"
    seen = f"{n} frames before the end" if n else "with all frames"
    of = f"of the {cells} cells that are long enough for all times is {score.value:.3f}"
    return f"{seen} its balanced accuracy {of}, 95 % interval {interval.low:.3f} to {interval.high:.3f}"


def known_line(known: pd.DataFrame) -> str:
    """One sentence: from when on the outcome is known, beside the best baseline."""
    rows = known.set_index("method")
    network = rows.loc[NETWORK]
    if network["n_trajectories"] == 0:
        return f"From when on the outcome is known was not measured: {network['reason']}."
    others = rows.drop(index=NETWORK)
    told = others[others["frames"].notna()]
    best = told["frames"].astype(float).idxmax() if len(told) else None
    none = "no simple baseline is shown to be" if len(others) else "no baseline was there to compare"
    beside = none if best is None else f"the best baseline, {LABELS[best]}, {_when(rows.loc[best])}"
    if pd.isna(network["frames"]):
        return f"The network's call is not shown to be better than chance at any time ({network['reason']}); {beside}."
    return f"The network's call is better than chance {_when(network)}; {beside}."


def _when(row: Mapping) -> str:
    """From which hour before the end, with the range over recordings left out; from which frame and why, where tracks differ in hours."""
    if row["frames"] == 0:
        found = "with all frames alone, not before"
    elif pd.isna(row["hours"]):
        return f"from {int(row['frames'])} frames before the end on ({row['reason']})"
    else:
        found = f"from {row['hours']:g} h before the end on"
    if pd.isna(row["shortest"]):
        return found
    if row["shortest"] == row["longest"] == row["hours"]:
        return f"{found} (whichever recording is left out)"
    return f"{found} ({row['shortest']:g} to {row['longest']:g} h without one of the recordings)"
