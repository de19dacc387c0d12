"""Cells with networks of random weights, as methods of attribution get them."""

import numpy as np
import torch
from toy_crops import CHANNELS, MODEL

from cellfate.crops.rings import ring_columns
from cellfate.explanation.attributions.cells import CellImage, NetworkCell, RisksCell
from cellfate.model.embedding import embed_prepared
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.risks.ensemble import Ensemble
from cellfate.model.risks.inputs import Standard
from cellfate.model.risks.network import RiskNetwork, RiskSizes

SIZE = 8
HOW = {"batch_size": 5, "precision": "32-true", "channels_last": False}
NAMES = {"negative": "apoptosis", "positive": "mitosis"}


def random_network(n_channels=3, layers=2):
    torch.manual_seed(0)
    sizes = MODEL | {"channels": n_channels, "input_size": SIZE, "encoder_layers": layers, "positions": "end"}
    model = FateModel(ModelSettings(**sizes))
    with torch.no_grad():
        model.class_token.normal_()
        model.output.weight.normal_(0, 2)
    return model.eval()


def network_cell(n_frames=12, n_channels=3, seed=0):
    model, rng = random_network(n_channels), np.random.default_rng(seed)
    frames = torch.as_tensor(rng.normal(size=(n_frames, n_channels, SIZE, SIZE)), dtype=torch.float32)
    inside = np.zeros((n_frames, 2 * SIZE, 2 * SIZE), bool)
    inside[:, 5:11, 5:11] = True
    image = CellImage(frames, inside, np.zeros(n_channels), tuple(CHANNELS[:n_channels]), **HOW)
    embeddings = embed_prepared(model, frames, **HOW)
    return NetworkCell(model, np.arange(3, 3 + n_frames), embeddings, embeddings.mean(axis=0) + 0.1, image)


def random_ensemble(columns, members=2):
    torch.manual_seed(3)
    networks = tuple(RiskNetwork(RiskSizes(inputs=len(columns), width=8, bins=2, dropout=0.0)).eval() for _ in range(members))
    for network in networks:
        torch.nn.init.normal_(network.head[1].weight)
    standard = Standard(tuple(columns), np.zeros(len(columns)), np.ones(len(columns)))
    return Ensemble(networks, standard, (0.0, 2.0, 6.0), None, 2, 6.0, NAMES)


def risks_cell(n_frames=12, seed=0):
    columns = [*ring_columns(CHANNELS[:2], 2), "hours of track"]
    values = np.random.default_rng(seed).normal(size=(n_frames, len(columns))).astype(np.float32)
    return RisksCell(random_ensemble(columns), np.arange(n_frames), values, 5.0)
