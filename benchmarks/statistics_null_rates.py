"""How often each test of features finds something on simulated tables, without effects and with one, by recording.

Cells of two outcomes in a few recordings, features that are autocorrelated noise and what the case adds, attention that sits at the
end. For 200 tables of a feature in each case, the share that is called at 0.05:

- paper: of trajectories, by the paper's permutation test of high against low frames (three trajectories of each table);
- shift, block, interval: of tables, for the median effect of one outcome against circular shifts, against exchanged blocks, and by the
  interval by recording (tables that have one); all: what the summary calls an effect; for each course of ``COURSES``;
- frames: of tables and windows, the outcomes compared with all frames as units (Mann-Whitney), as is often done;
- pooled: with cells as units, recordings ignored; matched, contrast_interval, contrast: cells exchanged within recordings, the interval
  by recording, and both together.

Run: PYTHONPATH=src .venv/bin/python benchmarks/statistics_null_rates.py [folder for the table] [tables]
"""

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import mannwhitneyu

from cellfate.explanation.tables import COURSES
from cellfate.statistics.contrasts.blocks import block_length, deltas_of_blocks
from cellfate.statistics.contrasts.by_unit import median_interval
from cellfate.statistics.contrasts.matched import matched_contrast
from cellfate.statistics.courses import remove_courses
from cellfate.statistics.effect_sizes import deltas_of_shifts, high_attention
from cellfate.statistics.permutation import circular_shift_p_value, permutation_p_values


@dataclass(frozen=True)
class Case:
    """Slopes and offsets in standard deviations of the noise, slopes per 50 frames."""

    noise: float = 0.8  # AR(1) coefficient
    slope: float = 0.0  # of all cells
    slope_spread: float = 0.0  # between recordings
    offset: float = 0.0  # between recordings, in their order
    tied: bool = False  # the share of outcome 1 goes from 0.1 to 0.9 over the recordings
    recordings: int = 6
    each: int = 8  # cells
    rise: float = 0.0  # of outcome 1 in its last 15 frames


CASES = {
    "white noise": Case(noise=0.0),
    "autocorrelation 0.8": Case(),
    "autocorrelation 0.95": Case(noise=0.95),
    "a trend that all cells share": Case(slope=3.0),
    "trends that differ between recordings": Case(slope=3.0, slope_spread=3.0),
    "outcome tied to recordings that differ": Case(offset=1.0, tied=True),
    "3 recordings": Case(slope=3.0, recordings=3, each=16),
    "few cells: 6 recordings of 4": Case(slope=3.0, each=4),
    "a rise in outcome 1, 6 recordings of 8": Case(slope=3.0, rise=1.5),
    "the same, 12 recordings of 8": Case(slope=3.0, rise=1.5, recordings=12),
    "the same, 3 recordings of 16": Case(slope=3.0, rise=1.5, recordings=3, each=16),
}
TABLES, FEATURES, LEVEL = 200, 1, 0.05
SHORTEST, LONGEST, RISE_FRAMES = 30, 60, 15
EDGES = (0, 4, 10, 20, 40)  # frames before the end
DRAWS, BLOCK_DRAWS, RESAMPLES = 400, 100, 400


def simulate(case: Case, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """Features (F, T) and attention (T,) of each cell, outcomes and recordings."""
    units = np.repeat(np.arange(case.recordings), case.each)
    share = np.linspace(0.1, 0.9, case.recordings)[units] if case.tied else np.full(len(units), 0.5)
    labels = (rng.random(len(units)) < share).astype(int)
    slopes = case.slope + case.slope_spread * rng.normal(size=case.recordings)
    values, weights = [], []
    for unit, label in zip(units, labels, strict=True):
        n = int(rng.integers(SHORTEST, LONGEST + 1))
        before_end = np.arange(n)[::-1]
        trend = case.offset * unit - slopes[unit] * before_end / 50 + case.rise * label * np.clip(1 - before_end / RISE_FRAMES, 0, None)
        values.append(trend + autoregressive(rng, (FEATURES, n), case.noise))
        weights.append(autoregressive(rng, (1, n), 0.9)[0] + 3 * np.linspace(0, 1, n) ** 4)
    return values, weights, labels, units


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], coefficient: float) -> np.ndarray:
    """AR(1) noise (rows, T) of unit variance."""
    noise = rng.normal(size=(shape[0], shape[1] + 100)) * np.sqrt(1 - coefficient**2)
    return lfilter([1.0], [1.0, -coefficient], noise, axis=1)[:, 100:]


def of_frames(values: list[np.ndarray], weights: list[np.ndarray], labels: np.ndarray, units: np.ndarray, seed: int) -> dict[str, float]:
    """What is called of high against low frames of outcome 1, for each course."""
    aligned = np.full((len(values), FEATURES, LONGEST), np.nan)
    for place, one in enumerate(values):
        aligned[place, :, : one.shape[1]] = one[:, ::-1]
    shared, alike = remove_courses(aligned, labels, units)
    members = list(np.flatnonzero(labels == 1))
    high = [high_attention(weights[place], 90) for place in members]
    tests = [permutation_p_values(values[p], mask, resamples=RESAMPLES, seed=[seed, p]) for p, mask in zip(members[:3], high, strict=False)]
    called = {"paper": float((np.array(tests) < LEVEL).mean()) if tests else np.nan}
    for course, table in zip(COURSES, (aligned, shared, alike), strict=True):
        own = [table[place][:, : len(weights[place])][:, ::-1] for place in members]
        called |= {f"{course} {test}": rate for test, rate in of_course(own, high, units[members], seed).items()}
    return called


def of_course(own: list[np.ndarray], high: list[np.ndarray], units: np.ndarray, seed: int) -> dict[str, float]:
    length = block_length(own)
    shifted = [deltas_of_shifts(one, mask) for one, mask in zip(own, high, strict=True)]
    pairs = enumerate(zip(own, high, strict=True))
    blocks = [deltas_of_blocks(one, mask, length, draws=BLOCK_DRAWS, seed=[seed, place]) for place, (one, mask) in pairs]
    rows = []
    for f in range(FEATURES):
        nulls = [[deltas[:, f] for deltas in found] for found in (shifted, blocks)]
        shift, block = (circular_shift_p_value(null, draws=DRAWS, seed=seed) < LEVEL for null in nulls)
        deltas = np.array([one[0] for one in nulls[0]])
        known = ~np.isnan(deltas)
        found = median_interval(deltas[known], units[known], unit="recording")
        away = bool(found.low > 0 or found.high < 0)
        rows.append((shift, block, np.nan if found.reason else away, shift and block and away))
    with np.errstate(all="ignore"):
        means = [np.nanmean(column) if np.isfinite(column).any() else np.nan for column in np.array(rows, float).T]
    return dict(zip(("shift", "block", "interval", "all"), means, strict=True))


def of_outcomes(values: list[np.ndarray], labels: np.ndarray, units: np.ndarray, seed: int) -> dict[str, float]:
    """What is called of the outcomes at the same time before the end."""
    rows = []
    for start, end in pairwise(EDGES):
        reach = np.array([one.shape[1] >= start + (end - start) / 2 for one in values])
        frames = [one[:, ::-1][:, start:end] for one in values]
        for f in range(FEATURES):
            means = np.array([one[f].mean() if there else np.nan for one, there in zip(frames, reach, strict=True)])
            found = matched_contrast(means, labels, units, draws=DRAWS, seed=seed)
            every = [np.concatenate([one[f] for one, label in zip(frames, labels, strict=True) if label == side]) for side in (0, 1)]
            cells = [means[(labels == side) & reach] for side in (0, 1)]
            plain = [mannwhitneyu(*sides).pvalue < LEVEL if min(map(len, sides)) else False for sides in (every, cells)]
            away = bool(found.interval.low > 0 or found.interval.high < 0)
            matched = found.p_value < LEVEL
            rows.append((*plain, matched, np.nan if found.interval.reason else away, matched and away))
    names = ("frames", "pooled", "matched", "contrast_interval", "contrast")
    last = {f"{name} last": float(np.mean(column[:FEATURES])) for name, column in zip(names, np.array(rows, float).T, strict=True)}
    return dict(zip(names, np.nanmean(np.array(rows, float), axis=0), strict=True)) | last


def main(folder: Path, tables: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, case in CASES.items():
        found = []
        for seed in range(tables):
            values, weights, labels, units = simulate(case, np.random.default_rng([seed, 19]))
            found.append(of_frames(values, weights, labels, units, seed) | of_outcomes(values, labels, units, seed))
        table = pd.DataFrame(found)
        rows.append({"case": name, "tables": tables, **table.mean(), "with_interval": table["kept interval"].notna().mean()})
        pd.DataFrame(rows).to_csv(folder / "statistics_null_rates.csv", index=False)
        print(pd.DataFrame(rows[-1:]).round(3).T.to_string(header=False), flush=True)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    main(Path(given.get(1, Path(__file__).parent / "results")), int(given.get(2, TABLES)))
