"""How much the prediction of a trajectory rests on each of its frames: what changes when the frames around it are hidden.

Occlusion sensitivity (Zeiler and Fergus 2014) over time. Attention says where the network looked; this says what its answer needs.
"""

import numpy as np
import torch

from cellfate.base.errors import InputError
from cellfate.model.network import FateModel

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
    device = next(model.parameters()).device
    unseen = torch.as_tensor(np.concatenate([np.zeros((1, len(embeddings)), bool), hidden_windows(len(embeddings), window)]))
    frames = torch.as_tensor(np.ascontiguousarray(embeddings), device=device)[None]
    model.eval()
    logits = []
    with torch.inference_mode():
        for masks in unseen.split(max(1, BATCH_TOKENS // len(embeddings))):
            lengths = torch.full((len(masks),), len(embeddings), device=device)
            logits.append(model.classify(frames.expand(len(masks), -1, -1), lengths, masks.to(device))[0].double().cpu())
    full, *without = torch.cat(logits).numpy()
    return full - np.array(without)
