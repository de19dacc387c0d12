"""Explanations of a network that learned one sign, saved and opened as a run does it: p53 raised in a few early frames before death."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_crops import CHANNELS, MODEL, OUTCOMES
from toy_model import SCALING

from cellfate.explanation.attributions.cells import CellImage, NetworkCell
from cellfate.explanation.attributions.gradients import converged
from cellfate.explanation.attributions.methods import FUNCTIONS, Fineness, attribute
from cellfate.explanation.attributions.names import METHODS, PUBLISHED
from cellfate.model.embedding import embed_prepared
from cellfate.model.inference import open_model
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.folder import save_model

SIZE, N_FRAMES, SIGN = 12, 12, slice(3, 6)
P53 = CHANNELS.index("p53")
HOW = {"batch_size": 16, "precision": "32-true", "channels_last": False}
SIGNED = [name for name, method in METHODS.items() if method.model == PUBLISHED and method.signed and name != "region_occlusion"]


def films(n, seed):
    """Frames (n, T, C, S, S) of noise, in every second film with a bright middle in p53 while the sign lasts; labels (n,), 0 with it."""
    rng = np.random.default_rng(seed)
    frames = rng.normal(0, 0.5, (n, N_FRAMES, len(CHANNELS), SIZE, SIZE)).astype(np.float32)
    labels = np.arange(n) % 2
    frames[labels == 0, SIGN, P53, 3:9, 3:9] += 1.5
    return torch.as_tensor(frames), torch.as_tensor(labels, dtype=torch.float32)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The network, trained here and read from its folder."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = FateModel(ModelSettings(channels=len(CHANNELS), **(MODEL | {"input_size": SIZE, "positions": "end"})))
    torch.nn.init.normal_(model.class_token)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    frames, labels = films(32, 1)
    lengths = torch.full((len(frames),), N_FRAMES)
    for _ in range(60):
        logits, _ = model.train()(frames.flatten(0, 1), lengths)
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("learned") / "model"
    save_model(folder, model, {"channels": CHANNELS, "crop_size": SIZE, "scaling": SCALING, "outcomes": OUTCOMES, "fold": 0})
    return open_model(folder, threads=1, accelerator="cpu")


def cells(model, n=6):
    """Films that it was not trained with, as the methods get them."""
    frames, labels = films(n, 2)
    vectors = [embed_prepared(model, one, **HOW) for one in frames]
    typical = np.concatenate(vectors).mean(axis=0)
    whole = np.ones((N_FRAMES, SIZE, SIZE), bool)
    images = [CellImage(one, whole, np.zeros(len(CHANNELS)), tuple(CHANNELS), **HOW) for one in frames]
    frames_of = np.arange(N_FRAMES)
    return [NetworkCell(model, frames_of, own, typical, image) for own, image in zip(vectors, images, strict=True)], labels.numpy()


def test_it_learned_the_sign(learned):
    own, labels = cells(learned)
    said = np.array([cell.logits(np.zeros((1, N_FRAMES), bool))[0] for cell in own])
    assert ((said > 0) == (labels > 0.5)).all()


@pytest.mark.parametrize("method", ["channel_gradients", "integrated_gradients"])
def test_what_is_promised_to_add_up_does(learned, method):
    for cell, label in zip(*cells(learned), strict=True):
        found = attribute(method, cell, Fineness(window=3, steps=32))
        assert converged(found) is True
        assert label == 1 or found.expected < -1  # log-odds: there is something to add up
        full = cell.logits(np.zeros((1, N_FRAMES), bool))[0]
        other = replace(cell, embeddings=np.broadcast_to(_compared(cell, method), cell.embeddings.shape).astype(np.float32))
        assert found.expected == pytest.approx(full - other.logits(np.zeros((1, N_FRAMES), bool))[0], abs=1e-3)


def _compared(cell, method):
    """The embedding that each frame of the cell has at the point of comparison: the typical one, or that of a frame of training means."""
    if method == "integrated_gradients":
        return cell.typical
    with torch.inference_mode():
        return cell.model.embed(torch.zeros(1, len(CHANNELS), SIZE, SIZE)).numpy()


def test_too_few_steps_are_doubled_and_noticed_where_that_is_not_enough(learned):
    """The network is sure, so its log-odds change at once somewhere on the way from the point of comparison."""
    dying = [cell for cell, label in zip(*cells(learned), strict=True) if label == 0]
    once = [FUNCTIONS["channel_gradients"](cell, Fineness(window=3, steps=24)) for cell in dying]
    assert not all(converged(one) for one in once)
    finer = [attribute("channel_gradients", cell, Fineness(window=3, steps=24)) for cell in dying]
    assert all(abs(new.delta) <= abs(old.delta) for old, new in zip(once, finer, strict=True))
    coarse = [attribute("channel_gradients", cell, Fineness(window=3, steps=1)) for cell in dying]
    assert not all(converged(one) for one in coarse)


@pytest.mark.parametrize("method", SIGNED)
def test_the_frames_of_the_sign_speak_for_death(learned, method):
    own, labels = cells(learned)
    for cell in [one for one, label in zip(own, labels, strict=True) if label == 0]:
        found = attribute(method, cell, Fineness(window=3, steps=24))
        toward = np.clip(-found.of_frames, 0, None)
        assert toward[SIGN].sum() > 0.5 * toward.sum()
        if len(found.parts) > 1:
            inside = -found.values[SIGN].sum(axis=0)
            assert found.parts[int(inside.argmax())] == "p53"
