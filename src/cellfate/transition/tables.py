"""Tables of phenotype transitions."""

from cellfate.base.tables import BOOL, COUNT, DELTA_NULL, FLOAT, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table
from cellfate.statistics.chains.tables import ABSORPTION, CHAIN_CHECKS

# phenotype transitions: P of one variant, or counted; kind says whether it is a transition matrix or, for static labels, a confusion;
# interval says what the limits rest on, or why there are none
TRANSITION_MATRIX = Table(
    "transition_matrix",
    {
        "variant": STR,
        "kind": Column("str", allowed=("transition", "confusion")),
        "source": STR,
        "target": STR,
        "probability": UNIT,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "interval": STR,
        "absorbing": BOOL,
        "entropy": Column("float", low=0),
        "overall_entropy": Column("float", low=0),
        "n_cells": COUNT,
    },
    key=("variant", "source", "target"),
)

# P of each refit on resampled cells
MATRIX_REFITS = Table(
    "matrix_refits",
    {"variant": STR, "refit": COUNT, "source": STR, "target": STR, "probability": UNIT_NULL},
    key=("variant", "refit", "source", "target"),
)

# P of another place, such as of films, in this run's names of phenotypes; the names that its file has stand beside them
GIVEN_MATRIX = Table(
    "given_matrix",
    {
        "source": STR,
        "target": STR,
        "source_there": STR,
        "target_there": STR,
        "probability": UNIT,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "n_cells": Column("int", nullable=True, low=0),
    },
    key=("source", "target"),
)

# the same beside this run's P, the columns with _there; difference: here - there; null where one of both lacks a phenotype of the entry.
# step_days null: not known, or steps of several lengths
COMPARED_MATRICES = Table(
    "compared_matrices",
    {
        "variant": STR,
        "source": STR,
        "target": STR,
        "source_there": STR_NULL,
        "target_there": STR_NULL,
        "where": Column("str", allowed=("both", "here only", "there only")),
        "probability": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "interval": STR_NULL,
        "n_cells": Column("int", nullable=True, low=0),
        "probability_there": UNIT_NULL,
        "ci_low_there": UNIT_NULL,
        "ci_high_there": UNIT_NULL,
        "n_cells_there": Column("int", nullable=True, low=0),
        "difference": DELTA_NULL,
        "intervals": Column("str", allowed=("apart", "overlap", "none")),
        "step_days": FLOAT_NULL,
        "step_days_there": FLOAT_NULL,
        "per_there": Column("str", allowed=("cell", "descendant", "not said")),
    },
    key=("source", "target"),
)

# losses at each look at the validation cells, of each seed, and how many genes were kept; val_loss is what the weights were chosen by, the
# last three its parts
TRANSITION_CURVES = Table(
    "transition_curves",
    {
        "seed": COUNT,
        "step": COUNT,
        "kept": COUNT,
        "train_loss": FLOAT_NULL,
        "val_loss": FLOAT_NULL,
        "val_fused": FLOAT_NULL,
        "val_full": FLOAT_NULL,
        "val_transition": FLOAT_NULL,
    },
    key=("seed", "step"),
)

_SCORES = {"variant": STR, "metric": STR, "value": FLOAT_NULL, "value_min": FLOAT_NULL, "value_max": FLOAT_NULL, "n_cells": COUNT}

# scores of one variant on the held-out cells: of all its seeds together, with the smallest and the largest of the single ones
TRANSITION_SCORES = Table("transition_scores", _SCORES, key=("variant", "metric"))

# the same of all variants; the network is the one whose matrix, rankings and knockouts are shown
TRANSITION_ALL_SCORES = Table(
    "transition_all_scores", _SCORES | {"role": Column("str", allowed=("network", "variant", "baseline"))}, key=("variant", "metric")
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

RANK = Column("int", low=1)

# genes by how much they matter, per method; rank 1 is the highest; the best and the worst rank are those of single seeds
GENE_RANKINGS = Table(
    "gene_rankings",
    {"method": STR, "gene": STR, "score": FLOAT, "rank": RANK, "rank_best": RANK, "rank_worst": RANK, "in_prior": BOOL},
    key=("method", "gene"),
)

# in-silico knockouts; change of the probability of source -> target where it is largest, the mean of the seeds with the smallest and the
# largest; significant: called by the test by refitting, by every seed. The test of use calls nothing
GENE_KNOCKOUTS = Table(
    "gene_knockouts",
    {
        "gene": STR,
        "statistic": UNIT_NULL,
        "source": STR,
        "target": STR,
        "change": DELTA_NULL,
        "change_min": DELTA_NULL,
        "change_max": DELTA_NULL,
        "null_95": UNIT_NULL,
        "use_p_value": UNIT_NULL,
        "use_q_value": UNIT_NULL,
        "held_out_p_value": UNIT_NULL,
        "held_out_q_value": UNIT_NULL,
        "refit_p_value": UNIT_NULL,
        "refit_q_value": UNIT_NULL,
        "seeds_calling": COUNT,
        "significant": BOOL,
    },
    key=("gene",),
)

# genes tested on held-out cells of networks that were trained without them; one table a seed
GENE_REFITS = Table("gene_refits", {"gene": STR, "refit_p_value": UNIT_NULL, "refit_q_value": UNIT_NULL, "n_cells": COUNT}, key=("gene",))

# the edges of called genes
KNOCKOUT_EDGES = Table(
    "knockout_edges",
    {
        "gene": STR,
        "source": STR,
        "target": STR,
        "change": DELTA_NULL,
        "change_min": DELTA_NULL,
        "change_max": DELTA_NULL,
        "p_value": UNIT_NULL,
        "q_value": UNIT_NULL,
    },
    key=("gene", "source", "target"),
)

# a set is tested with those of its genes that are there; one that cannot be has its reason in left_out, and no numbers
SET_KNOCKOUTS = Table(
    "set_knockouts",
    {
        "gene_set": STR,
        "n_genes": COUNT,
        "n_absent": COUNT,
        "absent": STR_NULL,
        "left_out": STR_NULL,
        "source": STR_NULL,
        "target": STR_NULL,
        "change": DELTA_NULL,
        "change_min": DELTA_NULL,
        "change_max": DELTA_NULL,
        "statistic": UNIT_NULL,
        "null_median": UNIT_NULL,
        "null_95": UNIT_NULL,
        "own_edge_random": UNIT_NULL,
        "ratio": Column("float", nullable=True, low=0),
        "p_value": UNIT_NULL,
        "q_value": UNIT_NULL,
    },
    key=("gene_set",),
)

SET_DRAWS = Table("set_draws", {"gene_set": STR, "draw": COUNT, "statistic": UNIT, "change": DELTA_NULL}, key=("gene_set", "draw"))

# what the targets of the cells rest on: a number where there is one, and what it means
TARGET_FACTS = Table("target_facts", {"fact": STR, "value": FLOAT_NULL, "words": STR}, key=("fact",))

# optimal transport: P of each pair of time points, per cell and per descendant; P if all cells grew alike; and what the same transport
# gives where no cell switches and types only grow (mean and highest of its draws). explained: P is not above that
TRANSITION_PAIRS = Table(
    "transition_pairs",
    {
        "condition": STR,
        "early": FLOAT,
        "late": FLOAT,
        "source": STR,
        "target": STR,
        "n_cells": COUNT,
        "probability": UNIT,
        "per_descendant": UNIT,
        "without_growth": UNIT,
        "control": UNIT_NULL,
        "control_high": UNIT_NULL,
        "explained": BOOL,
    },
    key=("condition", "early", "late", "source", "target"),
)

# optimal transport: net growth per day over that of all cells, as used, and as no switching at all would need; null for new phenotypes
TRANSITION_GROWTH = Table(
    "transition_growth",
    {
        "condition": STR,
        "early": FLOAT,
        "late": FLOAT,
        "phenotype": STR,
        "n_early": COUNT,
        "n_late": COUNT,
        "share_early": UNIT,
        "share_late": UNIT,
        "rate_used": FLOAT_NULL,
        "rate_without_switching": FLOAT_NULL,
    },
    key=("condition", "early", "late", "phenotype"),
)

# rates of a chain in continuous time, where the time of a step is known; error: largest |exp(Q t) - P|
TRANSITION_RATES = Table(
    "transition_rates",
    {
        "condition": STR,
        "step": STR,
        "days": Column("float", low=0),
        "source": STR,
        "target": STR,
        "rate_per_day": FLOAT_NULL,
        "method": Column("str", allowed=("logarithm", "adjusted logarithm", "first order")),
        "embeddable": BOOL,
        "error": Column("float", low=0),
    },
    key=("condition", "step", "source", "target"),
)

# Chapman-Kolmogorov of the targets: steps of P against as many at once
TRANSITION_CHECKS = Table(
    "transition_checks", {"condition": STR, "what": STR, "steps": COUNT, **CHAIN_CHECKS}, key=("condition", "what", "steps")
)

# where chains end: group is the chain, that of the targets or of a network; mean_steps of those that end there
TRANSITION_FATES = Table(
    "transition_fates", {**ABSORPTION, "mean_steps": Column("float", nullable=True, low=0)}, key=("group", "source", "fate")
)

FATE_TIMES = Table(
    "fate_times",
    {
        "group": STR,
        "source": STR,
        "terminal": BOOL,
        "mean_steps": Column("float", low=0),
        "ci_low": FLOAT_NULL,
        "ci_high": FLOAT_NULL,
        "mean_days": FLOAT_NULL,
    },
    key=("group", "source"),
)

MATRIX_POWERS = Table(
    "matrix_powers",
    {"group": STR, "steps": COUNT, "source": STR, "target": STR, "probability": UNIT},
    key=("group", "steps", "source", "target"),
)

# mean probability of each fate over cells that are not terminal, along pseudotime or time
FATE_TRENDS = Table(
    "fate_trends",
    {
        "bin": COUNT,
        "low": FLOAT,
        "high": FLOAT,
        "middle": FLOAT,
        "fate": STR,
        "probability": UNIT,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "n_cells": COUNT,
    },
    key=("bin", "fate"),
)

# genes that go with a fate, over held-out cells: an association
FATE_DRIVERS = Table(
    "fate_drivers",
    {
        "fate": STR,
        "gene": STR,
        "correlation": FLOAT_NULL,
        "within_correlation": FLOAT_NULL,
        "p_value": UNIT_NULL,
        "q_value": UNIT_NULL,
        "n_cells": COUNT,
    },
    key=("fate", "gene"),
)

# one row per cell with a target; columns f_<fate>
CELL_FATES = Table("cell_fates", {"cell": STR, "phenotype": STR, "along": FLOAT_NULL}, key=("cell",), open=True)

# where each cell of the file is drawn; part says why one was left out; columns f_<fate>
CELL_VIEW = Table(
    "cell_view",
    {"cell": STR, "part": STR, "phenotype": STR_NULL, "predicted": STR, "x": FLOAT, "y": FLOAT},
    key=("cell",),
    open=True,
)

CONDITION_MATRICES = Table(
    "condition_matrices",
    {
        "condition": STR,
        "source": STR,
        "target": STR,
        "probability": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "n_cells": COUNT,
    },
    key=("condition", "source", "target"),
)

# changed: share of the cells with another next phenotype than in the control
CONDITION_TESTS = Table(
    "condition_tests",
    {
        "condition": STR,
        "control": STR,
        "source": STR,
        "changed": UNIT_NULL,
        "null_95": UNIT_NULL,
        "p_value": UNIT_NULL,
        "q_value": UNIT_NULL,
        "smallest_p": UNIT,
        "units": Column("str", allowed=("cells", "groups", "conditions within groups")),
        "n_units": COUNT,
    },
    key=("condition", "control", "source"),
)

# simulated cells only: scores against the truth
TRANSITION_TRUTH = Table("transition_truth", {"what": STR, "metric": STR, "value": FLOAT}, key=("what", "metric"))
