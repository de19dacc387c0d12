"""Tables of scores against the simulator's truth."""

from cellfate.base.tables import BOOL, COUNT, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table

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

# simulated data: how well explanations name the frames, and the channels, in which an effect was planted; class is "all" or an outcome;
# informative is the share of places that tell something, which values at random would give; recency is the score of the last frames first
TRUTH_ATTRIBUTIONS = Table(
    "truth_attributions",
    {
        "method": STR,
        "level": Column("str", allowed=("frame", "frame x channel")),
        "class": STR,
        "score": STR,
        "n": COUNT,
        "units": COUNT,
        "informative": UNIT,
        "value": UNIT,
        "low": FLOAT_NULL,
        "high": FLOAT_NULL,
        "reason": STR_NULL,
        "recency": UNIT_NULL,
        "against_recency": FLOAT_NULL,
        "against_recency_low": FLOAT_NULL,
        "against_recency_high": FLOAT_NULL,
        "against_recency_reason": STR_NULL,
    },
    key=("method", "level", "class", "score"),
)
