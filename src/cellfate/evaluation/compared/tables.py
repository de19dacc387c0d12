"""Tables of two people's labels of the same cells."""

from cellfate.base.tables import COUNT, FLOAT_NULL, INT_NULL, STR, STR_NULL, UNIT_NULL, Column, Table

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
