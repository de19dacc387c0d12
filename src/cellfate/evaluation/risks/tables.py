"""Tables of how good the risks over time are."""

from cellfate.base.tables import COUNT, FLOAT, FLOAT_NULL, STR, STR_NULL, UNIT_NULL, Column, Table

HOURS = Column("float", low=0)
OUTCOME = Column("str", allowed=("negative", "positive"))
SCOPES = ("all frames", "track", "drug", "recording")

# risks within horizon_hours at every frame (hours is 0 there) or so many hours after a start, of each method. n_landmarks: those that are
# scored, at which the film goes on for as long and it is known what came; of tracks that n_lost of them were lost before. brier is the sum
# over both outcomes, skill 1 less its ratio to the clock's, lead the method's Brier score less that of the risks: above 0 the risks are
# better. auc: of cells that have the outcome within the hours against all others
RISK_SCORES = Table(
    "risk scores",
    {
        "scope": Column("str", allowed=SCOPES),
        "hours": HOURS,
        "horizon_hours": HOURS,
        "method": STR,
        "n_at_risk": COUNT,
        "n_landmarks": COUNT,
        "n_tracks": COUNT,
        "n_negative": COUNT,
        "n_positive": COUNT,
        "n_lost": COUNT,
        "units": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "brier": FLOAT_NULL,
        "brier_low": FLOAT_NULL,
        "brier_high": FLOAT_NULL,
        "skill": FLOAT_NULL,
        "skill_low": FLOAT_NULL,
        "skill_high": FLOAT_NULL,
        "skill_reason": STR_NULL,
        "lead": FLOAT_NULL,
        "lead_low": FLOAT_NULL,
        "lead_high": FLOAT_NULL,
        "lead_reason": STR_NULL,
        "auc_negative": UNIT_NULL,
        "auc_negative_low": UNIT_NULL,
        "auc_negative_high": UNIT_NULL,
        "auc_negative_reason": STR_NULL,
        "auc_positive": UNIT_NULL,
        "auc_positive_low": UNIT_NULL,
        "auc_positive_high": UNIT_NULL,
        "auc_positive_reason": STR_NULL,
        "largest_weight": Column("float", nullable=True, low=0),
        "reason": STR_NULL,
    },
    key=("scope", "hours", "horizon_hours", "method"),
)

# bins of about equally many landmarks by predicted risk; observed is Aalen and Johansen's cumulative incidence at horizon_hours in the
# bin; ece, of all bins of the method, horizon and outcome, is the mean of |observed - predicted| by landmarks
RISK_CALIBRATION = Table(
    "calibration of risks",
    {
        "method": STR,
        "horizon_hours": HOURS,
        "outcome": OUTCOME,
        "bin": COUNT,
        "predicted": UNIT_NULL,
        "observed": UNIT_NULL,
        "observed_low": UNIT_NULL,
        "observed_high": UNIT_NULL,
        "n_landmarks": COUNT,
        "n_tracks": COUNT,
        "n_events": COUNT,
        "units": COUNT,
        "ece": UNIT_NULL,
        "reason": STR_NULL,
    },
    key=("method", "horizon_hours", "outcome", "bin"),
)

# an alarm is the first frame at which a risk within horizon_hours exceeds the threshold, which the share alarm_share of the validation
# cells without an event ever exceed. found: share of held-out cells with the outcome that had one before it, ahead the hours from it to the
# event (median, quartiles); false_alarms: share of held-out cells without an event that had one; above_half: of these the share whose risk
# at their last frame is more than one half
RISK_ALARMS = Table(
    "alarms",
    {
        "method": STR,
        "horizon_hours": HOURS,
        "outcome": OUTCOME,
        "alarm_share": FLOAT,
        "n_events": COUNT,
        "n_quiet": COUNT,
        "n_validation": COUNT,
        "units_events": COUNT,
        "units_quiet": COUNT,
        "found": UNIT_NULL,
        "found_low": UNIT_NULL,
        "found_high": UNIT_NULL,
        "found_reason": STR_NULL,
        "ahead_q25": FLOAT_NULL,
        "ahead": FLOAT_NULL,
        "ahead_q75": FLOAT_NULL,
        "false_alarms": UNIT_NULL,
        "false_alarms_low": UNIT_NULL,
        "false_alarms_high": UNIT_NULL,
        "false_alarms_reason": STR_NULL,
        "above_half": UNIT_NULL,
        "above_half_low": UNIT_NULL,
        "above_half_high": UNIT_NULL,
        "above_half_reason": STR_NULL,
        "reason": STR_NULL,
    },
    key=("method", "horizon_hours", "outcome"),
)

# the outcome of held-out cells that have one, so many hours before it, of the same cells for all methods: log-loss and balanced accuracy.
# lead is the method's log-loss less that of the risks: above 0 the risks are better. log_loss_base: of the base rate of training
FATE_BEFORE = Table(
    "outcome before the event",
    {
        "hours_before": HOURS,
        "method": STR,
        "n_trajectories": COUNT,
        "n_negative": COUNT,
        "n_positive": COUNT,
        "units": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "log_loss": FLOAT_NULL,
        "log_loss_low": FLOAT_NULL,
        "log_loss_high": FLOAT_NULL,
        "log_loss_reason": STR_NULL,
        "lead": FLOAT_NULL,
        "lead_low": FLOAT_NULL,
        "lead_high": FLOAT_NULL,
        "lead_reason": STR_NULL,
        "balanced_accuracy": UNIT_NULL,
        "balanced_accuracy_low": UNIT_NULL,
        "balanced_accuracy_high": UNIT_NULL,
        "balanced_accuracy_reason": STR_NULL,
        "log_loss_base": FLOAT_NULL,
        "reason": STR_NULL,
    },
    key=("hours_before", "method"),
)

# of the held-out cells at risk so many hours after a start the shares that are decided: of negative, positive or neither within
# horizon_hours one has a probability of at least level; right: share of the decided of which that came, by weight
DECIDED = Table(
    "decided",
    {
        "clock": Column("str", allowed=SCOPES[1:]),
        "hours": HOURS,
        "horizon_hours": HOURS,
        "level": FLOAT,
        "n_at_risk": COUNT,
        "units": COUNT,
        "negative": UNIT_NULL,
        "positive": UNIT_NULL,
        "neither": UNIT_NULL,
        "decided": UNIT_NULL,
        "decided_low": UNIT_NULL,
        "decided_high": UNIT_NULL,
        "decided_reason": STR_NULL,
        "right": UNIT_NULL,
        "right_low": UNIT_NULL,
        "right_high": UNIT_NULL,
        "right_reason": STR_NULL,
        "reason": STR_NULL,
    },
    key=("clock", "hours", "horizon_hours"),
)

# the risks of single held-out cells, drawn at random, frame by frame; ended: what was seen, end_hours when, since the track began
RISK_EXAMPLES = Table(
    "examples of risks",
    {
        "kind": Column("str", allowed=("negative", "positive", "none")),
        "trajectory": STR,
        "ended": Column("str", allowed=("negative", "positive", "lost", "film")),
        "end_hours": HOURS,
        "horizon_hours": HOURS,
        "hours": HOURS,
        "negative": UNIT_NULL,
        "positive": UNIT_NULL,
    },
    key=("trajectory", "hours"),
)
