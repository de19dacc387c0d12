"""Mean attention and occlusion before the end of the trajectories, aligned at the last frame (figure 4)."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.frame_weights import own_occlusion
from cellfate.explanation.tables import ATTENTION_PROFILE
from cellfate.statistics.bootstrap import bootstrap_counts, resampling_units
from cellfate.statistics.contrasts.by_unit import mean_interval

BY_RECORDING, BOOTSTRAP = "recording", "bootstrap"
Limits = Callable[[pd.DataFrame, str, np.ndarray], pd.DataFrame]  # rows, column, aligned frames -> low, high, reason of each frame


def attention_profile(analysis: Analysis, *, max_frames_before_end: int, intervals: str, bootstrap: int, seed: int) -> pd.DataFrame:
    """The attention_profile table: mean scaled attention 0 to ``max_frames_before_end`` frames before the end, per outcome.

    Trajectories of the analysis that are classified correctly at full length. ``profile`` is the mean scaled by its own minimum and
    maximum over the aligned frames; ``ci_low`` and ``ci_high`` are the limits of the mean on that same scale, so they may leave 0..1.
    ``intervals`` says which 95 % limits: ``recording``, those of scores (:func:`cellfate.statistics.contrasts.by_unit.mean_interval`), none
    with fewer than three recordings, and ``reason`` says so; or ``bootstrap``, the paper's protocol: whole recordings drawn, or
    lineages where there is one recording.
    ``occlusion`` is the mean change of the own outcome's log-odds, unscaled, with its interval; null where it was not computed.
    ``hours_before_end`` is null where the trajectories differ in their frame interval: aligned frames have no common time then.
    InputError for other ``intervals``.
    """
    if intervals not in (BY_RECORDING, BOOTSTRAP):
        raise InputError(f"attention.intervals is {intervals!r}; {BY_RECORDING} or {BOOTSTRAP} is needed")
    limits: Limits = _by_recording if intervals == BY_RECORDING else partial(_resampled, bootstrap=bootstrap, seed=seed)
    known = analysis.known
    attention = analysis.attention.assign(own=own_occlusion(analysis.attention, analysis.trajectories))
    rows = attention.merge(analysis.correct()[["trajectory", "fold", "outcome"]], on=["trajectory", "fold"])
    rows = rows[rows["frames_before_end"] <= max_frames_before_end]
    rows = rows.assign(lineage=rows["trajectory"].map(known["lineage"]))
    minutes = known.loc[rows["trajectory"].unique(), "frame_interval_min"].unique()
    hours = minutes[0] / 60 if len(minutes) == 1 else np.nan
    columns = list(ATTENTION_PROFILE.columns)
    present = [rows[rows["outcome"] == name] for name in analysis.fates]
    tables = [_profile(members, hours, limits) for members in present if len(members)]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _profile(rows: pd.DataFrame, hours: float, limits: Limits) -> pd.DataFrame:
    """The profile of one outcome; ``hours`` from one frame to the next, NaN where they differ."""
    aligned = rows.groupby("frames_before_end")
    mean = aligned["scaled"].mean()
    low, spread = mean.min(), mean.max() - mean.min()
    of_attention = limits(rows, "scaled", mean.index.to_numpy())
    of_occlusion = limits(rows[rows["own"].notna()], "own", mean.index.to_numpy())

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
            "ci_low": scaled(of_attention["low"].to_numpy()),
            "ci_high": scaled(of_attention["high"].to_numpy()),
            "occlusion": aligned["own"].mean().to_numpy(),
            "occlusion_low": of_occlusion["low"].to_numpy(),
            "occlusion_high": of_occlusion["high"].to_numpy(),
            "n_recordings": aligned["recording"].nunique().to_numpy(),
            "reason": of_attention["reason"].to_numpy(object),
        }
    )


def _by_recording(rows: pd.DataFrame, column: str, aligned: np.ndarray) -> pd.DataFrame:
    """Limits of the column's mean at each aligned frame, and why there are none."""
    members = dict(tuple(rows.groupby("frames_before_end")))
    each = [members.get(t, rows.iloc[:0]) for t in aligned]
    found = [mean_interval(own[column].to_numpy(), own["recording"].to_numpy(), unit="recording") for own in each]
    return pd.DataFrame([(one.low, one.high, one.reason) for one in found], columns=["low", "high", "reason"])


def _resampled(rows: pd.DataFrame, column: str, aligned: np.ndarray, *, bootstrap: int, seed: int) -> pd.DataFrame:
    """The same from ``bootstrap`` draws of recordings; none with fewer than two units."""
    units = resampling_units(rows["recording"].to_numpy(), rows["lineage"].to_numpy())
    codes = np.unique(units, return_inverse=True)[1]
    if len(codes) == 0 or codes.max() == 0:
        return pd.DataFrame({"low": np.nan, "high": np.nan, "reason": "one recording"}, index=range(len(aligned)))
    sums, counts = np.zeros((2, codes.max() + 1, len(aligned)))
    columns = np.searchsorted(aligned, rows["frames_before_end"])
    np.add.at(sums, (codes, columns), rows[column])
    np.add.at(counts, (codes, columns), 1)
    weights = bootstrap_counts(len(sums), bootstrap, np.random.default_rng(seed))
    drawn = weights @ counts
    means = np.divide(weights @ sums, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
    low, high = np.nanpercentile(means, [2.5, 97.5], axis=0)
    return pd.DataFrame({"low": low, "high": high, "reason": None})
