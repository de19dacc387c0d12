"""Colour images of which a recording has fewer channels: grey stored as colour, or colours that were never used."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from cellfate.base.errors import InputError

NAMES = {3: ("red", "green", "blue"), 4: ("red", "green", "blue", "the fourth")}


class ColourChoice:
    """Which ``n_wanted`` colours of an image's ``n_found`` are the channels, found in some ``samples``, images (C, H, W), of the recording.

    All are alike: the first. Those that are not wanted are zero: the others, in their order. Raises InputError otherwise, as nothing
    says which of them are meant. Every image is held against that choice before it is used.
    """

    def __init__(self, samples: Iterable[np.ndarray], channels: Sequence[str], n_found: int, source: str | Path) -> None:
        self._channels, self._n_found, self._source = tuple(channels), n_found, source
        images = list(samples)
        used = [c for c in range(n_found) if any(image[c].any() for image in images)]
        self._grey = len(channels) == 1 and len(used) > 1 and all(_all_alike(image) for image in images)
        self.chosen = [0] if self._grey else self._chosen(used)

    def _chosen(self, used: list[int]) -> list[int]:
        n_wanted = len(self._channels)
        if len(used) == n_wanted:
            return used
        first = list(range(n_wanted))
        if 0 < len(used) < n_wanted <= self._n_found and set(used) <= set(first):
            return first
        raise InputError(self._refusal(used))

    def _refusal(self, used: Sequence[int]) -> str:
        names = self._names(used) if used else "none"
        return (
            f"{self._source}: {self._n_found} channel(s) found, {len(self._channels)} expected ({', '.join(self._channels)}): a colour "
            f"image; not zero throughout: {names}. Name all {self._n_found} in the sheet, or export the images without the others"
        )

    @property
    def note(self) -> str:
        """What was chosen, for the user."""
        if self._grey:
            return f"{self._source}: grey images stored as colour: {self._channels[0]} is read from one of {self._n_found} equal colours"
        pairs = ", ".join(f"{name} from {self._names([c])}" for name, c in zip(self._channels, self.chosen, strict=True))
        return f"{self._source}: colour images of which the sheet names {len(self._channels)} channel(s): {pairs}; the rest is zero"

    def of(self, image: np.ndarray, source: str | Path) -> np.ndarray:
        """The channels (C, H, W) of an image of all colours; InputError where the choice does not hold for it."""
        others = [c for c in range(self._n_found) if c not in self.chosen]
        if self._grey and not _all_alike(image):
            raise InputError(f"{source}: a colour image among grey ones that are stored as colour: its colours are not all alike")
        if not self._grey and image[others].any():
            found = self._names([c for c in others if image[c].any()])
            raise InputError(f"{source}: {found} is not zero here, as in the other images: no channel of the sheet is for it")
        return image[self.chosen]

    def _names(self, colours: Iterable[int]) -> str:
        names = NAMES.get(self._n_found)
        return ", ".join(names[c] if names else f"colour {c + 1}" for c in colours)


def _all_alike(image: np.ndarray) -> bool:
    return all(np.array_equal(plane, image[0]) for plane in image[1:])
