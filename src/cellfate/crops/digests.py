"""A short name for what a recording shows, whatever its files are called and wherever they are."""

import hashlib
from collections.abc import Sequence

import numpy as np

from cellfate.frames.pixels import constant_channels
from cellfate.frames.reader import Frames


def image_digest(image: np.ndarray, channels: Sequence[str]) -> str:
    """SHA-256 of the pixels of an image (C, H, W), channels in the order of their names."""
    found = hashlib.sha256(f"{image.dtype.name} {image.shape[1:]}".encode())
    for name, place in sorted((name, place) for place, name in enumerate(channels)):
        found.update(name.encode())
        found.update(np.ascontiguousarray(image[place].astype(image.dtype.newbyteorder("<"))).tobytes())
    return found.hexdigest()


def recording_digest(frames: Frames, first: np.ndarray | None = None) -> str:
    """The digest of the first frame that is not constant in every channel; of the last frame where there is none.

    The noise of a camera makes it another for each recording. A recording that goes on, or is left out from some frame on, keeps it; one of
    which the beginning is left out, or whose pixels were changed (another bit depth, a part of the image), does not. ``first`` is frame 0,
    where it was read already.
    """
    for t in range(frames.n_frames):
        image = frames.read(t) if t or first is None else first
        if len(constant_channels(image)) < len(image):
            break
    return image_digest(image, frames.channels)


class SeenDigests:
    """Knows the digests of recordings, and says where two are of the same images."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def problem(self, digest: str | None, where: str) -> str | None:
        """What is wrong with a recording at ``where`` beside those before; None for nothing, or where its ``digest`` is not known."""
        other = where if digest is None else self._known.setdefault(digest, where)
        return None if other == where else f"{where}: it has the same images as {other}: the same cells would be in two recordings"
