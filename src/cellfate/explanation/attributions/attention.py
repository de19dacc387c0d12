"""Attention as an attribution: that of the last layer, and the rollout through all layers. Neither has a sign."""

import numpy as np
import torch
from torch import Tensor

from cellfate.explanation.attributions.cells import Attribution, NetworkCell
from cellfate.explanation.attributions.names import ALL
from cellfate.model.inference import classify_sequences
from cellfate.model.network import FateModel


def attention(cell: NetworkCell) -> Attribution:
    """The attention of the class token to each frame in the last layer (Bürger et al. 2026)."""
    return Attribution((ALL,), classify_sequences(cell.model, [cell.embeddings])[1][0][:, None])


def rollout(cell: NetworkCell) -> Attribution:
    """Attention rollout (Abnar and Zuidema 2020): the product of all layers' attention, mean of the heads, half of each the residual.

    The last layer has no residual, so its row enters as it is.
    """
    layers, last = attention_of_layers(cell.model, cell.embeddings)
    reached = np.eye(len(last))
    for weights in layers:
        reached = (0.5 * weights + 0.5 * np.eye(len(last))) @ reached
    return Attribution((ALL,), (last @ reached)[1:, None])


def attention_of_layers(model: FateModel, embeddings: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The attention (T + 1, T + 1) of each layer of the encoder, mean of its heads, and the class token's row (T + 1,) of the last one.

    Token 0 is the class token.
    """
    inputs: list[Tensor] = []
    hooks = [layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0])) for layer in model.encoder.layers]
    device = next(model.parameters()).device
    model.eval()
    try:
        with torch.no_grad():  # inference mode would take a path through fused kernels that calls no layer
            frames = torch.as_tensor(np.ascontiguousarray(embeddings), device=device)[None]
            _, row = model.classify(frames, torch.tensor([len(embeddings)], device=device))
            layers = [
                layer.self_attn(given, given, given, need_weights=True)[1][0].double().cpu().numpy()
                for layer, given in zip(model.encoder.layers, inputs, strict=True)
            ]
    finally:
        for hook in hooks:
            hook.remove()
    of_frames = row[0].double().cpu().numpy()
    return layers, np.concatenate([[max(1 - of_frames.sum(), 0.0)], of_frames])
