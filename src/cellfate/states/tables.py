"""Tables of the states of cells."""

from cellfate.base.tables import COUNT, FLOAT, FLOAT_NULL, STR, UNIT, UNIT_NULL, Column, Table
from cellfate.statistics.chains.tables import ABSORPTION, CHAIN_CHECKS

# tracked cells: the cluster that a frame's features are in, 1 .. n (cellfate.states.chain)
STATES = Table(
    "states",
    {"recording": STR, "track_id": COUNT, "frame": COUNT, "state": Column("int", low=1)},
    key=("recording", "track_id", "frame"),
)

# what the states look like in the training frames: mean in the feature's units, and in SD from the mean of all
STATE_PROFILES = Table(
    "state_profiles",
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
)

# P of each group of recordings at a lag in frames; targets are states and fates; null where nothing leaves the source
STATE_TRANSITIONS = Table(
    "state_transitions",
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
)

# the probability to end in a fate, from each state; n_cells: cells of the group that were seen to
STATE_ABSORPTION = Table("state_absorption", ABSORPTION, key=("group", "source", "fate"))

# entropy in nats of each row of P, and overall (source "all"); n_units: recordings or lineages that were resampled
STATE_ENTROPY = Table(
    "state_entropy",
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
)

# Chapman-Kolmogorov: share of the cells that P^steps puts into the wrong place, its 95 % point by sampling alone, the verdict
STATE_CHECKS = Table("state_checks", {"group": STR, "steps": COUNT, "lag": COUNT, **CHAIN_CHECKS}, key=("group", "steps"))

# the same entry by entry; difference is predicted less counted
STATE_CHECK_ENTRIES = Table(
    "state_check_entries",
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
)

# by name: those that follow from the counts
CHAIN_TABLES = {table.name: table for table in (STATE_TRANSITIONS, STATE_ABSORPTION, STATE_ENTROPY, STATE_CHECKS, STATE_CHECK_ENTRIES)}
