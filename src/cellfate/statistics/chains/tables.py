"""Columns that tables about Markov chains share, of states of tracked cells and of phenotypes of sequenced ones."""

from cellfate.base.tables import COUNT, STR, UNIT, UNIT_NULL, Column

# the probability to end in a fate, from each state; n_cells: cells that were seen to
ABSORPTION = {
    "group": STR,
    "source": STR,
    "fate": STR,
    "n_cells": COUNT,
    "probability": UNIT_NULL,
    "ci_low": UNIT_NULL,
    "ci_high": UNIT_NULL,
}

# Chapman-Kolmogorov: share of the cells that P^steps puts into the wrong place, its 95 % point by sampling alone, the verdict
CHAIN_CHECKS = {
    "misplaced": UNIT,
    "sampling_95": Column("float", nullable=True, low=0),
    "p_value": UNIT_NULL,
    "level": UNIT,
    "verdict": Column("str", allowed=("holds", "fails", "not judged")),
    "n_transitions": COUNT,
    "n_units": COUNT,
}
