"""Is a feature different between the outcomes for that time before the end? Held-out cells, each with one value per window of hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from cellfate.explanation.analysis import Analysis
from cellfate.explanation.effects import feature_names, trajectory_features
from cellfate.explanation.tables import CONTRASTS
from cellfate.statistics.contrasts.matched import Contrast, matched_contrast
from cellfate.statistics.permutation import benjamini_hochberg

HELD_OUT = "test"
COVERED = 0.5  # of a window's frames that a track must have, so that the cell counts there
LEVEL = 0.05


@dataclass(frozen=True)
class HeldOutCells:
    """Labelled held-out cells, classified correctly or not: ``values`` are (F, T) arrays, ``hours`` (T,) before the end."""

    names: list[str]
    values: list[np.ndarray]
    hours: list[np.ndarray]
    steps: np.ndarray  # (J,) hours from frame to frame
    labels: np.ndarray  # (J,)
    recordings: np.ndarray  # (J,)

    @classmethod
    def of(cls, analysis: Analysis, features: pd.DataFrame) -> "HeldOutCells":
        """Those of the analysis in the part of the split that is held out, whether its ``splits`` have others or not."""
        held_out = replace(analysis, splits=[split for split in analysis.splits if split == HELD_OUT])
        names, labelled = feature_names(features), held_out.labelled()
        members = list(trajectory_features(held_out.attention, features, labelled, names))
        steps = labelled["trajectory"].map(analysis.known["frame_interval_min"]).to_numpy(float) / 60
        return cls(
            names=names,
            values=[values for _, values, *_ in members],
            hours=[before_end * step for (*_, before_end), step in zip(members, steps, strict=True)],
            steps=steps,
            labels=labelled["label"].to_numpy(int),
            recordings=labelled["recording"].to_numpy(),
        )

    def within(self, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Each cell's means (J, F) over its frames from ``start`` to before ``end`` hours before the end, and which reach that, (J,).

        A cell reaches a window where its track has half of the window's frames; NaN for the others and where no frame has a value.
        """
        means, reach = np.full((len(self.values), len(self.names)), np.nan), np.zeros(len(self.values), bool)
        for place, (values, hours, step) in enumerate(zip(self.values, self.hours, self.steps, strict=True)):
            inside = (hours >= start - step / 1000) & (hours < end - step / 1000)
            reach[place] = inside.any() and inside.sum() * step >= COVERED * (end - start)
            if reach[place]:
                known = ~np.isnan(values[:, inside])
                counts = known.sum(axis=1)
                sums = np.where(known, values[:, inside], 0.0).sum(axis=1)
                means[place] = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        return means, reach


def contrast_features(cells: HeldOutCells, edges: Sequence[float], *, draws: int, correction: str, seed: int) -> pd.DataFrame:
    """The contrasts table of windows between the ``edges``, hours before the end; no row without windows.

    Cells are the units, each with its mean over the window, compared within recordings
    (:func:`cellfate.statistics.contrasts.matched.matched_contrast`). ``correction`` ``benjamini-hochberg`` fills q_value over features x
    windows.
    """
    rows = []
    for number, (start, end) in enumerate(pairwise(edges)):
        values, reach = cells.within(start, end)
        reached = {f"reach_{role}": _share(reach[cells.labels == label]) for label, role in enumerate(("negative", "positive"))}
        for place, name in enumerate(cells.names):
            own = values[:, place]
            found = matched_contrast(own, cells.labels, cells.recordings, draws=draws, seed=[seed, number])
            rows.append({"feature": name, "hours_from": start, "hours_to": end, **reached, **_row(own, cells, found)})
    table = pd.DataFrame(rows, columns=list(CONTRASTS.columns))
    if correction == "benjamini-hochberg":
        table["q_value"] = benjamini_hochberg(table["p_value"].to_numpy(float))
    evidence = table["q_value"] if correction == "benjamini-hochberg" else table["p_value"]
    table["survives"] = (evidence.astype(float) < LEVEL) & ((table["ci_low"].astype(float) > 0) | (table["ci_high"].astype(float) < 0))
    order = {name: place for place, name in enumerate(cells.names)}
    return table.sort_values(["feature", "hours_from"], key=lambda column: column.map(order) if column.name == "feature" else column)


def _row(values: np.ndarray, cells: HeldOutCells, found: Contrast) -> Mapping[str, object]:
    known = ~np.isnan(values)
    mixed = [unit for unit in np.unique(cells.recordings[known]) if len(np.unique(cells.labels[known & (cells.recordings == unit)])) == 2]
    of_label = [values[known & np.isin(cells.recordings, mixed) & (cells.labels == label)] for label in (0, 1)]
    return {
        "n_negative": len(of_label[0]),
        "n_positive": len(of_label[1]),
        "recordings": found.both,
        "recordings_alone": found.alone,
        "median_negative": np.median(of_label[0]) if len(of_label[0]) else np.nan,
        "median_positive": np.median(of_label[1]) if len(of_label[1]) else np.nan,
        "delta": found.delta,
        "ci_low": found.interval.low,
        "ci_high": found.interval.high,
        "p_value": found.p_value,
        "q_value": np.nan,
        "opposite_share": found.opposite,
        "survives": False,
        "reason": _reason(values[known], found),
    }


def _reason(values: np.ndarray, found: Contrast) -> str | None:
    """Why nothing can be shown, or why there is no interval; None where neither is lacking."""
    if len(values) == 0:
        return "no held-out cell has a value"
    if np.ptp(values) == 0:
        return "it is the same in all cells"
    if found.both == 0:
        return f"none of {found.alone} recordings has both outcomes"
    if 2 / found.exchanges > LEVEL:
        return f"outcomes can be exchanged in {found.exchanges} ways only, so p cannot be below {LEVEL}"
    return found.interval.reason


def _share(reach: np.ndarray) -> float:
    return float(reach.mean()) if len(reach) else np.nan
