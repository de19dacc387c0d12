"""The published checkpoint (safetensors) as a model folder of ours, to use instead of training."""

from pathlib import Path

import torch
from torch import Tensor

from cellfate.base.errors import InputError, no_file
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.folder import load_strictly
from cellfate.model.weights import read_weights

# Prefixes of the published names and ours. Published: the ResNet is a Sequential of its children (2 is ReLU, 3 the pooling).
PREFIXES = {
    "backbone.model.0.": "backbone.conv1.",
    "backbone.model.1.": "backbone.bn1.",
    "backbone.model.4.": "backbone.layer1.",
    "backbone.model.5.": "backbone.layer2.",
    "backbone.model.6.": "backbone.layer3.",
    "backbone.model.7.": "backbone.layer4.",
    "transformer_encoder.layers.": "encoder.layers.",
    "norm_layer_1.": "norm_before.",
    "final_attn.": "pooling.",
    "norm_layer_2.": "norm_after.",
    "fc.": "output.",
    "class_token": "class_token",
}


def our_name(published: str) -> str:
    """The parameter's name in :class:`FateModel`; a name that is not of the published network is returned as it is."""
    for theirs, ours in PREFIXES.items():
        if published.startswith(theirs):
            return ours + published[len(theirs) :]
    return published


def published_name(ours: str) -> str:
    """The inverse of :func:`our_name`."""
    for theirs, prefix in PREFIXES.items():
        if ours.startswith(prefix):
            return theirs + ours[len(prefix) :]
    return ours


def import_state(state: dict[str, Tensor], settings: ModelSettings, source: str | Path) -> FateModel:
    """A model in evaluation mode from tensors under the published names.

    The class token may have any number of leading axes of length 1. Raises an InputError that names the keys that are
    missing, unknown or of another shape than the settings give.
    """
    if len(settings.layers) != 4:
        raise InputError(f"model.layers is {list(settings.layers)}, the published network ({source}) has 4 stages")
    strange = [key for key in state if our_name(key) == key and key != "class_token"]
    if strange:
        raise InputError(f"{source}: {strange[0]} is not a name of the published network, which has {', '.join(PREFIXES)}")
    ours = {our_name(key): value for key, value in state.items()}
    token = ours.get("class_token")
    if token is not None and token.numel() == token.shape[-1]:
        ours["class_token"] = token.reshape(1, 1, -1)
    with torch.device("meta"):
        model = FateModel(settings)
    load_strictly(model, ours, source, named=published_name)
    return model.eval()


def import_checkpoint(checkpoint: str | Path, settings: ModelSettings) -> FateModel:
    """Read the published safetensors file; see :func:`import_state`. Its inputs must be scaled with ``reference_scaling``."""
    checkpoint = Path(checkpoint)
    if not checkpoint.is_file():
        raise InputError(f"training.checkpoint: {no_file(checkpoint, 'a safetensors file')}")
    state = read_weights(checkpoint)
    return import_state({key: value.float() if value.is_floating_point() else value for key, value in state.items()}, settings, checkpoint)
