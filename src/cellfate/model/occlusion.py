"""What a prediction rests on: frames, parts of the image, channels or the order of frames are hidden from a trained network.

Occlusion sensitivity (Zeiler and Fergus 2014). Attention says where the network looked; this says what its answer needs.
"""

from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cellfate.base.errors import InputError
from cellfate.model.network import FateModel, sinusoidal_positions

BATCH_TOKENS = 4096  # padded frames in one call of the network


def hidden_windows(n_frames: int, window: int) -> np.ndarray:
    """(T, T) masks: row t is True on the ``window`` frames centred on t (an odd number), fewer at the ends."""
    if window < 1 or window % 2 == 0:
        raise InputError(f"attention.occlusion_window is {window}; an odd number of frames is needed, so that it has a centre")
    frames = np.arange(n_frames)
    return np.abs(frames[:, None] - frames) <= window // 2


def occlusion(model: FateModel, embeddings: np.ndarray, window: int) -> np.ndarray:
    """Log-odds of the positive outcome given all frames, less those with the frames around t hidden: (T,) from (T, D).

    Hidden frames are masked in every layer and the others keep their positions. Above 0 the frames speak for the positive
    outcome. Runs on the model's device, in evaluation mode. Raises an InputError for an even window, and for one that hides all frames.
    """
    if window >= len(embeddings):
        raise InputError(f"attention.occlusion_window is {window}, which hides all {len(embeddings)} frames of the trajectory at once")
    unseen = np.concatenate([np.zeros((1, len(embeddings)), bool), hidden_windows(len(embeddings), window)])
    full, *without = hidden_logits(model, embeddings, unseen)
    return full - np.array(without)


def hidden_logits(model: FateModel, embeddings: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Log-odds (K,) of the positive outcome from embeddings (T, D) without the frames that are True in each row of ``unseen`` (K, T).

    Hidden frames are masked in every layer and the others keep their positions. Runs on the model's device, in evaluation mode.
    """
    device = next(model.parameters()).device
    frames = torch.as_tensor(np.ascontiguousarray(embeddings), device=device)[None]
    model.eval()
    logits = []
    with torch.inference_mode():
        for masks in torch.as_tensor(np.asarray(unseen, bool)).split(max(1, BATCH_TOKENS // len(embeddings))):
            lengths = torch.full((len(masks),), len(embeddings), device=device)
            logits.append(model.classify(frames.expand(len(masks), -1, -1), lengths, masks.to(device))[0].double().cpu())
    return torch.cat(logits).numpy()


def replaced_logits(model: FateModel, embeddings: np.ndarray, others: np.ndarray, replaced: np.ndarray) -> np.ndarray:
    """Log-odds (K,) from embeddings (T, D), in the frames that are True in a row of ``replaced`` (K, T) those of ``others`` (T, D)."""
    device = next(model.parameters()).device
    own, other = (torch.as_tensor(np.ascontiguousarray(rows), device=device) for rows in (embeddings, others))
    model.eval()
    logits = []
    with torch.inference_mode():
        for masks in torch.as_tensor(replaced).split(max(1, BATCH_TOKENS // len(embeddings))):
            sequences = torch.where(masks.to(device)[:, :, None], other, own)
            lengths = torch.full((len(masks),), len(embeddings), device=device)
            logits.append(model.classify(sequences, lengths)[0].double().cpu())
    return torch.cat(logits).numpy()


def hide(frames: Tensor, hidden: np.ndarray, fill: np.ndarray) -> Tensor:
    """A copy of the network's input (T, C, s, s) in which what is ``hidden`` (T, S, S) has the values ``fill`` (C,) of its channel.

    ``hidden`` is in the pixels of the crops; a pixel of the input is filled where any of the pixels that it stands for is hidden, so
    that none of them is seen. Values are those of the network's input (scaled and normalised).
    """
    masks = torch.as_tensor(np.array(hidden, np.float32), device=frames.device)[:, None]
    blocks = functional.adaptive_max_pool2d(masks, frames.shape[-2:]) > 0
    return torch.where(blocks, _of_channels(fill, frames), frames)


def keep_channels(frames: Tensor, kept: Collection[int], fill: np.ndarray) -> Tensor:
    """A copy of the network's input (T, C, s, s) in which channels other than ``kept`` have the value ``fill`` (C,) everywhere."""
    others = torch.tensor([channel not in kept for channel in range(frames.shape[1])], device=frames.device)
    return torch.where(others[:, None, None], _of_channels(fill, frames), frames)


def _of_channels(fill: np.ndarray, frames: Tensor) -> Tensor:
    return torch.as_tensor(fill, dtype=frames.dtype, device=frames.device)[:, None, None]


def disc(size: int, radius: float) -> np.ndarray:
    """Which pixels (S, S) of a crop of ``size`` pixels are within ``radius`` pixels of its centre, pixel S // 2."""
    away = np.arange(size) - size // 2
    return np.hypot(away[:, None], away) <= radius


def without_positions(model: FateModel, embeddings: np.ndarray) -> np.ndarray:
    """Embeddings (T, D) less the position that the network adds to each of them, so that it sees a set of frames without an order."""
    n_frames, features = embeddings.shape
    positions = sinusoidal_positions(n_frames + 1, features)[1:]
    if model.settings.positions == "end":
        positions = positions.flip(0)
    return embeddings - positions.numpy()
