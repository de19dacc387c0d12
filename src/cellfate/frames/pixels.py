"""What is wrong with the pixels of frames that can be read: images that were never written, or lost what they showed.

A channel with one value everywhere was not written, mostly, and reads as zeros. The pixels of the frame before come from a camera that
stood still, many at the largest value from one that was saturated, a few grey values from an image that was scaled before it was stored
as whole numbers.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.frames.reader import Frames

COARSE = 16  # pixels; a coarse grid is looked at first
SHOWN = 5  # frames that are named one by one
SAMPLE = 16_384  # pixels of a plane that are looked at for its values
COPIES, SATURATED, FEW_VALUES = "copies", "saturated", "few_values"
CLIPPED = {1: (255,), 2: (1023, 4095, 16_383, 65_535)}  # by the bytes of a pixel: where cameras of 8, 10, 12, 14 and 16 bit are full
MOST_SATURATED = 0.01  # of the pixels: nuclei cover some 10 % of a field, so this is a cell in ten; debris and hot pixels are far less
MOST_FEW = 4  # grey values; the noise of a camera alone spreads over more


def constant_channels(image: np.ndarray) -> list[int]:
    """The channels of an image (C, H, W) that have one value everywhere."""
    return [c for c, plane in enumerate(image) if _is_constant(plane[::COARSE, ::COARSE]) and _is_constant(plane)]


def _is_constant(plane: np.ndarray) -> bool:
    return bool((plane == plane[0, 0]).all())


@dataclass
class _Kind:
    """The frames with one thing wrong, and what is said of each channel."""

    text: str
    frames: list[int] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def add(self, t: int, said: dict[str, str]) -> None:
        if said:
            self.frames.append(t)
            self.said |= said


class PixelNotes:
    """Takes note of what is wrong with the pixels of frames that are read anyway, and of the others when asked to."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._found: dict[int, str] = {}
        self._seen: set[int] = set()
        self._before: tuple[int, np.ndarray] | None = None
        self._shares: dict[str, float] = {}
        self._odd = {
            COPIES: _Kind("the very pixels of the frame before in {said}: did the camera stop, or was this written twice?"),
            SATURATED: _Kind("saturated: more than 1 % of the pixels have the largest value in {said}: how bright cells are is lost there"),
            FEW_VALUES: _Kind("hardly any grey values in {said}: scaled before it was stored as whole numbers, or a mask?"),
        }

    def note(self, t: int, image: np.ndarray) -> None:
        """Look at frame ``t``, an image (C, H, W), which must not change afterwards: the next one is compared with it."""
        self._seen.add(t)
        constant, names = constant_channels(image), self._frames.channels
        if constant:
            self._found[t] = ", ".join(f"{names[c]} ({image[c, 0, 0]})" for c in constant)
        others = [(names[c], c) for c in range(len(image)) if c not in constant]
        if self._before is not None and self._before[0] < t:
            before = self._before[1]
            self._odd[COPIES].add(t, {name: name for name, c in others if _are_equal(before[c], image[c])})
        self._before = t, image
        self._odd[SATURATED].add(t, {name: said for name, c in others if (said := self._saturated(name, image[c]))})
        self._odd[FEW_VALUES].add(t, {name: f"{name} ({values})" for name, c in others if (values := _few_values(image[c]))})

    def _saturated(self, name: str, plane: np.ndarray) -> str | None:
        """The largest share of a channel's pixels that are saturated so far, where they are in this plane (H, W)."""
        sample = _sample(plane)
        top = sample.max()
        share = float((sample == top).mean()) if top in CLIPPED[plane.dtype.itemsize] else 0.0
        if share <= MOST_SATURATED:
            return None
        self._shares[name] = max(share, self._shares.get(name, 0.0))
        return f"{name} (up to {100 * self._shares[name]:.0f} % are {top})"

    def note_without(self, tracks: pd.DataFrame) -> None:
        """Look also at the frames in which no track has a position: trackers find nothing in a black frame. Others are not decoded."""
        for t in sorted(set(range(self._frames.n_frames)) - self._seen - set(tracks["frame"])):
            self.note(t, self._frames.read(t))

    def lines(self, located: pd.DataFrame | None = None) -> list[str]:
        """Those of :meth:`constant_lines`, then those of :meth:`odd_lines`."""
        return [*self.constant_lines(located), *self.odd_lines().values()]

    def constant_lines(self, located: pd.DataFrame | None = None) -> list[str]:
        """A line for each frame that is constant in a channel, one for all others after the first; and what it does to tracks.

        ``located``, where given, has the columns track_id and frame.
        """
        found = dict(sorted(self._found.items()))
        tell = _tracks_in(located)
        lines = [f"{self._frames.where(t)}: one value everywhere in {said}: was this image written?{tell(t)}" for t, said in found.items()]
        more = list(found)[SHOWN:]
        if more:
            numbers = ", ".join(_shown(*run) for run in _runs(more))
            lines[SHOWN:] = [f"{self._frames.path}: {len(more)} further frames with one value everywhere in a channel: {numbers}"]
        return [*lines, *(f"{self._frames.path}: {line}" for line in _cuts(located, _runs(list(found))))]

    def odd_lines(self) -> dict[str, str]:
        """{what is wrong: a line about it} for what is wrong with pixels that are not the same everywhere."""
        lines = {}
        for name, kind in self._odd.items():
            if kind.frames:
                runs = [_shown(*run) for run in _runs(sorted(kind.frames))]
                numbers = ", ".join(runs[:SHOWN]) + (", ..." if len(runs) > SHOWN else "")
                where = f"{self._frames.path}: {len(kind.frames)} of {len(self._seen)} frames looked at ({numbers})"
                lines[name] = f"{where}: {kind.text.format(said=', '.join(kind.said.values()))}"
        return lines

    def warn(self, located: pd.DataFrame | None = None) -> None:
        """Print the lines to standard error."""
        for line in self.lines(located):
            print(f"WARNING: {line}", file=sys.stderr, flush=True)


def _are_equal(before: np.ndarray, plane: np.ndarray) -> bool:
    coarse = slice(None, None, COARSE)
    return bool((before[coarse, coarse] == plane[coarse, coarse]).all()) and np.array_equal(before, plane)


def _sample(plane: np.ndarray) -> np.ndarray:
    """The pixels of a plane on a grid of some 16,000."""
    step = max(1, int((plane.size / SAMPLE) ** 0.5))
    return plane[::step, ::step]


def _few_values(plane: np.ndarray) -> str | None:
    """The grey values of a plane (H, W) that has hardly any."""
    sample = _sample(plane)
    if any(len(np.unique(part)) > MOST_FEW for part in (sample[::8, ::8], sample)):  # a few pixels tell of most images
        return None
    values = np.unique(plane)
    return None if len(values) > MOST_FEW else ", ".join(map(str, values.tolist()))


def _tracks_in(tracks: pd.DataFrame | None) -> Callable[[int], str]:
    """How many tracks have a position in a frame, as the end of a sentence."""
    if tracks is None:
        return lambda t: ""
    counts = tracks.groupby("frame")["track_id"].nunique()
    return lambda t: f" Tracks with a position in it: {counts.get(t, 0)}"


def _cuts(tracks: pd.DataFrame | None, runs: list[tuple[int, int]]) -> Iterator[str]:
    """A line for each run of frames before which tracks end and after which others begin."""
    if tracks is None:
        return
    spans = tracks.groupby("track_id")["frame"]
    first, last = spans.min(), spans.max()
    for start, end in runs:
        ended, begun = int((last == start - 1).sum()), int((first == end + 1).sum())
        if ended and begun:
            yield f"tracks that end just before frame {_shown(start, end)}: {ended}, that begin just after: {begun}. The same cells?"


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of each run of consecutive numbers, which rise."""
    starts = [n for i, n in enumerate(numbers) if i == 0 or numbers[i - 1] != n - 1]
    ends = [n for i, n in enumerate(numbers) if i == len(numbers) - 1 or numbers[i + 1] != n + 1]
    return list(zip(starts, ends, strict=True))


def _shown(start: int, end: int) -> str:
    return str(start) if start == end else f"{start} to {end}"


def warn_of_notes(frames: Frames) -> None:
    """Print to standard error what the user should know of how the files are read."""
    for note in frames.notes:
        print(f"WARNING: {note}", file=sys.stderr, flush=True)


def check_frames(frames: Frames) -> None:
    """Check all frames as :meth:`Frames.check`, and that the recording does not end in constant ones; notes go to standard error."""
    frames.check()
    warn_of_notes(frames)
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
