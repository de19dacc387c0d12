"""Tables of what the network says of trajectories."""

from cellfate.base.tables import COUNT, FLOAT, FLOAT_NULL, STR, UNIT, Column, Table
from cellfate.trajectories.tables import SPLITS

CONDITIONS = ("full", "truncation", "last_k")

# one row per trajectory and condition; n is the number of dropped (truncation) or kept (last_k) frames
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
        "probability_calibrated": UNIT,
    },
    key=("trajectory", "fold", "condition", "n"),
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
