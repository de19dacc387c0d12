"""Tables of what is compared: two runs on the same trajectories, two people's labels of the same cells."""

from cellfate.base.tables import COUNT, FLOAT, FLOAT_NULL, INT_NULL, STR, STR_NULL, UNIT_NULL, Column, Table

# two people's labels of the cells that both have: how many agree, as a share with Wilson's interval, and Cohen's kappa; see
# cellfate.evaluation.compared.labels
LABEL_AGREEMENT = Table(
    "label_agreement",
    {
        "cells": STR,
        "n": COUNT,
        "recordings": COUNT,
        "agree": COUNT,
        "share": UNIT_NULL,
        "low": UNIT_NULL,
        "high": UNIT_NULL,
        "kappa": FLOAT_NULL,
        "kappa_low": FLOAT_NULL,
        "kappa_high": FLOAT_NULL,
    },
    key=("cells",),
)

# frames of one event by the second person less those by the first, and how many cells have that difference
LABEL_FRAMES = Table("label_frames", {"difference": Column("int"), "n": COUNT}, key=("difference",))

# one row per cell whose labels differ, or of one event the frames
LABEL_DISAGREEMENTS = Table(
    "label_disagreements",
    {
        "recording": STR,
        "track_id": COUNT,
        "what": Column("str", allowed=("outcome", "event_frame")),
        "outcome_a": STR,
        "outcome_b": STR,
        "event_frame_a": INT_NULL,
        "event_frame_b": INT_NULL,
        "note_a": STR_NULL,
        "note_b": STR_NULL,
    },
    key=("recording", "track_id"),
)

# what the comparison of runs reads of the predictions of any version; the columns of probabilities have had other names
RUN_PREDICTIONS = Table(
    "predictions",
    {
        "trajectory": STR,
        "recording": STR,
        "fold": COUNT,
        "split": STR,
        "condition": STR,
        "n": COUNT,
        "label": Column("int", nullable=True, allowed=(0, 1)),
        "logit": FLOAT,
    },
    key=("trajectory", "fold", "condition", "n"),
    open=True,
)

# two runs on the same held-out trajectories, without their last n frames; difference is that of b less that of a. Counts are of the
# cells that the row is of, by which run calls them rightly
RUN_COMPARISON = Table(
    "comparison",
    {
        "run_a": STR,
        "run_b": STR,
        "condition": Column("str", allowed=("full", "truncation")),
        "n": COUNT,
        "metric": STR,
        "class": STR,
        "a": FLOAT_NULL,
        "a_low": FLOAT_NULL,
        "a_high": FLOAT_NULL,
        "a_reason": STR_NULL,
        "b": FLOAT_NULL,
        "b_low": FLOAT_NULL,
        "b_high": FLOAT_NULL,
        "b_reason": STR_NULL,
        "difference": FLOAT_NULL,
        "difference_low": FLOAT_NULL,
        "difference_high": FLOAT_NULL,
        "difference_reason": STR_NULL,
        "n_trajectories": COUNT,
        "unit": Column("str", allowed=("recording", "group")),
        "units": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "both_right": COUNT,
        "only_a_right": COUNT,
        "only_b_right": COUNT,
        "none_right": COUNT,
    },
    key=("condition", "n", "metric", "class"),
)
