"""Tables of scores."""

from cellfate.base.tables import COUNT, FLOAT_NULL, STR, UNIT_NULL, Column, Table
from cellfate.model.tables import CONDITIONS

# one value per metric; scope says which trajectories, class is an outcome or "all"
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
    },
    key=("scope", "condition", "n", "cohort", "metric", "class"),
)

# reliability diagram and its scores, before and after calibration
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
    },
)

# figure 2: full test trajectories; fraction is of the actual outcome
CONFUSION = Table("confusion", {"actual": STR, "predicted": STR, "count": COUNT, "fraction": UNIT_NULL}, key=("actual", "predicted"))
