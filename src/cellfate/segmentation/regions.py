"""Which region of a label image is the tracked cell."""

import math

import numpy as np
from skimage.measure import label, regionprops

from cellfate.base.errors import InputError

USABLE_AREA = 20  # pixels; of several regions, the published ladder needs one as large
MAX_DISTANCE = 10.0  # pixels from the crop's centre to the nearest pixel of a region that still counts as the tracked cell


def is_usable(labels: np.ndarray, ladder: str) -> bool:
    """Whether a try that gave this label image (S, S) ends the ladder: it has a region.

    Ladder ``published``: one region of any size, or several (8-connectivity) of which one has at least ``USABLE_AREA`` pixels.
    """
    if ladder != "published":
        return bool(labels.any())
    areas = np.bincount(label(labels, connectivity=2).ravel())[1:]
    return len(areas) == 1 or bool((areas >= USABLE_AREA).any())


def choose_region(labels: np.ndarray, rule: str, min_area: int):
    """The region of the tracked cell in a label image (S, S), and the number of its neighbours.

    Returns (region, n_neighbors): scikit-image's ``RegionProperties``, or None where no region qualifies. Parts of one label
    that do not touch (8-connectivity) are regions of their own; those below ``min_area`` pixels do not count, neither as the
    cell nor as a neighbour. The crop's centre is pixel S // 2, where the crop was cut around.

    ``centre``: the region that covers the centre, else the one whose nearest pixel is nearest, up to ``MAX_DISTANCE``.
    ``published``: the highest (1 - distance of the centroid to the centre / half diagonal) + area / largest area; a region
    that is alone in the crop may be below ``min_area``.
    """
    regions = regionprops(label(labels, connectivity=2))
    large = [region for region in regions if region.area >= min_area]
    if rule == "published":
        large = regions if len(regions) == 1 else large
        chosen = _published_choice(large, labels.shape)
    elif rule == "centre":
        chosen = _central_choice(large, labels.shape)
    else:
        raise InputError(f"features.region is {rule!r}, 'centre' or 'published' is needed")
    return chosen, len(large) - (chosen is not None)


def _central_choice(regions: list, shape: tuple[int, int]):
    centre = np.array(shape) // 2
    distances = [np.hypot(*(region.coords - centre).T).min() for region in regions]
    nearest = int(np.argmin(distances)) if regions else -1
    return regions[nearest] if regions and distances[nearest] <= MAX_DISTANCE else None


def _published_choice(regions: list, shape: tuple[int, int]):
    centre, half_diagonal = np.array(shape) / 2, math.hypot(*shape) / 2
    largest = max((region.area for region in regions), default=1)

    def score(region) -> float:
        return 1 - math.dist(region.centroid, centre) / half_diagonal + region.area / largest

    return max(regions, key=score, default=None)
