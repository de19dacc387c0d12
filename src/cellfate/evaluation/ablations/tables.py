"""Tables of scores with a part of the input hidden."""

from cellfate.base.tables import COUNT, DELTA_NULL, FLOAT, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table

# what the network says of held-out trajectories with a part of the input hidden (cellfate.evaluation.ablations). n_frames: those that it
# saw; n_regions: in how many of them the segmentation found the cell, else a disc stands for it; null where that plays no part
ABLATED = Table(
    "ablated",
    {
        "fold": COUNT,
        "trajectory": STR,
        "ablation": STR,
        "logit": FLOAT,
        "probability": UNIT,
        "n_frames": Column("int", low=1),
        "n_regions": Column("int", nullable=True, low=0),
    },
    key=("fold", "trajectory", "ablation"),
)

# balanced accuracy (value) and AUROC with a part of the input hidden; whole and auroc_whole are those of the whole input for the same
# trajectories, the changes are paired. regions: share of frames in which the segmentation found the cell; radius in pixels of the disc
# that stands for it elsewhere
ABLATIONS = Table(
    "ablations",
    {
        "ablation": STR,
        "n_trajectories": COUNT,
        "units": COUNT,
        "units_negative": COUNT,
        "units_positive": COUNT,
        "value": UNIT_NULL,
        "ci_low": UNIT_NULL,
        "ci_high": UNIT_NULL,
        "reason": STR_NULL,
        "whole": UNIT_NULL,
        "change": DELTA_NULL,
        "change_low": DELTA_NULL,
        "change_high": DELTA_NULL,
        "change_reason": STR_NULL,
        "auroc": UNIT_NULL,
        "auroc_low": UNIT_NULL,
        "auroc_high": UNIT_NULL,
        "auroc_reason": STR_NULL,
        "auroc_whole": UNIT_NULL,
        "auroc_change": DELTA_NULL,
        "auroc_change_low": DELTA_NULL,
        "auroc_change_high": DELTA_NULL,
        "auroc_change_reason": STR_NULL,
        "regions": UNIT_NULL,
        "radius": Column("float", nullable=True, low=0),
    },
    key=("ablation",),
)
