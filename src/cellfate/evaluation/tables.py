"""Tables of scores."""

from cellfate.base.tables import BOOL, COUNT, DELTA_NULL, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table
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
