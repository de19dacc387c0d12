"""Tables of phenotype transitions."""

from cellfate.base.tables import BOOL, COUNT, DELTA_NULL, FLOAT, FLOAT_NULL, STR, UNIT, UNIT_NULL, Column, Table

# phenotype transitions: P of one variant; kind says whether it is a transition matrix or, for static labels, a confusion
TRANSITION_MATRIX = Table(
    "transition_matrix",
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
)

# loss of each epoch, and how many genes it kept; val_loss is what the weights were chosen by, the last three its parts
TRANSITION_CURVES = Table(
    "transition_curves",
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
)

# scores of one variant on the held-out cells
TRANSITION_SCORES = Table(
    "transition_scores",
    {"variant": STR, "metric": STR, "value": FLOAT_NULL, "n_cells": COUNT},
    key=("variant", "metric"),
)

# one row per held-out cell; columns p_<phenotype> and q_<phenotype>
TRANSITION_CELLS = Table(
    "transition_cells",
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
)

# how often predictions of a confidence are right
TRANSITION_RELIABILITY = Table(
    "transition_reliability",
    {
        "variant": STR,
        "bin_low": UNIT,
        "bin_high": UNIT,
        "mean_probability": UNIT_NULL,
        "observed": UNIT_NULL,
        "count": COUNT,
    },
    key=("variant", "bin_low"),
)

# genes by how much they matter, per method; rank 1 is the highest
GENE_RANKINGS = Table(
    "gene_rankings",
    {"method": STR, "gene": STR, "score": FLOAT, "rank": Column("int", low=1), "in_prior": BOOL},
    key=("method", "gene"),
)

# in-silico knockouts; change of the probability of source -> target where it is largest
GENE_KNOCKOUTS = Table(
    "gene_knockouts",
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
)

# genes tested on held-out cells of networks that were trained without them
GENE_REFITS = Table("gene_refits", {"gene": STR, "refit_p_value": UNIT, "refit_q_value": UNIT, "n_cells": COUNT}, key=("gene",))

KNOCKOUT_EDGES = Table(
    "knockout_edges",
    {"gene": STR, "source": STR, "target": STR, "change": DELTA_NULL, "p_value": UNIT, "q_value": UNIT},
    key=("gene", "source", "target"),
)

SET_KNOCKOUTS = Table(
    "set_knockouts",
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
)

SET_DRAWS = Table("set_draws", {"gene_set": STR, "draw": COUNT, "statistic": UNIT, "change": DELTA_NULL}, key=("gene_set", "draw"))

# simulated cells only: scores against the truth
TRANSITION_TRUTH = Table("transition_truth", {"what": STR, "metric": STR, "value": FLOAT}, key=("what", "metric"))
