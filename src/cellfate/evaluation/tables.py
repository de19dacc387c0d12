"""Tables of scores."""

from cellfate.base.tables import BOOL, COUNT, DELTA_NULL, FLOAT, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table
from cellfate.evaluation.rates import VARIABLES
from cellfate.model.tables import CONDITIONS

# one value per metric; scope says which trajectories, class is an outcome or "all". Beside each the recordings (groups, where those are
# held out) that either outcome has, what the interval rests on, and why there is none
METRICS = Table(
    "metrics",
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
        "units_negative": COUNT,
        "units_positive": COUNT,
        "method": STR_NULL,
        "reason": STR_NULL,
    },
    key=("scope", "condition", "n", "cohort", "metric", "class"),
)

# reliability diagram and its scores, before and after calibration; brier_base is that of the share of label 1 in training
CALIBRATION = Table(
    "calibration",
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
        "brier_base": UNIT_NULL,
        "brier_skill": Column("float", nullable=True, high=1),
    },
)

# figure 2: full test trajectories; fraction is of the actual outcome
CONFUSION = Table("confusion", {"actual": STR, "predicted": STR, "count": COUNT, "fraction": UNIT_NULL}, key=("actual", "predicted"))

# what stands where: tracks of each recording, group, treatment with dose, by outcome; lengths in hours of the usable ones
HOURS_NULL = Column("float", nullable=True, low=0)
DESIGN = Table(
    "design",
    {
        "level": Column("str", allowed=("recording", "group", "treatment")),
        "name": STR,
        "treatment": STR,
        "outcome": STR,
        "n_tracks": COUNT,
        "n_usable": COUNT,
        "shortest": HOURS_NULL,
        "q25": HOURS_NULL,
        "median": HOURS_NULL,
        "q75": HOURS_NULL,
        "longest": HOURS_NULL,
    },
    key=("level", "name", "outcome"),
)

# balanced accuracy of the outcome from one variable of the design alone; see cellfate.evaluation.design.score_design
DESIGN_SCORES = Table(
    "design_scores",
    {
        "variable": Column("str", allowed=VARIABLES),
        "n_values": COUNT,
        "n_trajectories": COUNT,
        "within": UNIT_NULL,
        "held_out": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "reason": STR_NULL,
        "seen": UNIT_NULL,
        "units": COUNT,
    },
    key=("variable",),
)

# what the design check says, in the order in which it is read
DESIGN_LINES = Table("design_lines", {"kind": Column("str", allowed=("warning", "remedy", "note")), "text": STR})

# what each baseline says of each test trajectory without its last n frames; outcomes weigh the same
BASELINE_PREDICTIONS = Table(
    "baseline_predictions",
    {
        "method": STR,
        "fold": COUNT,
        "trajectory": STR,
        "recording": STR,
        "lineage": STR,
        "treatment": STR,
        "label": Column("int", allowed=(0, 1)),
        "n": COUNT,
        "probability": UNIT,
    },
    key=("method", "fold", "trajectory", "n"),
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

# balanced accuracy and log-loss of network and baselines on the same trajectories. lead is how much better the network is: its
# accuracy less the baseline's, the baseline's log-loss less its own; reasons say why there is no interval
BASELINES = Table(
    "baselines",
    {
        "scope": STR,
        "condition": Column("str", allowed=("full", "truncation")),
        "n": COUNT,
        "cohort": Column("str", allowed=("all", "fixed")),
        "method": STR,
        "value": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "lead": DELTA_NULL,
        "lead_low": DELTA_NULL,
        "lead_high": DELTA_NULL,
        "n_trajectories": COUNT,
        "units": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "reason": STR_NULL,
        "lead_reason": STR_NULL,
        "log_loss": FLOAT_NULL,
        "log_loss_low": FLOAT_NULL,
        "log_loss_high": FLOAT_NULL,
        "log_loss_reason": STR_NULL,
        "log_loss_lead": FLOAT_NULL,
        "log_loss_lead_low": FLOAT_NULL,
        "log_loss_lead_high": FLOAT_NULL,
        "log_loss_lead_reason": STR_NULL,
    },
    key=("scope", "condition", "n", "cohort", "method"),
)

# what a split gains that puts cells of one lineage, recording or group on both sides; see cellfate.evaluation.audit.audit_split
SPLIT_AUDIT = Table(
    "split_audit",
    {
        "level": Column("str", allowed=("lineage", "recording", "group")),
        "method": STR,
        "n_trajectories": COUNT,
        "related": UNIT,
        "own": UNIT_NULL,
        "whole": UNIT_NULL,
        "optimism": DELTA_NULL,
        "ci_low": DELTA_NULL,
        "ci_high": DELTA_NULL,
        "reason": STR_NULL,
    },
    key=("level", "method"),
)

# how the sets of outcomes of held-out cells did (cellfate.evaluation.sets): n frames before the end, or in the band of cells of which n
# or more frames were seen; shares are means over recordings (groups). promised: the level that their number allows; reason: why none
SETS = Table(
    "sets",
    {
        "scope": Column("str", allowed=("before the end", "seen")),
        "n": COUNT,
        "outcome": STR,
        "promised": UNIT_NULL,
        "coverage": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "decided": UNIT_NULL,
        "wrong": UNIT_NULL,
        "n_units": COUNT,
        "n_trajectories": COUNT,
        "reason": STR_NULL,
    },
    key=("scope", "n", "outcome"),
)

# share of cells that are called and of those called wrongly, the surest first, n frames before the end; always: wrong if all cells are
# called as the more frequent outcome
TRIAGE = Table("triage", {"n": COUNT, "called": UNIT, "wrong": UNIT, "always": UNIT, "n_trajectories": COUNT})

# what is known at an hour after a start of cells that are still followed and undecided: see cellfate.evaluation.time.landmarks. n_at_risk
# tracks, of which so many end in either outcome or are lost later; n_scored of those with an outcome had frames enough for a prediction.
# log_loss_base and brier_base are those of the base rate; largest_weight is that of a scored cell, 1 where no loss was seen
LANDMARKS = Table(
    "landmarks",
    {
        "clock": Column("str", allowed=("track", "drug", "recording")),
        "hours": Column("float", low=0),
        "method": STR,
        "n_at_risk": COUNT,
        "n_negative": COUNT,
        "n_positive": COUNT,
        "n_censored": COUNT,
        "n_scored": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "balanced_accuracy": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "auroc": UNIT_NULL,
        "log_loss": FLOAT_NULL,
        "log_loss_base": FLOAT_NULL,
        "brier": UNIT_NULL,
        "brier_base": UNIT_NULL,
        "brier_clock": UNIT_NULL,
        "ece": UNIT_NULL,
        "largest_weight": Column("float", nullable=True, low=1),
        "reason": STR_NULL,
    },
    key=("clock", "hours", "method"),
)

# deciding as soon as the network is sure: see cellfate.evaluation.time.earliness; chosen on validation, judged on held-out trajectories;
# patience and threshold are missing where none could be chosen
EARLINESS = Table(
    "earliness",
    {
        "patience": Column("int", nullable=True, low=1),
        "threshold": Column("float", nullable=True, low=0.5, high=1),
        "chosen": BOOL,
        "n_trajectories": COUNT,
        "decided": UNIT_NULL,
        "balanced_accuracy": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "seen": UNIT_NULL,
        "hours_before_end": HOURS_NULL,
        "harmonic_mean": UNIT_NULL,
        "cost": UNIT_NULL,
        "reason": STR_NULL,
    },
    key=("chosen", "patience", "threshold"),
)

# scores n frames before the end, of the same trajectories at every n; base is that of the base rate of training: see
# cellfate.evaluation.time.before
BEFORE_END = Table(
    "before_end",
    {
        "method": STR,
        "n": COUNT,
        "hours": HOURS_NULL,
        "metric": Column("str", allowed=("balanced_accuracy", "auroc", "log_loss", "brier")),
        "value": FLOAT_NULL,
        "ci_low": FLOAT_NULL,
        "ci_high": FLOAT_NULL,
        "base": FLOAT,
        "n_trajectories": COUNT,
        "n_negative": COUNT,
        "n_positive": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "reason": STR_NULL,
    },
    key=("method", "n", "metric"),
)

# from how many hours before the end on each method is better than chance: see cellfate.evaluation.time.known
KNOWN_FROM = Table(
    "known_from",
    {
        "method": STR,
        "frames": Column("int", nullable=True, low=0),
        "hours": HOURS_NULL,
        "shortest": HOURS_NULL,
        "longest": HOURS_NULL,
        "n_trajectories": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "reason": STR_NULL,
    },
    key=("method",),
)

# what the network says of held-out trajectories with a part of the input hidden (cellfate.evaluation.ablations). n_frames: those that it
# saw; n_regions: in how many of them the segmentation found the cell, else a disc stands for it; null where that plays no part
ABLATED = Table(
    "ablated",
    {
        "fold": COUNT,
        "trajectory": STR,
        "ablation": STR,
        "logit": FLOAT,
        "probability": UNIT,
        "n_frames": Column("int", low=1),
        "n_regions": Column("int", nullable=True, low=0),
    },
    key=("fold", "trajectory", "ablation"),
)

# balanced accuracy (value) and AUROC with a part of the input hidden; whole and auroc_whole are those of the whole input for the same
# trajectories, the changes are paired. regions: share of frames in which the segmentation found the cell; radius in pixels of the disc
# that stands for it elsewhere
ABLATIONS = Table(
    "ablations",
    {
        "ablation": STR,
        "n_trajectories": COUNT,
        "units": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "value": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "reason": STR_NULL,
        "whole": UNIT_NULL,
        "change": DELTA_NULL,
        "change_low": DELTA_NULL,
        "change_high": DELTA_NULL,
        "change_reason": STR_NULL,
        "auroc": UNIT_NULL,
        "auroc_low": UNIT_NULL,
        "auroc_high": UNIT_NULL,
        "auroc_reason": STR_NULL,
        "auroc_whole": UNIT_NULL,
        "auroc_change": DELTA_NULL,
        "auroc_change_low": DELTA_NULL,
        "auroc_change_high": DELTA_NULL,
        "auroc_change_reason": STR_NULL,
        "regions": UNIT_NULL,
        "radius": Column("float", nullable=True, low=0),
    },
    key=("ablation",),
)

# each held-out recording: its score, and how many of its values lie where among those of its fold's training recordings
RECORDING_SHIFT = Table(
    "recording_shift",
    {
        "recording": STR,
        "n_trajectories": COUNT,
        "n_negative": COUNT,
        "n_positive": COUNT,
        "balanced_accuracy": UNIT_NULL,
        "accuracy": UNIT,
        "in_training": BOOL,
        "n_training": COUNT,
        "inside": COUNT,
        "edge": COUNT,
        "outside": COUNT,
        "unknown": COUNT,
        "farthest": STR_NULL,
        "off": Column("float", nullable=True, low=0),
    },
    key=("recording",),
)

# one row: how much balanced accuracy differs between held-out recordings; see cellfate.statistics.spread
RECORDING_SPREAD = Table(
    "recording_spread",
    {
        "n_recordings": COUNT,
        "n_units": COUNT,
        "lowest": UNIT_NULL,
        "highest": UNIT_NULL,
        "found": UNIT_NULL,
        "by_chance": UNIT_NULL,
        "beyond": UNIT_NULL,
        "p_value": UNIT_NULL,
    },
)

# the score of held-out trajectories by how likely their tracks are one cell, in thirds; the last row: the surest less the least sure
SCORE_BY_CONFIDENCE = Table(
    "score_by_confidence",
    {
        "tracks": Column("str", allowed=("all", "least sure", "middle", "surest", "surest less least sure")),
        "lowest": UNIT_NULL,
        "highest": UNIT_NULL,
        "median_frames": Column("float", nullable=True, low=0),
        "n_trajectories": COUNT,
        "n_negative": COUNT,
        "n_positive": COUNT,
        "value": DELTA_NULL,
        "value_low": DELTA_NULL,
        "value_high": DELTA_NULL,
        "value_reason": STR_NULL,
    },
    key=("tracks",),
)
