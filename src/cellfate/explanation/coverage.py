"""In which share of the frames the cell was found, by outcome and phase: what the features of figure 5 stand on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.explanation.tables import COVERAGE_PHASES, SEGMENTATION_COVERAGE
from cellfate.segmentation.mask_file import MaskFile

WHOLE = COVERAGE_PHASES[0]
LOW = 0.5  # coverage below which it is said
FAR = 0.2  # difference between the outcomes above which it is said
KEY = ["recording", "track_id", "frame"]


def segmented_frames(masks: Sequence[str | Path]) -> pd.DataFrame:
    """The frames that were segmented, whether a cell was found or not: rows (recording, track_id, frame) of the mask files."""
    tables = []
    for path in masks:
        with MaskFile(path) as file:
            tables.append(file.index().assign(recording=file.recording))
    return pd.concat(tables, ignore_index=True)[KEY] if tables else pd.DataFrame(columns=KEY)


def tabulate_coverage(
    segmented: pd.DataFrame,
    features: pd.DataFrame,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    outcomes: Mapping[str, str],
    *,
    splits: Sequence[str],
    treatment: str | None,
) -> pd.DataFrame:
    """The segmentation_coverage table of the labelled trajectories that figure 5 looks at: in ``splits``, of ``treatment`` (None: all).

    ``segmented`` are those of :func:`segmented_frames`, ``features`` has a row for each of them in which the cell was found. Thirds are
    of the time from a trajectory's first frame to its last. An outcome without a segmented frame has n 0 and no coverage.
    """
    looked_at = split.loc[split["split"].isin(splits), "trajectory"]
    rows = trajectories[trajectories["trajectory"].isin(looked_at) & trajectories["usable"] & trajectories["label"].notna()]
    rows = rows if treatment is None else rows[rows["treatment"] == treatment]
    frames = rows.merge(segmented, on=["recording", "track_id"])
    frames = frames[frames["frame"].between(frames["first_frame"], frames["last_frame"])]
    frames = frames.merge(features[KEY].assign(found=True), on=KEY, how="left")
    frames["found"] = frames["found"].notna()
    span = frames["last_frame"] - frames["first_frame"] + 1
    frames["phase"] = [COVERAGE_PHASES[1 + third] for third in 3 * (frames["frame"] - frames["first_frame"]) // span]
    found = [
        _row(name, phase, own if phase == WHOLE else own[own["phase"] == phase])
        for name, own in ((name, frames[frames["label"] == label]) for label, name in enumerate(_names(outcomes)))
        for phase in COVERAGE_PHASES
    ]
    return pd.DataFrame(found, columns=list(SEGMENTATION_COVERAGE.columns))


def _names(outcomes: Mapping[str, str]) -> tuple[str, str]:
    return outcomes["negative"], outcomes["positive"]


def _row(outcome: str, phase: str, frames: pd.DataFrame) -> tuple:
    n_found = int(frames["found"].sum())
    return outcome, phase, frames["trajectory"].nunique(), len(frames), n_found, n_found / len(frames) if len(frames) else np.nan


def coverage_captions(table: pd.DataFrame) -> list[str]:
    """A line for each outcome, for beside the features: the share of frames with a cell, in all and by thirds of the track."""
    lines = []
    for outcome, rows in table.groupby("outcome", sort=False):
        whole, *thirds = rows.set_index("phase").loc[list(COVERAGE_PHASES)].itertuples()
        if whole.n_frames == 0:
            lines.append(f"{outcome}: no frame was segmented")
            continue
        shares = ", ".join(_percent(third.coverage) for third in thirds)
        of = f"{whole.n_frames:,} frames of {whole.n_trajectories} tracks"
        lines.append(f"{outcome}: cell found in {_percent(whole.coverage)} of {of} (thirds of the track: {shares})")
    return lines


def coverage_caveats(table: pd.DataFrame) -> list[str]:
    """Where the cell was found in fewer than half of the frames of an outcome or phase, or far less often than in the other outcome."""
    few = table[(table["phase"] != WHOLE) & (table["coverage"] < LOW)]
    found = []
    for outcome, rows in few.groupby("outcome", sort=False):
        phases = " and ".join(f"the {row.phase} ({_percent(row.coverage)} of {row.n_frames:,} frames)" for row in rows.itertuples())
        found.append(f"The segmentation missed most cells of “{outcome}” in {phases}: features say little of them.")
    return found + _unequal(table)


def _unequal(table: pd.DataFrame) -> list[str]:
    """The phases in which the outcomes differ by more than ``FAR``, in one sentence; none where there is none."""
    shares = table.pivot(index="phase", columns="outcome", values="coverage").loc[list(COVERAGE_PHASES), table["outcome"].unique()]
    far = shares[(shares.max(axis=1) - shares.min(axis=1) > FAR) & shares.notna().all(axis=1)]
    if far.empty:
        return []
    phases = [f"{phase}: {' against '.join(f'{_percent(row[name])} of “{name}”' for name in far)}" for phase, row in far.iterrows()]
    return [f"Cells were not found equally often ({'; '.join(phases)}): their features may differ by which cells were found."]


def _percent(share: float) -> str:
    return "–" if pd.isna(share) else f"{100 * share:.0f} %"
