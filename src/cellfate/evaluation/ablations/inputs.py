"""What can be hidden from a trained network, and the input that is left."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from cellfate.base.errors import InputError
from cellfate.evaluation.ablations.names import CELL, CHANNELS, ONLY, WITHOUT
from cellfate.model.network import FateModel
from cellfate.model.occlusion import disc, hide, keep_channels, without_positions
from cellfate.segmentation.mask_file import MaskFile
from cellfate.segmentation.regions import choose_region

SHUFFLES = 5  # of which a trajectory has the mean logit
SHORTEST_HALF = 2  # frames


@dataclass(frozen=True)
class FoldFiles:
    """The tables of trajectories and split, the files of crops and masks (none where nothing needs them), and which fold it is."""

    trajectories: pd.DataFrame
    split: pd.DataFrame
    crops: Sequence[str | Path]
    masks: Sequence[str | Path]
    fold: int


class Cells:
    """Where the cell is in crops of ``size`` pixels: the region of the masks, where it was found, else a disc; a context manager.

    ``rule`` and ``min_area`` choose the region as for the features; ``radius`` of the disc is in pixels.
    """

    def __init__(self, masks: Sequence[str | Path], size: int, *, radius: float, rule: str, min_area: int) -> None:
        self._stack = ExitStack()
        files = [self._stack.enter_context(MaskFile(path)) for path in masks]
        self._files = {file.recording: (file, set(file.track_ids)) for file in files}
        self.disc = disc(size, radius)
        self._rule, self._min_area = rule, min_area

    def __enter__(self) -> "Cells":
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def of(self, recording: str, track_id: int, frames: np.ndarray) -> tuple[np.ndarray, int]:
        """The pixels (T, S, S) of a track's cell in ``frames`` (T,), and in how many of them its region was found."""
        cells = np.repeat(self.disc[None], len(frames), axis=0)
        file, tracks = self._files.get(recording, (None, ()))
        if track_id not in tracks:
            return cells, 0
        segmented, labels = file.read(track_id)
        if labels.shape[1:] != self.disc.shape:
            raise InputError(f"{file.path}: masks of {labels.shape[-1]} px, but the crops have {len(self.disc)} px; segment again")
        places = {int(frame): place for place, frame in enumerate(frames)}
        found = 0
        for frame, label_image in zip(segmented.tolist(), labels, strict=True):
            region = choose_region(label_image, self._rule, self._min_area)[0] if frame in places else None
            if region is not None:
                own = np.zeros_like(self.disc)
                own[tuple(region.coords.T)] = True
                cells[places[frame]] = own
                found += 1
        return cells, found


def hidden_parts(frames: Tensor, cells: np.ndarray, centre: np.ndarray, fill: np.ndarray) -> Iterator[tuple[str, Tensor]]:
    """The network's input (T, C, s, s) without the cell, without all else, and without a disc at the centre that is the same in all.

    The hole that a region leaves has the cell's shape, and shows in which frames it was found; the disc's says nothing of it.
    """
    yield "cell_hidden", hide(frames, cells, fill)
    yield "surroundings_hidden", hide(frames, ~cells, fill)
    yield "centre_hidden", hide(frames, np.broadcast_to(centre, cells.shape), fill)


def single_channels(frames: Tensor, channels: Sequence[str], fill: np.ndarray) -> Iterator[tuple[str, Tensor]]:
    """The network's input with one channel alone, and without one; with two channels the second is the first, with one both are nothing."""
    places = range(len(channels))
    if len(channels) > 1:
        yield from ((f"{ONLY}{name}", keep_channels(frames, [place], fill)) for place, name in enumerate(channels))
    if len(channels) > 2:
        yield from ((f"{WITHOUT}{name}", keep_channels(frames, set(places) - {place}, fill)) for place, name in enumerate(channels))


def rearranged(model: FateModel, embeddings: np.ndarray, trajectory: str, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Embeddings (T, D) of a trajectory in other orders, without an order, and parts of them; shuffled ones several times."""
    rng = np.random.default_rng([seed, zlib.crc32(trajectory.encode())])
    yield from (("frames_shuffled", embeddings[rng.permutation(len(embeddings))]) for _ in range(SHUFFLES))
    yield "frames_reversed", embeddings[::-1]
    yield "positions_removed", without_positions(model, embeddings)
    yield "last_frame", embeddings[-1:]
    if len(embeddings) >= 2 * SHORTEST_HALF:
        yield "first_half", embeddings[: len(embeddings) // 2]


def chosen(rows: pd.DataFrame, most: int | None, seed: int) -> pd.DataFrame:
    """At most ``most`` trajectories of each label (None: all), drawn at random; in the order of ``rows``."""
    if most is None:
        return rows
    drawn = rows.sort_values("trajectory").sample(frac=1, random_state=seed).groupby("label").head(most)
    return rows[rows.index.isin(drawn.index)]


Variants = Callable[[Tensor, np.ndarray], Iterator[tuple[str, Tensor]]]


def image_variants(kinds: Sequence[str], channels: Sequence[str], centre: np.ndarray, fill: np.ndarray) -> Variants:
    """A function of the network's input (T, C, s, s) and the cell's pixels (T, S, S) that gives the input of each ablation of the image."""

    def variants(frames: Tensor, cells: np.ndarray) -> Iterator[tuple[str, Tensor]]:
        if CELL in kinds:
            yield from hidden_parts(frames, cells, centre, fill)
        if CHANNELS in kinds:
            yield from single_channels(frames, channels, fill)

    return variants
