"""Frames of which a channel has one value everywhere: images that were never written come in like that, mostly as zeros."""

import sys

import numpy as np

from cellfate.base.errors import InputError
from cellfate.frames.reader import Frames

COARSE = 16  # pixels; a coarse grid is looked at first
SHOWN = 5  # frames that are named one by one


def constant_channels(image: np.ndarray) -> list[int]:
    """The channels of an image (C, H, W) that have one value everywhere."""
    return [c for c, plane in enumerate(image) if _is_constant(plane[::COARSE, ::COARSE]) and _is_constant(plane)]


def _is_constant(plane: np.ndarray) -> bool:
    return bool((plane == plane[0, 0]).all())


class ConstantFrames:
    """Takes note of the constant frames among those that are read anyway."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._found: dict[int, str] = {}

    def note(self, t: int, image: np.ndarray) -> None:
        """Look at frame ``t``, an image (C, H, W)."""
        if channels := constant_channels(image):
            self._found[t] = ", ".join(f"{self._frames.channels[c]} ({image[c, 0, 0]})" for c in channels)

    def lines(self) -> list[str]:
        """A line for each frame that is constant in a channel, one for all others after the first."""
        lines = [f"{self._frames.where(t)}: one value everywhere in {said}: was this image written?" for t, said in self._found.items()]
        more = list(self._found)[SHOWN:]
        if more:
            numbers = ", ".join(map(str, more[:20])) + (" and more" if len(more) > 20 else "")
            lines[SHOWN:] = [f"{self._frames.path}: {len(more)} further frames with one value everywhere in a channel: {numbers}"]
        return lines

    def warn(self) -> None:
        """Print the lines to standard error."""
        for line in self.lines():
            print(f"WARNING: {line}", file=sys.stderr, flush=True)


def check_frames(frames: Frames) -> None:
    """Check all frames as :meth:`Frames.check`, and that the recording does not end in constant ones; notes go to standard error."""
    frames.check()
    for note in frames.notes:
        print(f"WARNING: {note}", file=sys.stderr, flush=True)
    if problem := end_problem(frames):
        raise InputError(problem)


def end_problem(frames: Frames) -> str | None:
    """What is wrong where the last frames, two or more, have one value everywhere in a channel; decodes these and few before them.

    Nothing is wrong with a channel that is constant in all frames while others are not, nor with one that is recorded now and then
    only, so that as many frames without it stand before.
    """
    starts = _starts_of_end(frames)
    if frames.n_frames > 1 and len(starts) == len(frames.channels) and not any(starts.values()):
        return f"{frames.path}: every frame has one value everywhere in every channel: nothing was recorded, or nothing was written"
    stopped = {c: start for c, start in starts.items() if 0 < start < frames.n_frames - 1 and not _is_regular(frames, c, start)}
    if not stopped:
        return None
    first = min(stopped.values())
    names = ", ".join(frames.channels[c] for c in sorted(stopped))
    return (
        f"{frames.where(first)}: one value everywhere in {names} from this frame to the last (frames {first} to {frames.n_frames - 1}): "
        f"these images were not written, or show nothing. To leave them out, put {first - 1} into the column last_image of the sheet"
    )


def _starts_of_end(frames: Frames) -> dict[int, int]:
    """{channel: the first frame of those at the end in which it is constant}, for channels that are constant in the last frame."""
    starts: dict[int, int] = {}
    going = set(range(len(frames.channels)))
    for t in range(frames.n_frames - 1, -1, -1):
        going &= set(constant_channels(frames.read(t)))
        if not going:
            break
        starts.update(dict.fromkeys(going, t))
    return starts


def _is_regular(frames: Frames, channel: int, start: int) -> bool:
    """Whether a channel was constant for as many frames in a row shortly before, too."""
    length, run = frames.n_frames - start, 0
    for t in range(start - 2, max(-1, start - 2 - 2 * length), -1):
        run = run + 1 if channel in constant_channels(frames.read(t)) else 0
        if run >= length:
            return True
    return False
