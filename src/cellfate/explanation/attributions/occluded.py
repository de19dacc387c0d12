"""Attributions by hiding: what the log-odds lose without a window of frames, or with a part of the image replaced in it."""

import numpy as np

from cellfate.explanation.attributions.cells import Attribution, NetworkCell, RisksCell
from cellfate.explanation.attributions.gradients import rings_of
from cellfate.explanation.attributions.names import ALL, CELL, SURROUNDINGS
from cellfate.model.occlusion import hidden_windows, occlusion, replaced_logits


def window_for(n_frames: int, window: int) -> int:
    """The window, or the largest odd number below ``n_frames`` (at least 2), so that a frame is left."""
    return window if window < n_frames else n_frames - 1 - n_frames % 2


def frame_occlusion(cell: NetworkCell, window: int) -> Attribution:
    """Each frame: the log-odds that are lost when the ``window`` frames around it are hidden."""
    n_frames = len(cell.frames)
    if n_frames == 1:
        return Attribution((ALL,), np.zeros((1, 1)))
    return Attribution((ALL,), occlusion(cell.model, cell.embeddings, window_for(n_frames, window))[:, None])


def channel_occlusion(cell: NetworkCell, window: int) -> Attribution:
    """Each frame and channel: what is lost when the channel has its training mean in the ``window`` frames around."""
    others = [cell.image.without_channel(cell.model, name) for name in cell.image.channels]
    return Attribution(cell.image.channels, _replaced(cell, others, window))


def region_occlusion(cell: NetworkCell, window: int) -> Attribution:
    """Each frame: what is lost when the cell, or all around it, is hidden in the ``window`` frames around."""
    parts = (CELL, SURROUNDINGS)
    return Attribution(parts, _replaced(cell, [cell.image.without_region(cell.model, name) for name in parts], window))


def risks_occlusion(cell: RisksCell, window: int) -> Attribution:
    """Each frame and ring: what is lost when the ring has its training mean in the ``window`` frames around."""
    of_column = np.array(rings_of(cell.columns))
    parts = tuple(dict.fromkeys(of_column.tolist()))
    windows = hidden_windows(len(cell.frames), window)
    full = cell.logits_of(cell.values[None])[0]
    lost = [full - cell.logits_of(np.where(windows[:, :, None] & (of_column == part), 0.0, cell.values[None])) for part in parts]
    return Attribution(parts, np.stack(lost, axis=1))


def _replaced(cell: NetworkCell, others: list[np.ndarray], window: int) -> np.ndarray:
    """The log-odds lost (T, P) when the frames around have the embeddings (T, D) of each of ``others``."""
    n_frames = len(cell.frames)
    windows = hidden_windows(n_frames, window)
    full = cell.logits(np.zeros((1, n_frames), bool))[0]
    return np.stack([full - replaced_logits(cell.model, cell.embeddings, other, windows) for other in others], axis=1)
