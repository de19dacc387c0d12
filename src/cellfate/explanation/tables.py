"""Tables of what the predictions rest on."""

from cellfate.base.tables import BOOL, COUNT, DELTA_NULL, FLOAT, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table

COURSES = ("kept", "removed", "own")

# high- against low-attention frames within one trajectory: features as measured (course kept), less the course that cells of
# both outcomes share at the same number of frames before the end (removed), and less that of cells of the same outcome (own)
EFFECTS = Table(
    "effects",
    {
        "trajectory": STR,
        "recording": STR,
        "treatment": STR,
        "dose": STR_NULL,
        "outcome": STR,
        "feature": STR,
        "course": Column("str", allowed=COURSES),
        "n_high": COUNT,
        "n_low": COUNT,
        "p_value": UNIT_NULL,
        "cliffs_delta": DELTA_NULL,
    },
    key=("trajectory", "feature", "course"),
)

COMPARED_STEPS = ("looked at", "classified correctly", "long enough", "with measured cells", "compared")

# how many trajectories each step on the way to figure 5 keeps; ``limit`` is the number of frames that long enough means
COMPARISON_STEPS = Table(
    "comparison_steps",
    {"outcome": STR, "step": Column("str", allowed=COMPARED_STEPS), "n": COUNT, "limit": Column("int", nullable=True, low=0)},
    key=("outcome", "step"),
)

COVERAGE_PHASES = ("whole track", "first third", "middle third", "last third")

# in how many of the frames that were segmented the cell was found, for the trajectories that figure 5 looks at
SEGMENTATION_COVERAGE = Table(
    "segmentation_coverage",
    {
        "outcome": STR,
        "phase": Column("str", allowed=COVERAGE_PHASES),
        "n_trajectories": COUNT,
        "n_frames": COUNT,
        "n_regions": COUNT,
        "coverage": UNIT_NULL,
    },
    key=("outcome", "phase"),
)

# across trajectories: figure 5
EFFECT_SUMMARY = Table(
    "effect_summary",
    {
        "outcome": STR,
        "feature": STR,
        "course": Column("str", allowed=COURSES),
        "n_trajectories": COUNT,
        "median_delta": DELTA_NULL,
        "ci_low": DELTA_NULL,
        "ci_high": DELTA_NULL,
        "p_value": UNIT_NULL,
        "q_value": UNIT_NULL,
        "band": STR_NULL,
        "reason": STR_NULL,  # why there is no interval
        "n_units": COUNT,  # recordings, or what the interval stands on instead
        "opposite_share": UNIT_NULL,  # of trajectories whose sign is not the median's
        "paper_share": UNIT_NULL,  # of trajectories with p < 0.05 in the paper's permutation test of their frames
        "block_frames": Column("int", nullable=True, low=0),
        "p_block": UNIT_NULL,
        "q_block": UNIT_NULL,
    },
    key=("outcome", "feature", "course"),
)

# is a feature different between the outcomes for that time before the end? delta above 0: higher in the positive outcome
CONTRASTS = Table(
    "contrasts",
    {
        "feature": STR,
        "hours_from": Column("float", low=0),  # before the end
        "hours_to": Column("float", low=0),
        "n_negative": COUNT,  # cells of recordings with both outcomes
        "n_positive": COUNT,
        "reach_negative": UNIT_NULL,  # share of all cells that are tracked for that long
        "reach_positive": UNIT_NULL,
        "recordings": COUNT,  # with both outcomes
        "recordings_alone": COUNT,  # with one: they tell nothing
        "median_negative": FLOAT_NULL,
        "median_positive": FLOAT_NULL,
        "delta": DELTA_NULL,
        "ci_low": DELTA_NULL,
        "ci_high": DELTA_NULL,
        "p_value": UNIT_NULL,
        "q_value": UNIT_NULL,
        "opposite_share": UNIT_NULL,
        "survives": BOOL,  # q below 0.05 and an interval without 0
        "reason": STR_NULL,  # why there is no test, or no interval
    },
    key=("feature", "hours_from"),
)

# average traces: the mean over cells of each feature at the same time before the end
TRACES = Table(
    "traces",
    {
        "outcome": STR,
        "feature": STR,
        "hours_before_end": Column("float", low=0),
        "n_trajectories": COUNT,
        "n_recordings": COUNT,
        "mean": FLOAT_NULL,
        "ci_low": FLOAT_NULL,
        "ci_high": FLOAT_NULL,
        "reason": STR_NULL,  # why there is no interval
    },
    key=("outcome", "feature", "hours_before_end"),
)

# what is shown of a feature and what is not, in a sentence
FINDINGS = Table("findings", {"feature": STR, "shown": BOOL, "sentence": STR}, key=("feature",))

# figure 4: mean scaled attention and mean occlusion, aligned at the last frame
ATTENTION_PROFILE = Table(
    "attention_profile",
    {
        "outcome": STR,
        "frames_before_end": COUNT,
        "hours_before_end": FLOAT_NULL,  # where frame intervals differ
        "n_trajectories": COUNT,
        "mean_scaled": UNIT,
        "profile": UNIT_NULL,
        "ci_low": FLOAT_NULL,
        "ci_high": FLOAT_NULL,
        "occlusion": FLOAT_NULL,  # toward the trajectory's own outcome; unscaled
        "occlusion_low": FLOAT_NULL,
        "occlusion_high": FLOAT_NULL,
        "n_recordings": COUNT,
        "reason": STR_NULL,  # why the mean attention has no interval
    },
    key=("outcome", "frames_before_end"),
)

# figure 6: every frame of the chosen trajectories; position is the row of the stored crops, null where none is shown
EXAMPLES = Table(
    "examples",
    {
        "trajectory": STR,
        "outcome": STR,
        "frame": COUNT,
        "frames_before_end": COUNT,
        "hours_before_end": Column("float", low=0),
        "weight": UNIT,
        "scaled": UNIT,
        "occlusion": FLOAT_NULL,  # toward the trajectory's own outcome
        "group": Column("str", allowed=("high", "low")),
        "position": Column("int", nullable=True, low=0),
    },
    key=("trajectory", "frame"),
)

# what each frame, and each channel, region or ring (part; "all" where a method resolves frames alone), adds to the log-odds of the
# positive outcome, by each method; of attention, which has no sign, how much of it there is
ATTRIBUTIONS = Table(
    "attributions",
    {"trajectory": STR, "fold": COUNT, "frame": COUNT, "method": STR, "part": STR, "value": FLOAT},
    key=("trajectory", "fold", "method", "frame", "part"),
)

# each explained cell and method: CPU seconds, the difference of log-odds that complete methods promise to add up to and how far off they
# are, and the rank correlation with the values of a network that has learned nothing
ATTRIBUTED = Table(
    "attributed cells",
    {
        "trajectory": STR,
        "recording": STR,
        "fold": COUNT,
        "label": Column("int", allowed=(0, 1)),
        "model": STR,
        "method": STR,
        "n_frames": Column("int", low=1),
        "seconds": Column("float", low=0),
        "expected": FLOAT_NULL,
        "delta": FLOAT_NULL,
        "converged": Column("str", nullable=True, allowed=("True", "False")),
        "randomised": DELTA_NULL,
    },
    key=("trajectory", "fold", "method"),
)

# log-odds of the positive outcome with frames hidden in the order of a method: those that count most, and those that count least
DELETIONS = Table(
    "deletions",
    {
        "trajectory": STR,
        "recording": STR,
        "fold": COUNT,
        "label": Column("int", allowed=(0, 1)),
        "model": STR,
        "method": STR,
        "order": Column("str", allowed=("signed", "size")),
        "repeat": COUNT,
        "step": COUNT,
        "n_hidden": COUNT,
        "most": FLOAT,
        "least": FLOAT,
    },
    key=("trajectory", "fold", "model", "method", "order", "repeat", "step"),
)

VERDICTS = ("beats", "does not beat", "not shown")

# how faithful methods are on held-out cells; class is "all" or an outcome; what stands against_ is the mean difference over the same
# cells, with its interval by recording, in how many cells it is above and below 0, and the p-value of a sign test over cells
ATTRIBUTION_SCORES = Table(
    "attribution_scores",
    {
        "model": STR,
        "method": STR,
        "order": Column("str", nullable=True, allowed=("signed", "size")),
        "class": STR,
        "score": STR,
        "value": FLOAT_NULL,
        "low": FLOAT_NULL,
        "high": FLOAT_NULL,
        "reason": STR_NULL,
        "n": COUNT,
        "units": COUNT,
        **{
            f"{name}{end}": column
            for name in ("against_recency", "against_random")
            for end, column in {
                "": FLOAT_NULL,
                "_low": FLOAT_NULL,
                "_high": FLOAT_NULL,
                "_reason": STR_NULL,
                "_above": Column("int", nullable=True, low=0),
                "_below": Column("int", nullable=True, low=0),
                "_p": UNIT_NULL,
            }.items()
        },
        "verdict": Column("str", nullable=True, allowed=VERDICTS),
    },
)

# mean over cells of the predicted outcome's log-odds with a share of the frames hidden: those that count most, those that count least
ATTRIBUTION_CURVES = Table(
    "attribution_curves",
    {"model": STR, "method": STR, "order": STR, "class": STR, "hidden": UNIT, "most": FLOAT, "least": FLOAT, "n": COUNT},
    key=("model", "method", "order", "class", "hidden"),
)

# the cells of figure 6 with all that their figure shows: probability of the own outcome at each number of frames seen, values of methods,
# signed toward the own outcome, and features
EXPLAINED_CELLS = Table(
    "explained_cells",
    {
        "trajectory": STR,
        "outcome": STR,
        "frame": COUNT,
        "hours_before_end": Column("float", low=0),
        "kind": Column("str", allowed=("probability", "method", "feature")),
        "name": STR,
        "part": STR,
        "value": FLOAT,
    },
    key=("trajectory", "frame", "kind", "name", "part"),
)

# what gave each of them away, and in words; share is that of the told hours in all that speaks for the outcome, change is in standard
# deviations of the cell's other frames, agree is how many of the other methods tell the same hours
GIVEN_AWAY = Table(
    "given_away",
    {
        "trajectory": STR,
        "outcome": STR,
        "method": STR,
        "hours_from": Column("float", low=0),
        "hours_to": Column("float", low=0),
        "n_told": COUNT,  # frames of these hours
        "n_frames": COUNT,
        "share": UNIT,
        "channel": STR_NULL,
        "channel_share": UNIT_NULL,
        "channel_method": STR_NULL,
        "feature": STR_NULL,
        "change": FLOAT_NULL,
        "agree": COUNT,
        "others": COUNT,
        "verdict": Column("str", nullable=True, allowed=VERDICTS),
        "balanced_accuracy": UNIT_NULL,  # of the network, whole held-out cells
        "above_chance": Column("str", nullable=True, allowed=("True", "False")),  # its interval by recording; null without one
        "words": STR,
    },
    key=("trajectory",),
)
