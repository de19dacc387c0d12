"""Tables of trajectories: what is predicted, and in which part of a fold it is."""

from cellfate.base.tables import BOOL, COUNT, STR, STR_NULL, Column, Table

SPLITS = ("train", "validation", "test", "unlabelled")

# one row per track of the whole data set, after the event cut; label is 1, 0 or, for tracks without a fate, null; where tracks.doubt is
# on, ``confidence`` is the probability that the track is one cell (null where nothing says it)
TRAJECTORIES = Table(
    "trajectories",
    {
        "trajectory": STR,
        "recording": STR,
        "track_id": COUNT,
        "lineage": STR,
        "group": STR_NULL,
        "treatment": STR,
        "dose": STR_NULL,
        "outcome": STR,
        "label": Column("int", nullable=True, allowed=(0, 1)),
        "first_frame": COUNT,
        "last_frame": COUNT,
        "n_frames": COUNT,
        "event_frame": Column("int", nullable=True, low=0),
        "frame_interval_min": Column("float", low=1e-6),
        "usable": BOOL,
        "reason": STR_NULL,
    },
    key=("trajectory",),
    open=True,
)

# which part of which fold a trajectory is in; with k folds each labelled trajectory is in test exactly once
SPLIT = Table("split", {"trajectory": STR, "fold": COUNT, "split": Column("str", allowed=SPLITS)}, key=("trajectory", "fold"))

# how many trajectories each step of the selection keeps
FLOW = Table("flow", {"stage": STR, "outcome": STR, "treatment": STR, "n": COUNT})
