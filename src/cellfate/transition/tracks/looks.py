"""What becomes of tracked cells: their phenotype at one look and at the next, some hours later."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.transition.tracks.reading import Tracks

OFF = 0.05  # of the lag: how far a whole number of frames may be from it
KEY = ["recording", "track"]


@dataclass(frozen=True)
class Looks:
    """Cells as they look, one at a look: ``names`` (N,), ``values`` (N, F) of the ``features``, ``columns`` of each, ``lines`` to print.

    Columns are recording, track (its recording before it), hours, phenotype and next_phenotype, empty where none is known, and others.
    """

    names: list[str]
    features: list[str]
    values: np.ndarray
    columns: dict[str, np.ndarray]
    lines: list[str]


def find_looks(tracks: Tracks, hours: np.ndarray, lag_h: float, *, drop_incomplete: bool) -> Looks:
    """Looks ``lag_h`` hours apart, on the same times in all tracks of a recording, from rows at ``hours`` (N,).

    A look is the row nearest to its time, up to half a frame off. A cell that is missing at the next look has no next phenotype, so
    that pairs of looks never span more or less than the lag. Raises InputError where every track has one row, where the lag is no
    whole number of frames, where no track is there at two looks that follow each other, and for a look that lacks a feature, unless
    ``drop_incomplete``.
    """
    interval = _frame_interval(tracks.rows.assign(hours=hours), lag_h)
    rows, missing = tracks.rows.assign(hours=hours, row=np.arange(len(hours))), ~tracks.complete
    if drop_incomplete:
        rows = rows[~missing]
    rows = rows.assign(look=(rows["hours"] / lag_h).round().astype(int))
    rows = rows.assign(off=(rows["hours"] - rows["look"] * lag_h).abs())
    rows = rows[rows["off"] <= interval * (0.5 + 1e-6)].sort_values([*KEY, "look", "off"], kind="stable")
    rows = rows.drop_duplicates([*KEY, "look"], ignore_index=True)
    _refuse_incomplete(tracks, rows, missing)
    following = rows[[*KEY, "look", "phenotype"]].assign(look=rows["look"] - 1).rename(columns={"phenotype": "next"})
    rows = rows.merge(following, on=[*KEY, "look"], how="left", sort=False)
    known = rows["next"].notna() & rows["phenotype"].notna()
    if not known.any():
        raise InputError(
            f"{tracks.rows['place'].iloc[0].rsplit(': ', 1)[0]}: no track has a phenotype at two looks {lag_h:g} h apart "
            f"(transition.tracks.lag_h); the longest spans {_longest(tracks.rows.assign(hours=hours)):g} h"
        )
    return _looks(tracks, rows, int(known.sum()), int(missing.sum()) if drop_incomplete else 0, lag_h)


def _looks(tracks: Tracks, rows: pd.DataFrame, followed: int, dropped: int, lag_h: float) -> Looks:
    track = rows["recording"] + ":" + rows["track"]
    columns = {"recording": rows["recording"], "track": track, "hours": rows["hours"]}
    columns |= {name: tracks.others[name].fillna("").to_numpy()[rows["row"]] for name in tracks.others}
    columns |= {"phenotype": rows["phenotype"].fillna(""), "next_phenotype": rows["next"].fillna("")}
    names = [f"{name}:{hours:g}h" for name, hours in zip(track, rows["hours"], strict=True)]
    features = list(tracks.features)
    seen = f"{track.nunique()} tracks of {rows['recording'].nunique()} recordings"
    line = f"{len(rows)} looks {lag_h:g} h apart at {seen}, {followed} with a next phenotype; features: {', '.join(features)}"
    lines = [line, *[f"{dropped} rows that lack a feature were left out (incomplete)"] * (dropped > 0)]
    values = tracks.features.to_numpy(float)[rows["row"]]
    return Looks(names, features, values, {key: np.asarray(column) for key, column in columns.items()}, lines)


def _frame_interval(rows: pd.DataFrame, lag_h: float) -> float:
    """The median time between two rows of a track, hours; InputError without any, and where the lag is no whole number of these."""
    steps = rows.sort_values([*KEY, "hours"]).groupby(KEY)["hours"].diff().dropna()
    source = rows["place"].iloc[0].rsplit(": ", 1)[0]
    if steps.empty:
        raise InputError(f"{source}: every track has one row only, so that nothing is seen of what becomes of a cell")
    interval = float(steps.median())
    frames = round(lag_h / interval)
    if frames < 1 or abs(frames * interval - lag_h) > OFF * lag_h:
        near = max(1, frames) * interval
        raise InputError(
            f"transition.tracks.lag_h is {lag_h:g}, no whole number of frames: they are {interval:.4g} h apart in {source}; "
            f"{near:.4g} would be one (transition.tracks.hours says how many hours a step of the column time is)"
        )
    return interval


def _refuse_incomplete(tracks: Tracks, rows: pd.DataFrame, missing: np.ndarray) -> None:
    lacking = rows["row"].to_numpy()[missing[rows["row"]]]
    if len(lacking):
        row = int(lacking.min())
        name = tracks.features.columns[~np.isfinite(tracks.features.iloc[row].to_numpy(float))][0]
        raise InputError(
            f"{tracks.rows['place'].iloc[row]}: {name} is empty ({len(lacking)} looks lack a feature); name the features that all rows "
            "have (transition.tracks.features), or say incomplete in transition.leave_out"
        )


def _longest(rows: pd.DataFrame) -> float:
    spans = rows.groupby(KEY)["hours"]
    return float((spans.max() - spans.min()).max())
