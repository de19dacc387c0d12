"""Average traces of features, aligned at the end of the trajectories: the mean over held-out cells, in the features' own units."""

import numpy as np
import pandas as pd

from cellfate.explanation.contrasts import HeldOutCells
from cellfate.explanation.tables import TRACES
from cellfate.statistics.contrasts.by_unit import mean_interval

COLUMNS = list(TRACES.columns)


def average_traces(cells: HeldOutCells, fates: tuple[str, str]) -> pd.DataFrame:
    """The traces table. Frames of recordings with another interval count at the nearest multiple of the median interval.

    Intervals of the mean are by recording (:func:`cellfate.statistics.contrasts.by_unit.mean_interval`).
    """
    if not cells.values:
        return pd.DataFrame(columns=COLUMNS)
    step = float(np.median(cells.steps))
    places = [np.rint(hours / step).astype(int) for hours in cells.hours]
    aligned = np.full((len(places), len(cells.names), 1 + max(own.max() for own in places)), np.nan)
    for cell, own in enumerate(places):
        aligned[cell][:, own] = cells.values[cell]
    rows = []
    for label, outcome in enumerate(fates):
        members = cells.labels == label
        for place, feature in enumerate(cells.names):
            for t in range(aligned.shape[2]):
                values = aligned[members, place, t]
                known = ~np.isnan(values)
                if known.any():
                    rows.append((outcome, feature, t * step, *_mean(values[known], cells.recordings[members][known])))
    return pd.DataFrame(rows, columns=COLUMNS)


def _mean(values: np.ndarray, recordings: np.ndarray) -> tuple:
    found = mean_interval(values, recordings, unit="recording")
    return len(values), len(np.unique(recordings)), float(values.mean()), found.low, found.high, found.reason
