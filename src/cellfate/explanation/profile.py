"""Mean attention and occlusion before the end of the trajectories, aligned at the last frame (figure 4)."""

import numpy as np
import pandas as pd

from cellfate.explanation.analysis import Analysis
from cellfate.explanation.frame_weights import own_occlusion
from cellfate.explanation.tables import ATTENTION_PROFILE
from cellfate.statistics.bootstrap import bootstrap_counts, resampling_units


def attention_profile(analysis: Analysis, *, max_frames_before_end: int, bootstrap: int, seed: int) -> pd.DataFrame:
    """The attention_profile table: mean scaled attention 0 to ``max_frames_before_end`` frames before the end, per outcome.

    Trajectories of the analysis that are classified correctly at full length. ``profile`` is the mean scaled by its own minimum and
    maximum over the aligned frames; ``ci_low`` and ``ci_high`` are the 95 % bootstrap interval of the mean (whole recordings drawn,
    lineages where there is one recording) on that same scale, so they may leave 0..1.
    ``occlusion`` is the mean change of the own outcome's log-odds, unscaled, with its interval; null where it was not computed.
    ``hours_before_end`` is null where the trajectories differ in their frame interval: aligned frames have no common time then.
    """
    known = analysis.known
    attention = analysis.attention.assign(own=own_occlusion(analysis.attention, analysis.trajectories))
    rows = attention.merge(analysis.correct()[["trajectory", "fold", "outcome"]], on=["trajectory", "fold"])
    rows = rows[rows["frames_before_end"] <= max_frames_before_end]
    rows = rows.assign(lineage=rows["trajectory"].map(known["lineage"]))
    minutes = known.loc[rows["trajectory"].unique(), "frame_interval_min"].unique()
    hours = minutes[0] / 60 if len(minutes) == 1 else np.nan
    columns = list(ATTENTION_PROFILE.columns)
    present = [rows[rows["outcome"] == name] for name in analysis.fates]
    tables = [_profile(members, hours, bootstrap, seed) for members in present if len(members)]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _profile(rows: pd.DataFrame, hours: float, bootstrap: int, seed: int) -> pd.DataFrame:
    """The profile of one outcome; ``hours`` from one frame to the next, NaN where they differ."""
    aligned = rows.groupby("frames_before_end")
    mean = aligned["scaled"].mean()
    low, spread = mean.min(), mean.max() - mean.min()
    ci_low, ci_high = _interval(rows, "scaled", mean.index.to_numpy(), bootstrap, seed)
    occlusion_low, occlusion_high = _interval(rows, "own", mean.index.to_numpy(), bootstrap, seed)

    def scaled(values):
        return (values - low) / spread if spread > 0 else np.full(len(mean), np.nan)

    return pd.DataFrame(
        {
            "outcome": rows["outcome"].iloc[0],
            "frames_before_end": mean.index,
            "hours_before_end": mean.index * hours,
            "n_trajectories": aligned["trajectory"].nunique().to_numpy(),
            "mean_scaled": mean.to_numpy().clip(0, 1),
            "profile": scaled(mean.to_numpy()),
            "ci_low": scaled(ci_low),
            "ci_high": scaled(ci_high),
            "occlusion": aligned["own"].mean().to_numpy(),
            "occlusion_low": occlusion_low,
            "occlusion_high": occlusion_high,
        }
    )


def _interval(rows: pd.DataFrame, column: str, aligned: np.ndarray, bootstrap: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the column's mean at each aligned frame; NaN with fewer than two units or without values."""
    rows = rows[rows[column].notna()]
    units = resampling_units(rows["recording"].to_numpy(), rows["lineage"].to_numpy())
    codes = np.unique(units, return_inverse=True)[1]
    if len(codes) == 0 or codes.max() == 0:
        return np.full(len(aligned), np.nan), np.full(len(aligned), np.nan)
    sums, counts = np.zeros((2, codes.max() + 1, len(aligned)))
    columns = np.searchsorted(aligned, rows["frames_before_end"])
    np.add.at(sums, (codes, columns), rows[column])
    np.add.at(counts, (codes, columns), 1)
    weights = bootstrap_counts(len(sums), bootstrap, np.random.default_rng(seed))
    drawn = weights @ counts
    means = np.divide(weights @ sums, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
    return tuple(np.nanpercentile(means, [2.5, 97.5], axis=0))
