"""How crops are segmented with Cellpose: the tries of a ladder, and what is set besides.

What is not in the config has Cellpose's own defaults (flow dynamics at the resolution of the crop, bilinear, 200 steps times
diameter / training diameter; no test-time augmentation; at least 15 px; percentiles 1 and 99 of each crop set to 0 and 1), but
for ``max_size_fraction``: Cellpose drops regions over 0.4 of the image, which in a 112 px crop is a cell of 80 px. Our ladder
keeps regions of any size; the published one keeps Cellpose's 0.4.
"""

from dataclasses import dataclass

from cellfate.base.errors import InputError

PUBLISHED_DIAMETERS = (55.0, 50.0, 45.0, 30.0)


@dataclass(frozen=True)
class Attempt:
    """One try of the ladder: ``channel`` counts from 1, 0 is the mean of all; ``diameter`` in pixels."""

    channel: int
    diameter: float


@dataclass(frozen=True)
class SegmentationSettings:
    """How crops are segmented. ``channel`` is the index of the segmented channel; it and ``diameter`` are for ladder single."""

    ladder: str
    channel: int
    diameter: float  # pixels
    flow_threshold: float
    cellprob_threshold: float
    batch_size: int  # crops that run through the network together

    @property
    def max_size_fraction(self) -> float:
        """Regions above this fraction of the crop are dropped."""
        return 0.4 if self.ladder == "published" else 1.0

    def attempts(self, n_channels: int) -> list[Attempt]:
        """The tries in their order. Published: grey, then channels 1 to 3, and within each the diameters 55, 50, 45, 30."""
        if self.ladder == "single":
            return [Attempt(self.channel + 1, self.diameter)]
        if self.ladder != "published":
            raise InputError(f"segmentation.ladder is {self.ladder!r}, 'single' or 'published' is needed")
        channels = range(min(n_channels, 3) + 1) if n_channels > 1 else [0]
        return [Attempt(channel, diameter) for channel in channels for diameter in PUBLISHED_DIAMETERS]
