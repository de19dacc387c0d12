"""Tables of what the network says of trajectories."""

from cellfate.base.tables import COUNT, FLOAT, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table
from cellfate.trajectories.tables import SPLITS

CONDITIONS = ("full", "truncation", "last_k")

# one row per trajectory and condition; n is the number of dropped (truncation) or kept (last_k) frames; probability is the calibrated one
# that all else uses, probability_raw that of the logit, for the table of calibration
PREDICTIONS = Table(
    "predictions",
    {
        "trajectory": STR,
        "recording": STR,
        "treatment": STR,
        "fold": COUNT,
        "split": Column("str", allowed=SPLITS),
        "condition": Column("str", allowed=CONDITIONS),
        "n": COUNT,
        "n_frames": Column("int", low=1),
        "label": Column("int", nullable=True, allowed=(0, 1)),
        "logit": FLOAT,
        "probability": UNIT,
        "probability_raw": UNIT,
    },
    key=("trajectory", "fold", "condition", "n"),
)

# one row per trajectory and number of frames seen, from its first one on; frame is the last of them, on the recording's axis
PREFIXES = Table(
    "prefixes",
    {
        "trajectory": STR,
        "recording": STR,
        "treatment": STR,
        "fold": COUNT,
        "split": Column("str", allowed=SPLITS),
        "label": Column("int", nullable=True, allowed=(0, 1)),
        "n_frames": Column("int", low=1),
        "frame": COUNT,
        "logit": FLOAT,
        "probability": UNIT,
    },
    key=("trajectory", "fold", "n_frames"),
)

# attention of the [cls] token to each frame, last layer; frames_before_end is 0 at the last frame of the trajectory;
# occlusion: log-odds of the positive outcome with all frames, less those with the frames around this one hidden
ATTENTION = Table(
    "attention",
    {
        "trajectory": STR,
        "recording": STR,
        "fold": COUNT,
        "split": Column("str", allowed=SPLITS),
        "frame": COUNT,
        "frames_before_end": COUNT,
        "weight": UNIT,
        "scaled": UNIT,
        "occlusion": FLOAT_NULL,
    },
    key=("trajectory", "fold", "frame"),
)

# numbers of frames that a user brings for the network of risks: further columns, all numbers
FRAME_EMBEDDING = Table("embedding of frames", {"trajectory": STR, "frame": COUNT}, key=("trajectory", "frame"), open=True)

# what is said of a track at a frame for a number of hours ahead: how likely each outcome is within them, the positive one given that
# either comes, and how far the members of the ensemble lie apart (a standard deviation; null: one member)
AT_FRAMES = {
    "frame": COUNT,
    "n_frames": Column("int", low=1),
    "hours_since_start": Column("float", low=0),
    "horizon_hours": Column("float", low=0),
    "negative": UNIT,
    "positive": UNIT,
    "neither": UNIT,
    "positive_given_event": UNIT,
    "spread_negative": UNIT_NULL,
    "spread_positive": UNIT_NULL,
}

# one row per frame of a held-out track, from which more than the shortest track's frames are seen, and number of hours ahead; split is
# the part of the unit that a track without a fate is in
FATES = Table(
    "fates over time",
    {
        "trajectory": STR,
        "recording": STR,
        "track_id": COUNT,
        "fold": COUNT,
        "split": Column("str", allowed=SPLITS),
        **AT_FRAMES,
    },
    key=("trajectory", "fold", "frame", "horizon_hours"),
)

# one row per value of a recording, beside those of the recordings that a model was trained with; channel is null for what is of the
# recording; off is how far it is beyond their range, in widths of it; see cellfate.model.shift.compare
POSITIONS = ("inside", "edge", "outside", "unknown")
SHIFT = Table(
    "shift",
    {
        "recording": STR,
        "channel": STR_NULL,
        "quantity": STR,
        "value": FLOAT_NULL,
        "n_recordings": COUNT,
        "low": FLOAT_NULL,
        "median": FLOAT_NULL,
        "high": FLOAT_NULL,
        "z": FLOAT_NULL,
        "position": Column("str", allowed=POSITIONS),
        "off": Column("float", nullable=True, low=0),
    },
    key=("recording", "channel", "quantity"),
)
