"""Every table that one step hands to the next: its columns, their types and allowed values, declared once.

``read_table`` and ``write_table`` check a table against its declaration; a violation is an :class:`InputError` that
names the file, the row and the value. Parquet, CSV and TSV are told apart by the file's ending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.errors import InputError
from cellfate.files import replacing

NO_EVENT = "no_event_by_end"
CENSORED = "censored"
SPLITS = ("train", "validation", "test", "unlabelled")
CONDITIONS = ("full", "truncation", "last_k")
COURSES = ("kept", "removed")


@dataclass(frozen=True)
class Column:
    """One column. ``kind`` is ``str``, ``int``, ``float`` or ``bool``; bounds are inclusive."""

    kind: str
    nullable: bool = False
    allowed: tuple | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Table:
    """A declared table. ``open`` tables may have further columns (features are named after channels)."""

    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    open: bool = False


STR, INT, FLOAT, BOOL = Column("str"), Column("int"), Column("float"), Column("bool")
STR_NULL, INT_NULL, FLOAT_NULL = Column("str", nullable=True), Column("int", nullable=True), Column("float", nullable=True)
COUNT = Column("int", low=0)
UNIT = Column("float", low=0, high=1)
UNIT_NULL = Column("float", nullable=True, low=0, high=1)
DELTA_NULL = Column("float", nullable=True, low=-1, high=1)

TABLES = {
    # the user's sheet: one row per recording
    "recordings": Table(
        {
            "recording": STR,
            "images": STR,
            "tracks": STR_NULL,
            "tracks_format": STR_NULL,
            "treatment": STR_NULL,
            "dose": STR_NULL,
            "treatment_start_h": FLOAT_NULL,
            "frame_interval_min": Column("float", low=1e-6),
            "pixel_size_um": Column("float", nullable=True, low=1e-6),
            "channels": STR,
            "group": STR_NULL,
            "channel_labels": STR_NULL,
        },
        key=("recording",),
    ),
    # one row per track and frame; y, x in pixels of the whole frame
    "tracks": Table(
        {"recording": STR, "track_id": COUNT, "parent_id": INT_NULL, "frame": COUNT, "y": FLOAT, "x": FLOAT},
        key=("track_id", "frame"),
    ),
    # one row per track; event_frame is the first frame that shows the event; lineage names the founder's track
    "outcomes": Table(
        {
            "recording": STR,
            "track_id": COUNT,
            "parent_id": INT_NULL,
            "lineage": STR,
            "first_frame": COUNT,
            "last_frame": COUNT,
            "n_frames": Column("int", low=1),
            "outcome": STR,
            "event_frame": Column("int", nullable=True, low=0),
            "warning": STR_NULL,
        },
        key=("recording", "track_id"),
    ),
    # one row per frame of a recording: how far the scene has moved since frame 0, pixels
    "drift": Table({"frame": COUNT, "dy": FLOAT, "dx": FLOAT}, key=("frame",)),
    # one row per track of the whole data set, after the event cut; label is 1, 0 or, for tracks without a fate, null
    "trajectories": Table(
        {
            "trajectory": STR,
            "recording": STR,
            "track_id": COUNT,
            "lineage": STR,
            "group": STR_NULL,
            "treatment": STR,
            "dose": STR_NULL,
            "outcome": STR,
            "label": Column("int", nullable=True, allowed=(0, 1)),
            "first_frame": COUNT,
            "last_frame": COUNT,
            "n_frames": COUNT,
            "event_frame": Column("int", nullable=True, low=0),
            "frame_interval_min": Column("float", low=1e-6),
            "usable": BOOL,
            "reason": STR_NULL,
        },
        key=("trajectory",),
    ),
    # which part of which fold a trajectory is in; with k folds each labelled trajectory is in test exactly once
    "split": Table({"trajectory": STR, "fold": COUNT, "split": Column("str", allowed=SPLITS)}, key=("trajectory", "fold")),
    # how many trajectories each step of the selection keeps
    "flow": Table({"stage": STR, "outcome": STR, "treatment": STR, "n": COUNT}),
    # features of the chosen region of one crop, named as scikit-image names them; intensity_mean-<channel> per channel
    "features": Table(
        {
            "recording": STR,
            "track_id": COUNT,
            "frame": COUNT,
            "area": Column("float", low=0),
            "perimeter": Column("float", low=0),
            "eccentricity": UNIT,
            "equivalent_diameter_area": Column("float", low=0),
            "solidity": UNIT_NULL,
            "circularity": Column("float", nullable=True, low=0),
            "n_neighbors": COUNT,
        },
        key=("recording", "track_id", "frame"),
        open=True,
    ),
    # one row per trajectory and condition; n is the number of dropped (truncation) or kept (last_k) frames
    "predictions": Table(
        {
            "trajectory": STR,
            "recording": STR,
            "treatment": STR,
            "fold": COUNT,
            "split": Column("str", allowed=SPLITS),
            "condition": Column("str", allowed=CONDITIONS),
            "n": COUNT,
            "n_frames": Column("int", low=1),
            "label": Column("int", nullable=True, allowed=(0, 1)),
            "logit": FLOAT,
            "probability": UNIT,
            "probability_calibrated": UNIT,
        },
        key=("trajectory", "fold", "condition", "n"),
    ),
    # attention of the [cls] token to each frame, last layer; frames_before_end is 0 at the last frame of the trajectory;
    # occlusion: log-odds of the positive outcome with all frames, less those with the frames around this one hidden
    "attention": Table(
        {
            "trajectory": STR,
            "recording": STR,
            "fold": COUNT,
            "split": Column("str", allowed=SPLITS),
            "frame": COUNT,
            "frames_before_end": COUNT,
            "weight": UNIT,
            "scaled": UNIT,
            "occlusion": FLOAT_NULL,
        },
        key=("trajectory", "fold", "frame"),
    ),
    # a track at a frame, from the n_frames_seen frames up to it, with probability_<outcome> for each of the two outcomes; these and
    # logit (of the positive one, not calibrated) hold only given what stands in ``given``
    "fate_predictions": Table(
        {
            "recording": STR,
            "track_id": COUNT,
            "frame": COUNT,
            "hours_since_start": Column("float", low=0),
            "y": FLOAT,
            "x": FLOAT,
            "n_frames_seen": Column("int", low=1),
            "logit": FLOAT,
            "given": STR,
        },
        key=("recording", "track_id", "frame"),
        open=True,
    ),
    # one value per metric; scope says which trajectories, class is an outcome or "all"
    "metrics": Table(
        {
            "scope": STR,
            "condition": Column("str", allowed=CONDITIONS),
            "n": COUNT,
            "cohort": Column("str", allowed=("all", "fixed")),
            "metric": STR,
            "class": STR,
            "value": FLOAT_NULL,
            "ci_low": FLOAT_NULL,
            "ci_high": FLOAT_NULL,
            "n_trajectories": COUNT,
        },
        key=("scope", "condition", "n", "cohort", "metric", "class"),
    ),
    # high- against low-attention frames within one trajectory: features as measured (course kept), and less the course that
    # cells of both outcomes share at the same number of frames before the end (removed)
    "effects": Table(
        {
            "trajectory": STR,
            "recording": STR,
            "treatment": STR,
            "dose": STR_NULL,
            "outcome": STR,
            "feature": STR,
            "course": Column("str", allowed=COURSES),
            "n_high": COUNT,
            "n_low": COUNT,
            "p_value": UNIT_NULL,
            "cliffs_delta": DELTA_NULL,
        },
        key=("trajectory", "feature", "course"),
    ),
    # across trajectories: figure 5
    "effect_summary": Table(
        {
            "outcome": STR,
            "feature": STR,
            "course": Column("str", allowed=COURSES),
            "n_trajectories": COUNT,
            "median_delta": DELTA_NULL,
            "ci_low": DELTA_NULL,
            "ci_high": DELTA_NULL,
            "p_value": UNIT_NULL,
            "q_value": UNIT_NULL,
            "band": STR_NULL,
        },
        key=("outcome", "feature", "course"),
    ),
    # figure 4: mean scaled attention and mean occlusion, aligned at the last frame
    "attention_profile": Table(
        {
            "outcome": STR,
            "frames_before_end": COUNT,
            "hours_before_end": FLOAT_NULL,  # where frame intervals differ
            "n_trajectories": COUNT,
            "mean_scaled": UNIT,
            "profile": UNIT_NULL,
            "ci_low": FLOAT_NULL,
            "ci_high": FLOAT_NULL,
            "occlusion": FLOAT_NULL,  # toward the trajectory's own outcome; unscaled
            "occlusion_low": FLOAT_NULL,
            "occlusion_high": FLOAT_NULL,
        },
        key=("outcome", "frames_before_end"),
    ),
    # reliability diagram and its scores, before and after calibration
    "calibration": Table(
        {
            "condition": Column("str", allowed=CONDITIONS),
            "n": COUNT,
            "stage": Column("str", allowed=("raw", "calibrated")),
            "bin_low": UNIT_NULL,
            "bin_high": UNIT_NULL,
            "mean_probability": UNIT_NULL,
            "observed": UNIT_NULL,
            "count": COUNT,
            "ece": UNIT_NULL,
            "brier": UNIT_NULL,
            "log_loss": FLOAT_NULL,
        },
    ),
    # figure 2: full test trajectories; fraction is of the actual outcome
    "confusion": Table({"actual": STR, "predicted": STR, "count": COUNT, "fraction": UNIT_NULL}, key=("actual", "predicted")),
    # figure 6: every frame of the chosen trajectories; position is the row of the stored crops, null where none is shown
    "examples": Table(
        {
            "trajectory": STR,
            "outcome": STR,
            "frame": COUNT,
            "frames_before_end": COUNT,
            "hours_before_end": Column("float", low=0),
            "weight": UNIT,
            "scaled": UNIT,
            "occlusion": FLOAT_NULL,  # toward the trajectory's own outcome
            "group": Column("str", allowed=("high", "low")),
            "position": Column("int", nullable=True, low=0),
        },
        key=("trajectory", "frame"),
    ),
    # simulated data: share of the high frames that come after the earliest onset of an effect, beside that of all frames
    "truth_evidence": Table(
        {
            "outcome": STR,
            "by": Column("str", allowed=("attention", "occlusion")),
            "n_trajectories": COUNT,
            "share_high": UNIT,
            "share_all": UNIT,
        },
        key=("outcome", "by"),
    ),
    # simulated data: share of right predictions without the last n frames, by what was visible in the frames that are left
    "truth_fates": Table(
        {
            "outcome": STR,
            "n": COUNT,
            "effect": STR,
            "visible": BOOL,
            "n_trajectories": COUNT,
            "n_correct": COUNT,
            "fraction_correct": UNIT,
            "ci_low": UNIT,
            "ci_high": UNIT,
        },
        key=("outcome", "n", "effect", "visible"),
    ),
    # simulated data: the tracked cell's region in each segmented crop against its true region; areas in pixels
    "truth_segmentation": Table(
        {"recording": STR, "track_id": COUNT, "frame": COUNT, "iou": UNIT, "found": BOOL, "true_area": COUNT, "area": COUNT},
        key=("recording", "track_id", "frame"),
    ),
    # one row: how plausible the tracks of a recording are; see cellfate.tracking_quality
    "tracking_quality": Table(
        {
            "recording": STR,
            "n_frames": COUNT,
            "tracks": COUNT,
            "cells_per_frame": Column("float", low=0),
            "median_length": Column("float", low=0),
            "mean_length": Column("float", low=0),
            "full_length_share": UNIT,
            "links_per_frame": Column("float", low=0),
            "appearing_per_frame": Column("float", low=0),
            "lost_per_frame": Column("float", low=0),
            "missed_share": UNIT,
            "median_step": Column("float", nullable=True, low=0),
            "step_90": Column("float", nullable=True, low=0),
            "neighbour_distance": Column("float", nullable=True, low=0),
            "divisions": COUNT,
            "divisions_per_frame": Column("float", low=0),
            "doubling_h": Column("float", nullable=True, low=0),
            "implausible_divisions": BOOL,
            "warnings": STR_NULL,
        },
        key=("recording",),
    ),
    # simulated data: tracks that were made here against the truth; Cell Tracking Challenge metrics
    "truth_tracking": Table(
        {
            "recording": STR,
            "tracks": COUNT,
            **dict.fromkeys(("DET", "SEG", "TRA", "LNK", "CT", "TF", "division_f1", "CHOTA"), UNIT_NULL),
        },
        key=("recording",),
    ),
    # simulated data: how planted fates were read
    "truth_outcomes": Table({"fate": STR, "outcome": STR, "count": COUNT, "event_frame_difference": FLOAT_NULL}, key=("fate", "outcome")),
    # tracked cells: the cluster that a frame's features are in, 1 .. n (cellfate.states)
    "states": Table(
        {"recording": STR, "track_id": COUNT, "frame": COUNT, "state": Column("int", low=1)},
        key=("recording", "track_id", "frame"),
    ),
    # what the states look like in the training frames: mean in the feature's units, and in SD from the mean of all
    "state_profiles": Table(
        {
            "state": Column("int", low=1),
            "description": STR,
            "n_frames": COUNT,
            "share": UNIT,
            "feature": STR,
            "mean": FLOAT,
            "mean_sd": FLOAT,
        },
        key=("state", "feature"),
    ),
    # P of each group of recordings at a lag in frames; targets are states and fates; null where nothing leaves the source
    "state_transitions": Table(
        {
            "group": STR,
            "lag": COUNT,
            "source": STR,
            "target": STR,
            "kind": Column("str", allowed=("state", "fate")),
            "count": COUNT,
            "probability": UNIT_NULL,
            "ci_low": UNIT_NULL,
            "ci_high": UNIT_NULL,
        },
        key=("group", "source", "target"),
    ),
    # the probability to end in a fate, from each state; n_cells: cells of the group that were seen to
    "state_absorption": Table(
        {"group": STR, "source": STR, "fate": STR, "n_cells": COUNT, "probability": UNIT_NULL, "ci_low": UNIT_NULL, "ci_high": UNIT_NULL},
        key=("group", "source", "fate"),
    ),
    # entropy in nats of each row of P, and overall (source "all"); n_units: recordings or lineages that were resampled
    "state_entropy": Table(
        {
            "group": STR,
            "source": STR,
            "n_transitions": COUNT,
            "n_cells": COUNT,
            "n_units": COUNT,
            "entropy": Column("float", nullable=True, low=0),
            "ci_low": Column("float", nullable=True, low=0),
            "ci_high": Column("float", nullable=True, low=0),
        },
        key=("group", "source"),
    ),
    # Chapman-Kolmogorov: share of the cells that P^steps puts into the wrong place, its 95 % point by sampling alone, the verdict
    "state_checks": Table(
        {
            "group": STR,
            "steps": COUNT,
            "lag": COUNT,
            "misplaced": UNIT,
            "sampling_95": Column("float", nullable=True, low=0),
            "p_value": UNIT_NULL,
            "level": UNIT,
            "verdict": Column("str", allowed=("holds", "fails", "not judged")),
            "n_transitions": COUNT,
            "n_units": COUNT,
        },
        key=("group", "steps"),
    ),
    # the same entry by entry; difference is predicted less counted
    "state_check_entries": Table(
        {
            "group": STR,
            "steps": COUNT,
            "lag": COUNT,
            "source": STR,
            "target": STR,
            "predicted": UNIT,
            "counted": UNIT,
            "difference": FLOAT,
            "ci_low": FLOAT_NULL,
            "ci_high": FLOAT_NULL,
        },
        key=("group", "steps", "source", "target"),
    ),
    # phenotype transitions: P of one variant; kind says whether it is a transition matrix or, for static labels, a confusion
    "transition_matrix": Table(
        {
            "variant": STR,
            "kind": Column("str", allowed=("transition", "confusion")),
            "source": STR,
            "target": STR,
            "probability": UNIT,
            "ci_low": UNIT,
            "ci_high": UNIT,
            "entropy": Column("float", low=0),
            "overall_entropy": Column("float", low=0),
            "n_cells": COUNT,
        },
        key=("variant", "source", "target"),
    ),
    # loss of each epoch, and how many genes it kept; val_loss is what the weights were chosen by, the last three its parts
    "transition_curves": Table(
        {
            "epoch": COUNT,
            "kept": COUNT,
            "train_loss": FLOAT_NULL,
            "val_loss": FLOAT_NULL,
            "val_fused": FLOAT_NULL,
            "val_full": FLOAT_NULL,
            "val_transition": FLOAT_NULL,
        },
        key=("epoch",),
    ),
    # scores of one variant on the held-out cells
    "transition_scores": Table(
        {"variant": STR, "metric": STR, "value": FLOAT_NULL, "n_cells": COUNT},
        key=("variant", "metric"),
    ),
    # one row per held-out cell; columns p_<phenotype> and q_<phenotype>
    "transition_cells": Table(
        {
            "cell": STR,
            "phenotype": STR,
            "predicted": STR,
            "confidence": UNIT,
            "uncertainty": Column("float", low=-1e-6, high=1),
            "transition_factor": FLOAT_NULL,
        },
        key=("cell",),
        open=True,
    ),
    # how often predictions of a confidence are right
    "transition_reliability": Table(
        {
            "variant": STR,
            "bin_low": UNIT,
            "bin_high": UNIT,
            "mean_probability": UNIT_NULL,
            "observed": UNIT_NULL,
            "count": COUNT,
        },
        key=("variant", "bin_low"),
    ),
    # genes by how much they matter, per method; rank 1 is the highest
    "gene_rankings": Table(
        {"method": STR, "gene": STR, "score": FLOAT, "rank": Column("int", low=1), "in_prior": BOOL},
        key=("method", "gene"),
    ),
    # in-silico knockouts; change of the probability of source -> target where it is largest
    "gene_knockouts": Table(
        {
            "gene": STR,
            "statistic": UNIT,
            "source": STR,
            "target": STR,
            "change": DELTA_NULL,
            "null_95": UNIT,
            "p_value": UNIT,
            "held_out_p_value": UNIT,
            "q_value": UNIT,
            "held_out_q_value": UNIT,
            "significant": BOOL,
            "refit_p_value": UNIT_NULL,
            "refit_q_value": UNIT_NULL,
        },
        key=("gene",),
    ),
    # genes tested on held-out cells of networks that were trained without them
    "gene_refits": Table({"gene": STR, "refit_p_value": UNIT, "refit_q_value": UNIT, "n_cells": COUNT}, key=("gene",)),
    "knockout_edges": Table(
        {"gene": STR, "source": STR, "target": STR, "change": DELTA_NULL, "p_value": UNIT, "q_value": UNIT},
        key=("gene", "source", "target"),
    ),
    "set_knockouts": Table(
        {
            "gene_set": STR,
            "n_genes": COUNT,
            "source": STR,
            "target": STR,
            "change": DELTA_NULL,
            "statistic": UNIT,
            "null_median": UNIT,
            "null_95": UNIT,
            "own_edge_random": UNIT,
            "ratio": Column("float", low=0),
            "p_value": UNIT,
            "q_value": UNIT,
        },
        key=("gene_set",),
    ),
    "set_draws": Table({"gene_set": STR, "draw": COUNT, "statistic": UNIT, "change": DELTA_NULL}, key=("gene_set", "draw")),
    # simulated cells only: scores against the truth
    "transition_truth": Table({"what": STR, "metric": STR, "value": FLOAT}, key=("what", "metric")),
}


def check_table(table: pd.DataFrame, name: str, source: str | Path) -> pd.DataFrame:
    """Return ``table`` with the declared column types, or raise an InputError that names file, row and value.

    Rows are counted as a reader of the file sees them: the first data row of a CSV or TSV file is line 2.
    """
    declared = TABLES[name]
    missing = [c for c in declared.columns if c not in table.columns]
    extra = [] if declared.open else [str(c) for c in table.columns if c not in declared.columns]
    if missing:
        unknown = f"; unknown: {', '.join(extra)}" if extra else f"; found {', '.join(map(str, table.columns))}"
        raise InputError(f"{source}: column{'s' * (len(missing) > 1)} {', '.join(missing)} missing{unknown}")
    extra = [c for c in table.columns if c not in declared.columns]
    if extra and not declared.open:
        raise InputError(
            f"{source}: unknown column{'s' * (len(extra) > 1)} {', '.join(map(str, extra))}; allowed are {', '.join(declared.columns)}"
        )
    checked = pd.DataFrame(
        {column: _checked_column(table[column], spec, source, column) for column, spec in declared.columns.items()}, index=table.index
    )
    for column in extra:
        checked[column] = table[column]
    if declared.key:
        twice = checked.duplicated(list(declared.key))
        if twice.any():
            row = int(np.flatnonzero(twice.to_numpy())[0])
            value = ", ".join(f"{k} {checked.iloc[row][k]}" for k in declared.key)
            raise InputError(f"{source}: line {_line(row)}: {value} stands here for the second time")
    return checked


def _line(row: int) -> int:
    return row + 2


def _first_bad(bad: pd.Series, values: pd.Series, source: str | Path, column: str, wanted: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        value = values.iloc[row]
        shown = "empty" if pd.isna(value) else repr(value.item() if hasattr(value, "item") else value)
        raise InputError(f"{source}: line {_line(row)}: {column} is {shown}, {wanted}")


def _checked_column(values: pd.Series, spec: Column, source: str | Path, column: str) -> pd.Series:
    if not spec.nullable:
        _first_bad(values.isna(), values, source, column, "a value is needed")
    known = values.notna()
    if spec.kind == "str":
        typed = values.astype("object").where(known, None).map(lambda v: v if v is None else str(v))
    elif spec.kind == "bool":
        _first_bad(~values.isin([True, False]), values, source, column, "True or False is needed")
        typed = values.astype(bool)
    else:
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        _first_bad(known & ~np.isfinite(numbers), values, source, column, "a finite number is needed")
        if spec.kind == "int":
            _first_bad(known & (numbers % 1 != 0), values, source, column, "a whole number is needed")
        typed = numbers
        if spec.kind == "int":
            typed = numbers.astype("Int64") if spec.nullable else numbers.astype("int64")
    if spec.low is not None:
        _first_bad((known & (typed < spec.low)).fillna(False).astype(bool), values, source, column, f"at least {spec.low} is needed")
    if spec.high is not None:
        _first_bad((known & (typed > spec.high)).fillna(False).astype(bool), values, source, column, f"at most {spec.high} is allowed")
    if spec.allowed is not None:
        _first_bad(known & ~typed.isin(spec.allowed), values, source, column, f"one of {', '.join(map(str, spec.allowed))} is needed")
    return typed


def read_table(path: str | Path, name: str) -> pd.DataFrame:
    """Read and check a declared table from a ``.parquet``, ``.csv`` or ``.tsv`` file."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file ({name} table)")
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    else:
        text = {column: "string" for column, spec in TABLES[name].columns.items() if spec.kind == "str"}
        try:
            table = pd.read_csv(path, sep=_separator(path), dtype=text, keep_default_na=False, na_values=[""])
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not readable as a table: {error}") from error
    return check_table(table, name, path)


def read_tables(paths: Sequence[str | Path], name: str) -> pd.DataFrame:
    """Read several files of one declared table (recordings or folds) and put them below one another."""
    return pd.concat([read_table(path, name) for path in paths], ignore_index=True)


def write_table(table: pd.DataFrame, path: str | Path, name: str) -> None:
    """Check a declared table and write it (temporary name, then rename). Columns stand in the declared order."""
    path = Path(path)
    table = check_table(table.reset_index(drop=True), name, path)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, sep=_separator(path), index=False)


def _separator(path: Path) -> str:
    return {".csv": ",", ".tsv": "\t"}[path.suffix]
