"""How good masks are, where the true regions are known."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.segmentation.regions import choose_region

FOUND = 0.5  # intersection over union above which the cell counts as found


def score_masks(
    masks: np.ndarray, truth: np.ndarray, true_ids: Sequence[int] | int | None = None, *, rule: str, min_area: int
) -> pd.DataFrame:
    """Intersection over union of the chosen region with the true cell, one row per crop with a true cell (index: crop number).

    ``masks`` and ``truth`` (T, S, S) are label images. ``true_ids`` says which true label is the tracked cell, for all crops
    or for each; None takes the true label at the centre, by the rule ``centre``. Columns: iou (0 where no region was chosen),
    found (iou above 0.5), true_area and area in pixels.
    """
    identities = np.broadcast_to(0 if true_ids is None else true_ids, len(truth))
    rows = {}
    for index, (mask, true, identity) in enumerate(zip(masks, truth, identities, strict=True)):
        target = _chosen(true, "centre", 1) if true_ids is None else true == identity
        if target.any():
            found = _chosen(mask, rule, min_area)
            iou = (target & found).sum() / (target | found).sum()
            rows[index] = {"iou": iou, "found": iou > FOUND, "true_area": target.sum(), "area": found.sum()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["iou", "found", "true_area", "area"])


def _chosen(labels: np.ndarray, rule: str, min_area: int) -> np.ndarray:
    region, _ = choose_region(labels, rule, min_area)
    chosen = np.zeros(labels.shape, bool)
    if region is not None:
        chosen[tuple(region.coords.T)] = True
    return chosen
