"""What the crops of a recording look like in a few numbers: intensities, background, and how large the bright part around the centre is."""

import numpy as np

QUANTILES = (1, 25, 50, 75, 99)  # percent of the pixels of a crop
PROFILE = 8  # rings of equal width from the centre to the edge
MOST_CROPS = 500  # of a recording, of all its tracks and times; a crop takes a millisecond
QUANTITIES = (*(f"raw_q{q:02d}" for q in QUANTILES), *(f"above_q{q:02d}" for q in QUANTILES), "background", "radius")


def sampled(n_crops: int) -> np.ndarray:
    """Which of ``n_crops`` crops are measured, evenly spread: all where there are no more than MOST_CROPS."""
    return np.arange(0, n_crops, max(1, -(-n_crops // MOST_CROPS)))


class Appearance:
    """Numbers of a recording's crops, gathered crop by crop; all crops have ``size`` pixels a side.

    ``network_size`` is the side in pixels of the crops that a network was trained with, in which the radius is given, so that
    recordings of other pixel sizes can be compared.
    """

    def __init__(self, size: int, network_size: int) -> None:
        offset = np.arange(size) - (size - 1) / 2
        self._rings = np.floor(np.hypot(offset[:, None], offset[None, :]) / (size / 2 / PROFILE)).astype(int)
        self._ring_width = network_size / 2 / PROFILE
        self._found: list[np.ndarray] = []

    def add(self, crop: np.ndarray, part: tuple[slice, slice], background: np.ndarray) -> None:
        """Measure a crop (C, S, S) in counts; ``part`` is what of it is inside the frame, ``background`` (C,) the frame's level.

        A crop of which nothing is inside is left out.
        """
        pixels, rings = crop[:, part[0], part[1]], self._rings[part]
        if not pixels.size:
            return
        flat = pixels.reshape(len(pixels), -1)
        ranks = [round(q / 100 * (flat.shape[1] - 1)) for q in QUANTILES]  # values that are there: no interpolation
        raw = np.partition(flat, ranks, axis=1)[:, ranks].astype(np.float32)
        level = np.asarray(background, np.float32)[:, None]
        self._found.append(np.concatenate([raw, raw - level, level, _ring_means(flat, rings.ravel()) - level], axis=1))

    def summary(self) -> list[dict[str, float]]:
        """For each channel its QUANTITIES, medians over the crops; NaN where nothing is known. Empty without crops.

        ``radius``: where the median profile of the rings, above the background, falls to half of its peak.
        """
        if not self._found:
            return []
        with np.errstate(invalid="ignore"):
            medians = np.stack([_medians(channel) for channel in np.stack(self._found, axis=1)])
        n_levels = len(QUANTITIES) - 1
        radii = [half_radius(profile) * self._ring_width for profile in medians[:, n_levels:]]
        return [
            dict(zip(QUANTITIES, map(float, (*levels, radius)), strict=True))
            for levels, radius in zip(medians[:, :n_levels], radii, strict=True)
        ]


def _medians(values: np.ndarray) -> np.ndarray:
    """The median of each column of (N, V) over the rows that have a value; NaN where none has."""
    known = ~np.isnan(values)
    return np.array([np.median(column[there]) if there.any() else np.nan for column, there in zip(values.T, known.T, strict=True)])


def _ring_means(flat: np.ndarray, rings: np.ndarray) -> np.ndarray:
    """The mean of pixels (C, P) in each of PROFILE rings, (C, PROFILE) float32; NaN in a ring without a pixel."""
    whole = np.flatnonzero(rings < PROFILE)
    counts = np.bincount(rings[whole], minlength=PROFILE)
    sums = np.stack([np.bincount(rings[whole], channel[whole], minlength=PROFILE) for channel in flat])
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0).astype(np.float32)


def half_radius(profile: np.ndarray) -> float:
    """Where a profile (PROFILE,) first falls to half of its peak, outwards from it, in ring widths from the centre.

    Interpolated between the middles of the rings. NaN where it does not fall so far, and for a profile that is nowhere above 0.
    """
    known = np.flatnonzero(~np.isnan(profile))
    if not len(known) or profile[known].max() <= 0:
        return np.nan
    values, places = profile[known], known + 0.5
    peak = int(values.argmax())
    below = np.flatnonzero(values[peak:] < values[peak] / 2)
    if not len(below):
        return np.nan
    outer = peak + int(below[0])
    share = (values[outer - 1] - values[peak] / 2) / (values[outer - 1] - values[outer])
    return float(places[outer - 1] + share * (places[outer] - places[outer - 1]))
