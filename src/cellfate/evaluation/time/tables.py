"""Tables of scores over time: at hours after a start, so many frames before the end, and of decisions as soon as the network is sure."""

from cellfate.base.tables import BOOL, COUNT, FLOAT, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table
from cellfate.evaluation.tables import HOURS_NULL

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
# cellfate.evaluation.time.before. In a share of hours_share of the trajectories these n frames are as many hours, by the frames' numbers;
# below 0.95, where frames are missing or frame intervals differ, hours is empty
BEFORE_END = Table(
    "before_end",
    {
        "method": STR,
        "n": COUNT,
        "hours": HOURS_NULL,
        "hours_share": UNIT,
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
