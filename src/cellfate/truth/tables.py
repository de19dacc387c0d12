"""Tables of scores against the simulator's truth."""

from cellfate.base.tables import BOOL, COUNT, FLOAT_NULL, STR, UNIT, UNIT_NULL, Column, Table

# simulated data: share of the high frames that come after the earliest onset of an effect, beside that of all frames
TRUTH_EVIDENCE = Table(
    "truth_evidence",
    {
        "outcome": STR,
        "by": Column("str", allowed=("attention", "occlusion")),
        "n_trajectories": COUNT,
        "share_high": UNIT,
        "share_all": UNIT,
    },
    key=("outcome", "by"),
)

# simulated data: share of right predictions without the last n frames, by what was visible in the frames that are left
TRUTH_FATES = Table(
    "truth_fates",
    {
        "outcome": STR,
        "n": COUNT,
        "effect": STR,
        "visible": BOOL,
        "n_trajectories": COUNT,
        "n_correct": COUNT,
        "fraction_correct": UNIT,
        "ci_low": UNIT,
        "ci_high": UNIT,
    },
    key=("outcome", "n", "effect", "visible"),
)

# simulated data: the tracked cell's region in each segmented crop against its true region; areas in pixels
TRUTH_SEGMENTATION = Table(
    "truth_segmentation",
    {"recording": STR, "track_id": COUNT, "frame": COUNT, "iou": UNIT, "found": BOOL, "true_area": COUNT, "area": COUNT},
    key=("recording", "track_id", "frame"),
)

# simulated data: tracks that were made here against the truth; Cell Tracking Challenge metrics
TRUTH_TRACKING = Table(
    "truth_tracking",
    {
        "recording": STR,
        "tracks": COUNT,
        **dict.fromkeys(("DET", "SEG", "TRA", "LNK", "CT", "TF", "division_f1", "CHOTA"), UNIT_NULL),
    },
    key=("recording",),
)

# simulated data: how planted fates were read
TRUTH_OUTCOMES = Table(
    "truth_outcomes", {"fate": STR, "outcome": STR, "count": COUNT, "event_frame_difference": FLOAT_NULL}, key=("fate", "outcome")
)
