"""The tables of predictions over time."""

from dataclasses import replace

from cellfate.base.tables import COUNT, FLOAT, STR, UNIT, Column, Table
from cellfate.model.saved.members import SEEN, UNKNOWN, UNSEEN
from cellfate.model.tables import AT_FRAMES

# a track at a frame, from the n_frames_seen frames up to it, with probability_<outcome> for each of the two outcomes; these and
# logit (of the positive one, not calibrated) hold only given what stands in ``given``. The call is the positive outcome where its
# probability exceeds the threshold; the set holds each outcome that cannot be excluded (``a|b``: cannot tell yet). Lowest and highest
# are that probability by single members of the model
FATE_PREDICTIONS = Table(
    "fate_predictions",
    {
        "recording": STR,
        "track_id": COUNT,
        "frame": COUNT,
        "hours_since_start": Column("float", low=0),
        "y": FLOAT,
        "x": FLOAT,
        "n_frames_seen": Column("int", low=1),
        "logit": FLOAT,
        "call": STR,
        "threshold": UNIT,
        "set": STR,
        "lowest_member": UNIT,
        "highest_member": UNIT,
        "members": Column("int", low=1),
        "seen_in_training": Column("str", allowed=(UNSEEN, SEEN, UNKNOWN)),
        "given": STR,
    },
    key=("recording", "track_id", "frame"),
    open=True,
)

OF_RISKS, OF_PUBLISHED = "risks", "published"
WITHOUT_RISKS = ("horizon_hours", "negative", "positive", "neither")  # null where the model has no risks: it says nothing of hours

# a row of the run's fates over time for a track of a new recording, by as many ``networks`` of the ``model``
NEW_FATES = Table(
    "fates over time of a recording",
    {
        "trajectory": STR,
        "recording": STR,
        "track_id": COUNT,
        **{name: replace(column, nullable=column.nullable or name in WITHOUT_RISKS) for name, column in AT_FRAMES.items()},
        "model": Column("str", allowed=(OF_RISKS, OF_PUBLISHED)),
        "networks": Column("int", low=1),
        "seen_in_training": Column("str", allowed=(UNSEEN, SEEN, UNKNOWN)),
    },
    key=("trajectory", "frame", "horizon_hours"),
)
