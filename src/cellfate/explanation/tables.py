"""Tables of what the predictions rest on."""

from cellfate.base.tables import COUNT, DELTA_NULL, FLOAT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table

COURSES = ("kept", "removed")

# high- against low-attention frames within one trajectory: features as measured (course kept), and less the course that
# cells of both outcomes share at the same number of frames before the end (removed)
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
    },
    key=("outcome", "feature", "course"),
)

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
